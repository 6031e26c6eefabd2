// Package apptest starts the whole program for tests, over a fresh database, and
// speaks to it as an app does. It wires nothing itself: it starts what main
// starts.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/internal/account"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

// LUX is where the LUX routes begin.
const LUX = "/api/v1/lux"

// Server is a running program and its clock.
type Server struct {
	*httptest.Server
	App   *app.App
	Clock *Clock
	Log   *Log
	phone atomic.Int64
}

// Clock is a clock that tests move.
type Clock struct{ now atomic.Int64 }

// Now is the time the clock shows.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.now.Load()).UTC() }

// Add moves the clock.
func (c *Clock) Add(d time.Duration) { c.now.Add(d.Milliseconds()) }

// Log is what the server logged, a JSON object a line.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes a line in.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Start starts a development server without the demo family.
func Start(t testing.TB, change ...func(*app.Config)) *Server {
	t.Helper()
	return StartAt(t, time.Now(), change...)
}

// StartAt is Start at a time of the test's choice. The clock is set before the
// program runs, because its work in the background goes by it.
func StartAt(t testing.TB, at time.Time, change ...func(*app.Config)) *Server {
	t.Helper()
	cfg := app.Config{Env: "development"}
	for _, with := range change {
		with(&cfg)
	}
	if cfg.RateLimits == "" && cfg.Development() {
		cfg.RateLimits = "off"
	}
	if cfg.DatabaseURL == "" {
		cfg.DatabaseURL = storetest.URL(t)
	}
	s := &Server{Clock: &Clock{}, Log: &Log{}}
	s.Clock.now.Store(at.UnixMilli())
	running, err := app.New(t.Context(), cfg, app.Options{
		Clock: s.Clock.Now, Log: slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		PasswordCost: &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	s.App = running
	s.Server = httptest.NewServer(running.Handler())
	t.Cleanup(func() {
		if err := running.Drain(context.Background()); err != nil {
			t.Errorf("drain: %v", err)
		}
		s.Server.Close()
		if err := running.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body.
func (a Answer) JSON(t testing.TB) any {
	t.Helper()
	var decoded any
	if err := json.Unmarshal(a.Body, &decoded); err != nil {
		t.Fatalf("the answer is not JSON: %q", a.Body)
	}
	return decoded
}

// Call sends a request with a JSON body, or without one when body is empty.
func (s *Server) Call(t testing.TB, method, path, token, body string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(t, r)
}

func (s *Server) do(t testing.TB, r *http.Request) Answer {
	t.Helper()
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{answer.StatusCode, answer.Header, raw}
}

// Form sends a form as a browser does.
func (s *Server) Form(t testing.TB, path string, form url.Values) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(t, r)
}

// Reply is a GraphQL answer.
type Reply struct {
	Data   json.RawMessage
	Errors []Problem
}

// Problem is one GraphQL error.
type Problem struct {
	Message    string
	Path       []any
	Extensions struct {
		Code   string
		Status int
		Field  string
	}
}

// Code is the code of the first error, empty without one.
func (r Reply) Code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Extensions.Code
}

// GraphQL runs an operation.
func (s *Server) GraphQL(t testing.TB, token, query string, variables map[string]any) Reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	answer := s.Call(t, http.MethodPost, "/graphql", token, string(body))
	var reply Reply
	if err := json.Unmarshal(answer.Body, &reply); err != nil {
		t.Fatalf("%d %q", answer.Status, answer.Body)
	}
	return reply
}

// Data runs an operation that must succeed and decodes its data into out.
func (s *Server) Data(t testing.TB, token, query string, variables map[string]any, out any) {
	t.Helper()
	reply := s.GraphQL(t, token, query, variables)
	if len(reply.Errors) > 0 {
		t.Fatalf("errors: %+v", reply.Errors)
	}
	if err := json.Unmarshal(reply.Data, out); err != nil {
		t.Fatal(err)
	}
}

// Statements counts the SQL statements behind one GraphQL request.
func (s *Server) Statements(t testing.TB, token, query string, variables map[string]any) (int, Reply) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	ctx, counter := store.CountStatements(context.Background())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, r)
	var reply Reply
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
	return counter.N(), reply
}

// AwaitFeeds waits until exactly n feeds have their place: an upload from then on
// is told to each of them.
func (s *Server) AwaitFeeds(t testing.TB, n int) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	tooLong := time.After(30 * time.Second)
	for s.App.Devlogs.Feeds() != n {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("%d feeds have their place, want %d", s.App.Devlogs.Feeds(), n)
		}
	}
}

var sixDigits = regexp.MustCompile(`\d{6}`)

// LastCode is the code that went out to an address last.
func (s *Server) LastCode(t testing.TB, to string) string {
	t.Helper()
	sent, err := s.App.Outbox.Recent(context.Background(), to, 1)
	if err != nil || len(sent) == 0 {
		t.Fatalf("no message to %s: %v", to, err)
	}
	return sixDigits.FindString(sent[0].Text)
}

// Parent signs a new account up, by the same steps as an app, and gives its
// access token and id.
func (s *Server) Parent(t testing.TB) (token string, id int) {
	t.Helper()
	ctx := context.Background()
	n := s.phone.Add(1)
	phone := fmt.Sprintf("+8210%08d", 10000000+n)
	if err := s.App.Accounts.SendSmsCode(ctx, account.SendSmsCodeParams{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	valid, err := s.App.Accounts.VerifySmsCode(ctx, account.VerifySmsCodeParams{Phone: phone, Code: s.LastCode(t, phone)})
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.App.Accounts.SignUp(ctx, account.SignUpParams{
		ValidToken: valid, Email: fmt.Sprintf("parent%d@example.com", n), Password: "secret123",
		Person: account.Person{
			FirstName: "james", LastName: "kim", Birthdate: "1997-01-01", Gender: "M", Phone: phone, NationalCode: "KR",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return done.Tokens.AccessToken, done.User.ID
}

// Catalogue loads devices: lines of serial_code,mac.
func (s *Server) Catalogue(t testing.TB, devices ...string) {
	t.Helper()
	file := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n"
	for _, line := range devices {
		file += line + ",1,1,1,1.0.0\n"
	}
	if _, err := s.App.Children.Import(context.Background(), strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
}
