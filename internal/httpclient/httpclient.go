// Package httpclient makes the HTTP clients with which the program asks providers. It
// must not import any other package of the program.
package httpclient

import (
	"errors"
	"net/http"
	"net/url"
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
