// Package httpclient makes the HTTP clients with which the program asks providers. It
// must not import any other package of the program.
package httpclient

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// New makes a client that gives an answer up after the timeout. It follows no redirect,
// which would carry a token, a key or a text to another host.
func New(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// WithoutAddress takes the address of the request out of an error of a client, so that the
// error can be logged: an address may hold a token in its query, or name an account.
func WithoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// maxRetryAfter bounds what a provider can put off.
const maxRetryAfter = 24 * time.Hour

// Do sends a request. Beside an error, which does not name the address, wasSent says that
// the whole request had gone out: the provider may have done what it asks for.
func Do(client *http.Client, request *http.Request) (response *http.Response, wasSent bool, err error) {
	var written atomic.Bool
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) }}
	response, err = client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace))) //nolint:gosec // the address is a provider's, from the settings
	if err != nil {
		return nil, written.Load(), WithoutAddress(err)
	}
	return response, true, nil
}

// RetryAfter is how long a provider asks to be left alone (RFC 9110, section 10.2.3), in
// seconds or until a date, and a day at most. It is 0 where the provider asks for nothing
// that can be read.
func RetryAfter(response *http.Response, now time.Time) time.Duration {
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
