//go:build postgres

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
)

// databaseFault is a fault of a PostgreSQL that an operator can make and mend.
type databaseFault struct {
	name       string
	make, mend []string // statements of a superuser
	// isInside has them run in the program's database.
	isInside bool
	// isLocked has another session hold locks on the tables meanwhile.
	isLocked bool
	// reads and ready say what is still so.
	reads, ready bool
}

// endSessions ends those of the program's login, which then has to connect anew.
const endSessions = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'"

func databaseFaults() []databaseFault {
	return []databaseFault{
		{
			name: "statement_timeout", isLocked: true, ready: true,
			make: []string{"ALTER ROLE app SET statement_timeout = '50ms'", endSessions},
			mend: []string{"ALTER ROLE app RESET statement_timeout", endSessions},
		},
		{
			name: "lock_timeout", isLocked: true, ready: true,
			make: []string{"ALTER ROLE app SET lock_timeout = '50ms'", endSessions},
			mend: []string{"ALTER ROLE app RESET lock_timeout", endSessions},
		},
		{
			name: "a login that is locked",
			make: []string{"ALTER ROLE app NOLOGIN", endSessions},
			mend: []string{"ALTER ROLE app LOGIN"},
		},
		{
			name: "a login that may hold no connection",
			make: []string{"ALTER ROLE app CONNECTION LIMIT 0", endSessions},
			mend: []string{"ALTER ROLE app CONNECTION LIMIT -1"},
		},
		{
			name: "a database that lets nobody in",
			make: []string{"ALTER DATABASE app ALLOW_CONNECTIONS false", endSessions},
			mend: []string{"ALTER DATABASE app ALLOW_CONNECTIONS true"},
		},
		{
			name: "a database that was renamed",
			make: []string{"ALTER DATABASE app ALLOW_CONNECTIONS false", endSessions, "ALTER DATABASE app RENAME TO away"},
			mend: []string{"ALTER DATABASE away RENAME TO app", "ALTER DATABASE app ALLOW_CONNECTIONS true"},
		},
		{
			// As when tables are restored under another owner.
			name: "rights that were taken away", isInside: true,
			make: []string{"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app"},
			mend: []string{"GRANT ALL ON ALL TABLES IN SCHEMA public TO app"},
		},
		{
			// The sessions that began meanwhile would stay as they are.
			name: "a login that became read-only", reads: true,
			make: []string{"ALTER ROLE app SET default_transaction_read_only = on", endSessions},
			mend: []string{"ALTER ROLE app RESET default_transaction_read_only"},
		},
		{
			name: "a server that became read-only", reads: true,
			make: []string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"},
			mend: []string{"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"},
		},
	}
}

// TestFaultsOfPostgres makes one fault after the other under a running program and sends
// it a request of each kind. Each is answered as unavailable, nobody is signed out, and
// once the fault is mended all goes on without a restart.
func TestFaultsOfPostgres(t *testing.T) {
	t.Parallel()
	postgres := newPostgresServer(t)
	postgres.start(t)
	run := func(fault databaseFault, statements []string) {
		t.Helper()
		database := "postgres"
		if fault.isInside {
			database = "app"
		}
		if err := pgtest.Run(t.Context(), postgres.url(database), statements...); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
	}
	run(databaseFault{}, []string{"CREATE ROLE app LOGIN", "CREATE DATABASE app OWNER app"})
	serve := processtest.Command(t, strings.Replace(postgres.url("app"), "luxbff:", "app:", 1))
	serve.Env = append(serve.Env, "RATE_LIMITS=off")
	s := start(t, serve)
	p := newPhone(t, s)
	for _, fault := range databaseFaults() {
		p.openSockets(t)
		unlock := func() {}
		if fault.isLocked {
			unlock = lockTables(t, postgres.url("app"))
		}
		run(fault, fault.make)
		s.WaitFor(t, fault.name+" is noticed", func() bool { return p.upload(t) == http.StatusServiceUnavailable && s.Ready() == fault.ready })
		p.wantUnavailable(t, fault)
		unlock()
		run(fault, fault.mend)
		s.WaitFor(t, fault.name+" is over", func() bool { return p.upload(t) == http.StatusOK && s.Ready() })
		p.wantServed(t, fault)
	}
	for line := range strings.Lines(p.body(t, request{path: "/metrics"})) {
		if strings.HasPrefix(line, `luxbff_errors_total{code="INTERNAL"`) && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			t.Errorf("an error was said as internal: %s\n%s", line, s.Log)
		}
	}
}

// lockTables holds locks on the tables that every request needs, until unlock.
func lockTables(t *testing.T, url string) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE users, sessions IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// phone is an app of the demo family, and one of SNUTT, that sends a request of each kind.
type phone struct {
	*server
	token, refresh, snutt string
	files                 *ledger
	sockets               map[string]*websocket.Conn // by protocol
}

func newPhone(t *testing.T, s *server) *phone {
	t.Helper()
	p := &phone{server: s, files: newLedger(), sockets: map[string]*websocket.Conn{}}
	var data struct {
		SignIn struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	s.graphQL(t, "", fmt.Sprintf(
		`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken refreshToken } } }`, demo.Email, demo.Password), &data)
	p.token, p.refresh = data.SignIn.Tokens.AccessToken, data.SignIn.Tokens.RefreshToken
	var registered struct{ Token string }
	body := p.body(t, request{path: "/auth/register_local", send: `{"id": "phone1", "password": "abcd1234"}`})
	if err := json.Unmarshal([]byte(body), &registered); err != nil || registered.Token == "" {
		t.Fatalf("%s: %v", body, err)
	}
	p.snutt = registered.Token
	return p
}

// request is one of a phone. It is a POST where something is sent.
type request struct {
	name, path, send, token, accept string
	isRead                          bool
}

// requests are those that need the database, one of each kind.
func (p *phone) requests() []request {
	graphQL := func(name, document, token, accept string, isRead bool) request {
		body, _ := json.Marshal(map[string]string{"query": document})
		return request{name: name, path: "/graphql", send: string(body), token: token, accept: accept, isRead: isRead}
	}
	const home = `{ me { firstName } childUsers { firstName device { lastLogFileId } } }`
	upload := `mutation { uploadDevlogs(input: {logs: [{childUserId: 1, deviceId: 1, uniqueId: "5b0d2c56-0e0f-4b4e-9d57-6a0d7c1f0001",
		treatmentDate: "2025-02-14T15:48:49", lastIntensity: 1, treatmentTime: 60, logFileId: 77}]}) { devlogs { id } } }`
	signIn := fmt.Sprintf(`mutation { signIn(input: {email: %q, password: %q}) { user { id } } }`, demo.Email, demo.Password)
	refresh := fmt.Sprintf(`mutation { refreshToken(input: {refreshToken: %q}) { tokens { accessToken } } }`, p.refresh)
	return []request{
		graphQL("sign-in", signIn, "", "", false),
		graphQL("home", home, p.token, "", true),
		graphQL("home as an event stream", home, p.token, "text/event-stream", true),
		graphQL("home as multipart", home, p.token, `multipart/mixed;subscriptionSpec="1.0"`, true),
		graphQL("upload", upload, p.token, "", false),
		graphQL("refresh", refresh, "", "", false),
		{name: "LUX me", path: "/api/v1/lux/user/me", token: p.token, isRead: true},
		{name: "LUX upload", path: uploadPath, send: onePair(9000), token: p.token},
		{name: "LUX refresh", path: "/api/v1/lux/auth/refresh-token", send: fmt.Sprintf(`{"refresh_token": %q}`, p.refresh)},
		{name: "LUX sign-in", path: "/api/v1/lux/auth/email/signin", send: fmt.Sprintf(`{"username": %q, "password": %q}`, demo.Email, demo.Password)},
		{name: "Addnox me", path: "/api/v1/addnox/user/me", token: p.token, isRead: true},
		{name: "Addnox upload", path: "/api/v1/addnox/device/devlog", send: onePair(9000), token: p.token},
		{name: "SNUTT info", path: "/user/info", token: p.snutt, isRead: true},
		{name: "SNUTT sign-in", path: "/auth/login_local", send: `{"id": "phone1", "password": "wrong123"}`, isRead: false},
	}
}

func (p *phone) wantUnavailable(t *testing.T, fault databaseFault) {
	t.Helper()
	for _, r := range p.requests() {
		if fault.reads && r.isRead {
			p.wantOK(t, fault, r)
			continue
		}
		status, body := p.send(t, r)
		said := status == http.StatusServiceUnavailable && strings.Contains(body, "Service unavailable. Please try again later.")
		if r.path == "/graphql" {
			said = strings.Contains(body, `"code":"UNAVAILABLE"`)
		}
		if !said {
			t.Errorf("%s, with %s: %d %s", r.name, fault.name, status, body)
		}
	}
	for protocol, conn := range p.sockets {
		if said := askSocket(t, protocol, conn); strings.Contains(said, `"code":"UNAVAILABLE"`) == fault.reads {
			t.Errorf("%s, with %s: %s", protocol, fault.name, said)
		}
	}
	if page := p.body(t, request{path: "/metrics"}); !fault.ready && !fault.isInside && !strings.Contains(page, "\nluxbff_database_writable 0\n") {
		t.Errorf("the metrics say that the database takes writes, with %s", fault.name)
	}
	_, ready := p.send(t, request{path: "/readyz"})
	if said := strings.Contains(ready, "takes no writes: reads are still served"); said != fault.reads {
		t.Errorf("/readyz says %s, with %s", ready, fault.name)
	}
}

// wantServed checks that the tokens from before are good, and the sockets open.
func (p *phone) wantServed(t *testing.T, fault databaseFault) {
	t.Helper()
	for _, r := range p.requests() {
		if r.isRead {
			p.wantOK(t, fault, r)
		}
	}
	for protocol, conn := range p.sockets {
		if said := askSocket(t, protocol, conn); !strings.Contains(said, `"data"`) {
			t.Errorf("%s, after %s: %s", protocol, fault.name, said)
		}
	}
	var data struct {
		RefreshToken struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	p.graphQL(t, "", fmt.Sprintf(`mutation { refreshToken(input: {refreshToken: %q}) { tokens { accessToken refreshToken } } }`, p.refresh), &data)
	p.token, p.refresh = data.RefreshToken.Tokens.AccessToken, data.RefreshToken.Tokens.RefreshToken
}

func (p *phone) wantOK(t *testing.T, fault databaseFault, r request) {
	t.Helper()
	if status, body := p.send(t, r); status != http.StatusOK || strings.Contains(body, `"errors"`) {
		t.Errorf("%s, with or after %s: %d %s", r.name, fault.name, status, body)
	}
}

func (p *phone) upload(t *testing.T) (status int) {
	t.Helper()
	status, body := p.send(t, request{path: uploadPath, send: onePair(p.files.nextPair()), token: p.token})
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		t.Errorf("an upload: %d %s", status, body)
	}
	return status
}

func (p *phone) send(t *testing.T, r request) (status int, body string) {
	t.Helper()
	method := http.MethodGet
	if r.send != "" {
		method = http.MethodPost
	}
	outgoing, err := http.NewRequestWithContext(t.Context(), method, p.URL+r.path, strings.NewReader(r.send))
	if err != nil {
		t.Fatal(err)
	}
	outgoing.Header.Set("Content-Type", "application/json")
	if r.accept != "" {
		outgoing.Header.Set("Accept", r.accept)
	}
	if r.token != "" {
		outgoing.Header.Set("Authorization", "Bearer "+r.token)
	}
	response, err := http.DefaultClient.Do(outgoing)
	if err != nil {
		t.Fatalf("%s: %v", r.path, err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", r.path, err)
	}
	return response.StatusCode, string(read)
}

func (p *phone) body(t *testing.T, r request) string {
	t.Helper()
	_, body := p.send(t, r)
	return body
}

// openSockets opens a socket of each protocol, in the place of those from before.
func (p *phone) openSockets(t *testing.T) {
	t.Helper()
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		if before := p.sockets[protocol]; before != nil {
			_ = before.Close()
		}
		dialer := websocket.Dialer{Subprotocols: []string{protocol}, NetDial: net.Dial}
		conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(p.URL, "http")+"/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		sendMessage(t, conn, "connection_init", "", map[string]string{"Authorization": "Bearer " + p.token})
		expectMessage(t, conn, "connection_ack")
		p.sockets[protocol] = conn
	}
}

// askSocket sends a query and gives the first message about it, or how the socket ended.
func askSocket(t *testing.T, protocol string, conn *websocket.Conn) string {
	t.Helper()
	start := map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"}[protocol]
	sendMessage(t, conn, start, "1", map[string]string{"query": "{ me { id } }"})
	first := ""
	for {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			return err.Error()
		}
		if f.ID != "1" {
			continue
		}
		if first == "" {
			first = f.Type + " " + string(f.Payload)
		}
		if f.Type == "complete" || f.Type == "error" {
			return first
		}
	}
}
