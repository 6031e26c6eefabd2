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
