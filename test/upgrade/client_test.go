//go:build upgrade

package upgrade_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil"
)

// client is an app whose requests come to its replicas in turn, as through a balancer,
// so that no two in a row come to the same one.
type client struct {
	t    *testing.T
	urls []string
	sent int
}

// next is the replica that gets the next request.
func (c *client) next() string {
	c.sent++
	return c.urls[c.sent%len(c.urls)]
}

// send sends a request and gives its answer.
func (c *client) send(method, path, token, body string) (status int, answer []byte, by string) {
	c.t.Helper()
	by = c.next()
	r, err := http.NewRequestWithContext(context.Background(), method, by+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	switch {
	case token == "":
	case strings.HasPrefix(path, "/user/"), strings.HasPrefix(path, "/auth/"): // SNUTT
		r.Header.Set("x-access-token", token)
	default:
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(response.Body); err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, answer, by
}

// rest sends a request that has to be answered with the status, and decodes the answer.
func (c *client) rest(want int, method, path, token, body string) map[string]any {
	c.t.Helper()
	status, answer, by := c.send(method, path, token, body)
	if status != want {
		c.t.Fatalf("%s %s at %s: %d %s, want %d", method, path, by, status, answer, want)
	}
	decoded := map[string]any{}
	_ = json.Unmarshal(answer, &decoded) // what is no object leaves it empty
	return decoded
}

// text is a member of an answer that has to be there.
func (c *client) text(of map[string]any, name string) string {
	c.t.Helper()
	value, _ := of[name].(string)
	if value == "" {
		c.t.Fatalf("%v has no %s", of, name)
	}
	return value
}

// code executes an operation, decodes its data and gives the code of its first error.
func (c *client) code(token, query string, variables map[string]any, data any) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		c.t.Fatal(err)
	}
	status, answer, by := c.send(http.MethodPost, "/graphql", token, string(body))
	response := struct {
		Data   any
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}{Data: data}
	if err := json.Unmarshal(answer, &response); err != nil {
		c.t.Fatalf("%s at %s: %d %s: %v", query, by, status, answer, err)
	}
	if len(response.Errors) == 0 {
		return ""
	}
	if code := response.Errors[0].Extensions.Code; code != "INTERNAL" {
		return code
	}
	c.t.Fatalf("%s at %s: %d %s", query, by, status, answer)
	return ""
}

// graphQL executes an operation that must succeed and decodes its data.
func (c *client) graphQL(token, query string, variables map[string]any, data any) {
	c.t.Helper()
	if code := c.code(token, query, variables, data); code != "" {
		c.t.Fatalf("%s: %s", query, code)
	}
}

// tokens are those of a sign-in, as REST and GraphQL name them.
type tokens struct {
	AccessToken  string
	RefreshToken string
}

// mutateForTokens runs a mutation that gives tokens.
func (c *client) mutateForTokens(mutation string) tokens {
	c.t.Helper()
	var data struct{ Got struct{ Tokens tokens } }
	c.graphQL("", `mutation { got: `+mutation+` { tokens { accessToken refreshToken } } }`, nil, &data)
	return data.Got.Tokens
}

// message waits for a message to an address that the pattern matches, and gives its first
// group. The newest counts.
func (c *client) message(to string, pattern string) (found string) {
	c.t.Helper()
	groups := regexp.MustCompile(pattern)
	testutil.WaitFor(c.t, "a message to "+to, func() bool {
		status, answer, by := c.send(http.MethodGet, "/dev/outbox?to="+url.QueryEscape(to), "", "")
		var sent []struct{ Text string }
		if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&sent); err != nil {
			c.t.Fatalf("the outbox at %s: %d %s: %v", by, status, answer, err)
		}
		for _, one := range sent {
			if match := groups.FindStringSubmatch(one.Text); match != nil {
				found = match[1]
				return true
			}
		}
		return false
	})
	return found
}

// codePattern finds a code in the texts of both releases, in any language. What stands in the
// token of a link is none.
const codePattern = `(?:^|[^0-9A-Za-z_-])([0-9]{6})(?:[^0-9A-Za-z_-]|$)`

// proven proves a phone number and gives the token that is good for one sign-up.
func (c *client) proven(phone string) (validToken string) {
	c.t.Helper()
	c.rest(http.StatusOK, http.MethodPost, "/api/v1/lux/auth/send-sms-auth", "", fmt.Sprintf(`{"phone": %q}`, phone))
	code := c.message(phone, codePattern)
	answer := c.rest(http.StatusOK, http.MethodPost, "/api/v1/lux/auth/phone-number-validation", "",
		fmt.Sprintf(`{"phone": %q, "validnum": %q}`, phone, code))
	return c.text(answer, "valid_token")
}
