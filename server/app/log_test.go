package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
)

// requestLines are the lines of the log about requests, without the fields that differ
// from run to run.
func requestLines(t *testing.T, s *apptest.Server) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(s.Log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("the log has a line that is no JSON: %q", line)
		}
		if fields["msg"] != "request" {
			continue
		}
		for _, name := range []string{"request_id", "took_ms", "bytes", "time"} {
			if _, there := fields[name]; !there {
				t.Errorf("%s is missing: %s", name, line)
			}
			delete(fields, name)
		}
		delete(fields, "msg")
		lines = append(lines, fields)
	}
	return lines
}

func TestRequestLogLine(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, id := s.Parent(t)
	user := float64(id)
	for _, tc := range []struct {
		name string
		do   func()
		want map[string]any
	}{
		{
			"REST", func() { s.Call(t, http.MethodGet, apptest.LUX+"/user/real-user/77", token, "") },
			map[string]any{"level": "INFO", "method": "GET", "route": "/api/v1/lux/user/real-user/{id}", "status": 404.0, "user_id": user},
		},
		{
			"REST without a viewer", func() { s.Call(t, http.MethodGet, apptest.LUX+"/user/me?phone=secret", "wrong", "") },
			map[string]any{"level": "INFO", "method": "GET", "route": "/api/v1/lux/user/me", "status": 401.0},
		},
		{
			"GraphQL", func() { run(t, s, token, "home", "Home", nil, &struct{}{}) },
			map[string]any{"level": "INFO", "method": "POST", "route": "/graphql", "status": 200.0, "user_id": user, "operation": "Home"},
		},
		{
			"a long name", func() { s.GraphQL(t, token, "query "+strings.Repeat("x", 5000)+" { me { id } }", nil) },
			map[string]any{"level": "INFO", "method": "POST", "route": "/graphql", "status": 200.0, "user_id": user, "operation": strings.Repeat("x", 100)},
		},
		{
			"a wrong variable", func() {
				s.GraphQL(t, token, "query Child($id: ID!) { childUser(id: $id) { id } }", map[string]any{"id": true})
			},
			map[string]any{"level": "INFO", "method": "POST", "route": "/graphql", "status": 200.0, "user_id": user, "operation": "Child"},
		},
		{
			"an unknown path", func() { s.Call(t, http.MethodGet, "/nobody@example.com", "", "") },
			map[string]any{"level": "INFO", "method": "GET", "route": "/", "status": 404.0},
		},
		{
			"a probe", func() { s.Call(t, http.MethodGet, "/readyz", "", "") },
			map[string]any{"level": "DEBUG", "method": "GET", "route": "/readyz", "status": 200.0},
		},
	} {
		before := len(requestLines(t, s))
		tc.do()
		lines := requestLines(t, s)
		if len(lines) != before+1 {
			t.Fatalf("%s: %d lines", tc.name, len(lines)-before)
		}
		if diff := cmp.Diff(tc.want, lines[before]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestLogHoldsNoSecretOfAnyField puts a secret into each place that a client
// fills, over every surface, and makes the requests fail in all the ways that log.
func TestLogHoldsNoSecretOfAnyField(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	const secret = "S3cretValue"
	person := fmt.Sprintf(`"email": "%[1]s@example.com", "password": "%[1]s", "first_name": "%[1]s", "last_name": "%[1]s", "phone": "%[1]s"`, secret)
	requests := func() {
		for _, path := range []string{
			"/auth/email/signin", "/auth/email/signup", "/auth/refresh-token", "/auth/send-sms-auth",
			"/auth/phone-number-validation", "/auth/send-reset-mail", "/user/create-real-user", "/device/devlog",
		} {
			for _, bearer := range []string{"", secret, token} {
				s.Call(t, http.MethodPost, apptest.LUX+path+"?q="+secret, bearer,
					fmt.Sprintf(`{"username": "%[1]s", "refresh_token": "%[1]s", "unique_id": "%[1]s", "code": "%[1]s", "log_arrays": "%[1]s", %[2]s}`, secret, person))
			}
		}
		s.Call(t, http.MethodPost, "/auth/login_local", "", fmt.Sprintf(`{"id": "%[1]s", "password": "%[1]s"}`, secret))
		s.Call(t, http.MethodGet, "/"+secret+"?"+secret, secret, "")
		s.Call(t, http.MethodGet, "/graphql?query="+secret, secret, "")
		s.Call(t, http.MethodPost, "/graphql", token, `{"query": "{ `+secret)
		s.GraphQL(t, token, `query($q: ID!) { childUser(id: $q) { id } }`, map[string]any{"q": secret})
		s.GraphQL(t, token, fmt.Sprintf(`{ me { id %s } }`, secret), nil)
		s.GraphQL(t, token, fmt.Sprintf(`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, secret, secret), nil)
		dial(t, s, secret)
	}
	requests()
	if err := s.App.Store.Close(); err != nil {
		t.Fatal(err)
	}
	requests() // every one fails where the database is asked
	log := s.Log.String()
	if !strings.Contains(log, `"level":"ERROR"`) {
		t.Fatal("nothing failed")
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, secret) || strings.Contains(line, token) {
			t.Errorf("the log holds a secret: %s", line)
		}
	}
}
