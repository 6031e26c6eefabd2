// Package apptest starts the whole program inside a test, over a fresh database,
// and speaks to it as an app does. It wires nothing itself: it starts what main
// starts, so that no test can pass on a program that is put together differently.
package apptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

// LUX is the prefix of the LUX routes.
const LUX = "/api/v1/lux"

// Server is a running program with its clock and its log. The program may be
// asked over HTTP, as an app does, or looked into through App.
type Server struct {
	*httptest.Server
	App   *app.App
	Clock *testutil.Clock
	Log   *testutil.Log
	// phones and devices count what Parent and CreateChild have used, because each
	// account needs a phone number of its own and each child a device.
	phones, devices atomic.Int64
	watch           *logWatch // nil unless WatchLog was called
	statements      statements
}

// Production sets what the program accepts in production.
func Production(c *app.Config) {
	c.Env, c.RateLimits = "production", "on"
	c.PublicURL = "https://api.example.com"
	seed := sha256.Sum256([]byte("the tests' key"))
	c.TokenKeys = "k:" + base64.StdEncoding.EncodeToString(seed[:])
}

// Start starts a development server without the demo family. It is drained and
// closed with the test.
func Start(t testing.TB, change ...func(*app.Config)) *Server {
	t.Helper()
	return StartAt(t, time.Now(), change...)
}

// StartAt is Start at a time of the test's choice. The clock is set before the
// program starts, because its work in the background goes by it.
func StartAt(t testing.TB, at time.Time, change ...func(*app.Config)) *Server {
	t.Helper()
	cfg := app.Config{Env: "development"}
	for _, set := range change {
		set(&cfg)
	}
	if cfg.RateLimits == "" && cfg.Development() {
		cfg.RateLimits = "off"
	}
	if cfg.DatabaseURL == "" {
		cfg.DatabaseURL = storetest.URL(t)
	}
	if cfg.DatabasePooler == "" && store.IsPostgres(cfg.DatabaseURL) {
		cfg.DatabasePooler, cfg.DatabaseWait = storetest.Pooler(), storetest.PoolerWait()
	}
	s := &Server{Clock: testutil.NewClock(at), Log: &testutil.Log{}}
	running, err := app.New(t.Context(), cfg, app.Options{
		Clock: s.Clock.Now, Log: slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnStatement: s.statements.add,
		// Production's hashes are slow on purpose; tests make hundreds of them.
		PasswordCost: &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	s.App = running
	s.Server = httptest.NewUnstartedServer(running.Handler())
	s.Config = running.Server(running.Handler())
	if s.Listener, err = running.Bound(s.Listener); err != nil {
		t.Fatal(err)
	}
	s.Server.Start()
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

// Response is what came back over HTTP, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body.
func (r Response) JSON(t testing.TB) any {
	t.Helper()
	var decoded any
	if err := json.Unmarshal(r.Body, &decoded); err != nil {
		t.Fatalf("the response is not JSON: %q", r.Body)
	}
	return decoded
}

// Call sends a request with a JSON body, or without one when body is empty.
func (s *Server) Call(t testing.TB, method, path, token, body string) Response {
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
	return s.Do(t, r)
}

// Do sends a request that the test has put together itself.
func (s *Server) Do(t testing.TB, r *http.Request) Response {
	t.Helper()
	s.watch.request(r)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.watch.answer(body)
	return Response{response.StatusCode, response.Header, body}
}

// PostForm sends a form as a browser does.
func (s *Server) PostForm(t testing.TB, path string, form url.Values) Response {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.Do(t, r)
}

// GraphQLResponse is the result of an operation.
type GraphQLResponse struct {
	Data   json.RawMessage
	Errors []GraphQLError
}

// GraphQLError is one error of a result.
type GraphQLError struct {
	Message    string
	Path       []any
	Extensions struct {
		Code   string
		Status int
		Field  string
		Reason string
	}
}

// Code is the code of the first error, empty if there is none.
func (r GraphQLResponse) Code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Extensions.Code
}

// GraphQL executes an operation.
func (s *Server) GraphQL(t testing.TB, token, query string, variables map[string]any) GraphQLResponse {
	t.Helper()
	response := s.Call(t, http.MethodPost, "/graphql", token, string(operation(t, query, variables)))
	return decodeGraphQL(t, response.Status, response.Body)
}

func operation(t testing.TB, query string, variables map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func decodeGraphQL(t testing.TB, status int, body []byte) GraphQLResponse {
	t.Helper()
	var response GraphQLResponse
	if err := json.Unmarshal(body, &response); err != nil {
		t.Fatalf("%d %q", status, body)
	}
	return response
}

// Data executes an operation that must succeed and decodes its data into out.
func (s *Server) Data(t testing.TB, token, query string, variables map[string]any, out any) {
	t.Helper()
	response := s.GraphQL(t, token, query, variables)
	if len(response.Errors) > 0 {
		t.Fatalf("errors: %+v", response.Errors)
	}
	if err := json.Unmarshal(response.Data, out); err != nil {
		t.Fatal(err)
	}
}

// CountStatements counts the SQL statements behind one GraphQL request. It hands
// the request to the handler without a connection, because the counter travels in
// the context.
func (s *Server) CountStatements(t testing.TB, token, query string, variables map[string]any) (int, GraphQLResponse) {
	t.Helper()
	ctx, counter := store.CountStatements(context.Background())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(operation(t, query, variables)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, r)
	return counter.N(), decodeGraphQL(t, w.Code, w.Body.Bytes())
}

// WaitForSubscribers waits until exactly n subscriptions to the feed have read
// where they start: each of them gets the events of an upload from then on.
func (s *Server) WaitForSubscribers(t testing.TB, n int) {
	t.Helper()
	testutil.WaitFor(t, fmt.Sprintf("there are %d subscribers", n), func() bool { return s.App.Feed.Subscribers() == n })
}

// LastCode is the code that was sent to an address last.
func (s *Server) LastCode(t testing.TB, to string) string {
	t.Helper()
	recent, err := s.App.Outbox.Recent(context.Background(), to, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range recent {
		if code, found := testutil.CodeIn(sent.Text); found {
			return code
		}
	}
	t.Fatalf("no code to %s", to)
	return ""
}

// Parent signs up a new account, by the same steps as an app, and gives its
// access token and its id.
func (s *Server) Parent(t testing.TB) (token string, id int) {
	t.Helper()
	ctx := context.Background()
	n := s.phones.Add(1)
	phone := fmt.Sprintf("+8210%08d", 10000000+n)
	if err := s.App.Auth.Codes.SendSMS(ctx, auth.SendSMSParams{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	valid, err := s.App.Auth.Codes.VerifySMS(ctx, auth.VerifySMSParams{Phone: phone, Code: s.LastCode(t, phone)})
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.App.Accounts.SignUps.ByEmail(ctx, account.SignUpParams{
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

// AddDevices adds devices to the catalogue, each given as "serial_code,mac".
func (s *Server) AddDevices(t testing.TB, devices ...string) {
	t.Helper()
	file := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n"
	for _, line := range devices {
		file += line + ",1,1,1,1.0.0\n"
	}
	if _, err := s.App.Catalogue.Import(context.Background(), strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
}
