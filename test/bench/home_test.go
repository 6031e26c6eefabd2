package bench_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
	"luxbff/server/heap"
)

const (
	homeParents     = 50
	homeConnections = 32
	// A round of requests is short, so that whatever else the machine does slows down
	// both servers alike.
	homeRound = 25 * homeConnections
	// homeWanted stands in each answer.
	homeWanted = `"lastLogFileId"`
)

// BenchmarkHomeScreen requests the home screen over keep-alive connections: from the
// program, and from a bare net/http handler that verifies the same token, runs two
// prepared reads on the same rows and encodes the same JSON. The two take turns. The
// metric "ratio" is the program's rate divided by that of the bare server, "p99-ratio" the
// latency that one request in a hundred exceeds, likewise. The client shares the processors
// and is part of the CPU time of both.
func BenchmarkHomeScreen(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	s := apptest.Start(b, func(c *app.Config) { c.DatabaseURL = storetest.SQLiteURL(b) })
	var tokens []string
	for range homeParents {
		text, _ := s.Parent(b)
		tokens = append(tokens, text)
	}
	for _, text := range tokens {
		s.CreateChild(b, text)
		s.CreateChild(b, text)
	}
	bare := httptest.NewServer(newBareHome(b, s))
	b.Cleanup(bare.Close)

	body, err := json.Marshal(map[string]string{"query": apptest.Sample(b, "home").Document})
	if err != nil {
		b.Fatal(err)
	}
	program := connect(b, s.Listener.Addr(), homeConnections, tokens, "POST /graphql", string(body), homeWanted)
	plain := connect(b, bare.Listener.Addr(), homeConnections, tokens, "POST /home", string(body), homeWanted)
	runRound(b, program)
	runRound(b, plain)
	forgetLatencies(program)
	forgetLatencies(plain)

	var ours, theirs spent
	for b.Loop() {
		ours.add(runRound(b, program))
		theirs.add(runRound(b, plain))
	}
	requests := float64(b.N) * homeRound
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(theirs.wall.Seconds()/ours.wall.Seconds(), "ratio")
	b.ReportMetric(requests/ours.wall.Seconds(), "req/s")
	b.ReportMetric(requests/theirs.wall.Seconds(), "bare-req/s")
	b.ReportMetric(latency(program, 0.99), "ms-p99")
	b.ReportMetric(latency(plain, 0.99), "bare-ms-p99")
	b.ReportMetric(latency(program, 0.99)/latency(plain, 0.99), "p99-ratio")
	b.ReportMetric(ours.cpu.Seconds()*1e6/requests, "cpu-us/req")
	b.ReportMetric(theirs.cpu.Seconds()*1e6/requests, "bare-cpu-us/req")
}

// runRound sends one round of requests over all connections at once.
func runRound(b *testing.B, connections []*connection) spent {
	b.Helper()
	return runRequests(b, connections, homeRound/homeConnections)
}

// newBareHome makes the handler that one would write for this one screen alone.
func newBareHome(b *testing.B, s *apptest.Server) http.Handler {
	b.Helper()
	db, err := sql.Open("sqlite", s.App.Config.DatabaseURL+"?mode=ro&_pragma=query_only(1)")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	b.Cleanup(func() { _ = db.Close() })
	prepare := func(query string) *sql.Stmt {
		statement, err := db.PrepareContext(b.Context(), query)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = statement.Close() })
		return statement
	}
	home := &bare{
		keys: token.DevelopmentKeys(), now: s.Clock.Now,
		user: prepare(`SELECT id, first_name FROM users WHERE id = ? AND deleted_at IS NULL`),
		children: prepare(`SELECT c.id, c.first_name, c.birthdate, c.gender,
			d.id, d.unique_id, d.device_alias, d.firmware_version, d.last_log_file_id
			FROM child_users c JOIN devices d ON d.child_user_id = c.id WHERE c.root_user_id = ? ORDER BY c.id`),
	}
	return home
}

type bare struct {
	keys           *token.Keys
	now            func() time.Time
	user, children *sql.Stmt
}

type (
	bareData struct {
		Me         bareUser    `json:"me"`
		ChildUsers []bareChild `json:"childUsers"`
	}
	bareUser struct {
		ID                      int     `json:"id,string"`
		FirstName               *string `json:"firstName"`
		NeedsPersonalInfoUpdate bool    `json:"needsPersonalInfoUpdate"`
		NeedsPasswordChange     bool    `json:"needsPasswordChange"`
	}
	bareChild struct {
		ID        int        `json:"id,string"`
		FirstName string     `json:"firstName"`
		Birthdate string     `json:"birthdate"`
		Gender    string     `json:"gender"`
		Device    bareDevice `json:"device"`
	}
	bareDevice struct {
		ID              int     `json:"id,string"`
		UniqueID        *string `json:"uniqueId"`
		DeviceAlias     string  `json:"deviceAlias"`
		FirmwareVersion string  `json:"firmwareVersion"`
		LastLogFileID   int     `json:"lastLogFileId"`
	}
)

// ServeHTTP answers with the data of the home screen.
func (h *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := h.keys.Verify(text, h.now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	data, err := h.read(claims.RootUserID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	encoded, err := json.Marshal(map[string]bareData{"data": data})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded)
}

// read leaves out the context of the request, as the program's own reads do: it saves
// two goroutines a statement.
func (h *bare) read(rootUserID int) (data bareData, err error) {
	if err := h.user.QueryRow(rootUserID).Scan(&data.Me.ID, &data.Me.FirstName); err != nil {
		return data, err
	}
	rows, err := h.children.Query(rootUserID)
	if err != nil {
		return data, err
	}
	defer rows.Close()
	for rows.Next() {
		var c bareChild
		d := &c.Device
		if err := rows.Scan(&c.ID, &c.FirstName, &c.Birthdate, &c.Gender,
			&d.ID, &d.UniqueID, &d.DeviceAlias, &d.FirmwareVersion, &d.LastLogFileID); err != nil {
			return data, err
		}
		data.ChildUsers = append(data.ChildUsers, c)
	}
	return data, rows.Err()
}

// BenchmarkHomeHandler is what a request of the home screen takes of the program's own
// code: without a connection, a client and what net/http does around a handler.
func BenchmarkHomeHandler(b *testing.B) {
	s := apptest.Start(b, func(c *app.Config) { c.DatabaseURL = storetest.SQLiteURL(b) })
	text, _ := s.Parent(b)
	s.CreateChild(b, text)
	s.CreateChild(b, text)
	body, err := json.Marshal(map[string]string{"query": apptest.Sample(b, "home").Document})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.App.Handler()
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", nil)
	request.Host, request.ContentLength = "localhost", int64(len(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+text)
	b.ReportAllocs()
	for b.Loop() {
		answer := &discarded{header: http.Header{}}
		request.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(answer, request)
		if answer.status != http.StatusOK {
			b.Fatalf("status %d", answer.status)
		}
	}
}

// discarded is a response that nobody reads.
type discarded struct {
	header http.Header
	status int
	bytes  int
}

func (d *discarded) Header() http.Header    { return d.header }
func (d *discarded) WriteHeader(status int) { d.status = status }
func (d *discarded) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return len(p), nil
}
