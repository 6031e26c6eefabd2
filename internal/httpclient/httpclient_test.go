package httpclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luxbff/internal/httpclient"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/elsewhere", http.StatusTemporaryRedirect))
	defer server.Close()
	response, err := httpclient.New(time.Minute).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status %d, want the redirect itself", response.StatusCode)
	}
}

func TestErrorsDoNotQuoteTheAddress(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	response, err := httpclient.New(time.Minute).Get(server.URL + "/me?access_token=secret")
	if err == nil {
		_ = response.Body.Close()
		t.Fatal("a server that is closed answers")
	}
	if text := httpclient.WithoutAddress(err).Error(); strings.Contains(text, "secret") || text == "" {
		t.Errorf("the error is %q", text)
	}
}

func TestDoSaysWhatHasGoneOut(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for url, want := range map[string]bool{cut.URL: true, closed.URL: false} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/?token=secret", strings.NewReader("a message"))
		if err != nil {
			t.Fatal(err)
		}
		response, wasSent, err := httpclient.Do(httpclient.New(time.Minute), request)
		if err == nil {
			_ = response.Body.Close()
		}
		if err == nil || wasSent != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, sent %v, want %v", err, wasSent, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-1": 0, "soon": 0, "2000000000": 24 * time.Hour, "99999999999999999999": 0,
		"Wed, 04 Mar 2026 12:10:00 GMT": 10 * time.Minute, "Wed, 04 Mar 2026 11:00:00 GMT": 0, "Wed, 04 Mar 2076 12:10:00 GMT": 24 * time.Hour,
	} {
		response := &http.Response{Header: http.Header{"Retry-After": {text}}}
		if got := httpclient.RetryAfter(response, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
