package verify_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
	"luxbff/server/verify"
)

// run asks a server and gives the results by their names.
func run(t *testing.T, address, token string, schemaIsOpen bool) map[string]verify.Result {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	results, err := verify.Run(t.Context(), verify.Config{URL: parsed, Token: token, SchemaIsOpen: schemaIsOpen})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]verify.Result{}
	for _, r := range results {
		named[r.Name] = r
	}
	if len(named) != len(results) {
		t.Errorf("%d names of %d results", len(named), len(results))
	}
	return named
}

// TestThisServerKeepsTheContract asks this program itself, as it runs in development and in
// production, with a token and without.
func TestThisServerKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]func(c *app.Config){"development": func(*app.Config) {}, "production": apptest.Production} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, settings)
			var registered struct {
				RegisterLocal struct{ Tokens struct{ AccessToken string } }
			}
			s.Data(t, "", `mutation { registerLocal(input: {localId: "parent1", password: "abcd1234"}) { tokens { accessToken } } }`, nil, &registered)
			for _, as := range []string{"", registered.RegisterLocal.Tokens.AccessToken} {
				groups, asked := map[string]int{}, 0
				for _, r := range run(t, s.URL, as, name == "development") {
					if r.Err != nil {
						t.Errorf("%s: %s: %v", r.Group, r.Name, r.Err)
					}
					if (r.Skipped != "") && as != "" {
						t.Errorf("%s is skipped with a token: %s", r.Name, r.Skipped)
					}
					if r.Skipped == "" {
						groups[r.Group]++
						asked++
					}
				}
				if groups["GraphQL over HTTP"] != 61 || groups["Close codes"] < 5 || groups["REST routes"] < 40 {
					t.Errorf("asked are %v", groups)
				}
			}
		})
	}
}

// TestWhatIsFound lets a proxy spoil what the server answers, in one way after the other. The
// question that asks for it finds it.
func TestWhatIsFound(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for question, spoil := range map[string]func(r *http.Response, body string) string{
		"4655 application/json is accepted and answered": func(r *http.Response, body string) string {
			r.Header.Set("Content-Type", strings.Replace(r.Header.Get("Content-Type"), "application/json", "text/json", 1))
			return body
		},
		"BCF8 what is no JSON is 400, for application/json": func(r *http.Response, body string) string {
			if r.StatusCode == http.StatusBadRequest {
				r.StatusCode = http.StatusUnprocessableEntity
			}
			return body
		},
		"an account needs a token": func(_ *http.Response, body string) string {
			return strings.ReplaceAll(body, "UNAUTHENTICATED", "UNKNOWN")
		},
		"a subscription over an event stream": func(r *http.Response, body string) string {
			r.Header.Del("Cache-Control")
			return body
		},
		"GET /api/v1/lux/user/me, without a token": func(_ *http.Response, body string) string {
			return strings.ReplaceAll(body, `"detail"`, `"details"`)
		},
		"GET /api/v1/lux/user/me, which reads": func(_ *http.Response, body string) string {
			return strings.ReplaceAll(body, `"phone"`, `"telephone"`)
		},
		"not: an answer traces the work": func(_ *http.Response, body string) string {
			return strings.Replace(body, `{"data":{"__typename"`, `{"extensions":{},"data":{"__typename"`, 1)
		},
		"not: a form runs": func(r *http.Response, body string) string {
			if r.StatusCode == http.StatusUnsupportedMediaType {
				return `{"data":{}}`
			}
			return body
		},
	} {
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			target, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			proxy := httputil.NewSingleHostReverseProxy(target)
			proxy.ModifyResponse = func(r *http.Response) error { return change(r, spoil) }
			front := httptest.NewServer(proxy)
			t.Cleanup(front.Close)
			results := run(t, front.URL, token, true)
			if found, asked := results[question]; !asked || found.Err == nil {
				t.Errorf("%q is asked: %t, and finds nothing", question, asked)
			}
		})
	}
}

// change spoils an answer that is no stream and no upgrade; of these only the header.
func change(r *http.Response, spoil func(r *http.Response, body string) string) error {
	if r.StatusCode == http.StatusSwitchingProtocols || strings.Contains(r.Header.Get("Content-Type"), "stream") || strings.Contains(r.Header.Get("Content-Type"), "multipart") {
		spoil(r, "")
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	spoilt := []byte(spoil(r, string(body)))
	r.Body = io.NopCloser(bytes.NewReader(spoilt))
	r.ContentLength = int64(len(spoilt))
	r.Header.Set("Content-Length", strconv.Itoa(len(spoilt)))
	return nil
}

// TestNoServerOfTheContract holds that what can't be asked is an error and no report.
func TestNoServerOfTheContract(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for _, address := range []string{"", "luxbff.example", "ftp://luxbff.example", other.URL, "http://127.0.0.1:1"} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if results, err := verify.Run(t.Context(), verify.Config{URL: parsed}); err == nil {
			t.Errorf("%q gives %v", address, results)
		}
	}
}
