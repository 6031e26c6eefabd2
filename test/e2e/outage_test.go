//go:build postgres

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/subscriptiontest"
)

// TestPostgresIsRestartedUnderLoad crashes PostgreSQL during the uploads of 32 phones
// and starts it again: uploads are refused at once, as unavailable, and then all goes
// on by itself, the feed too.
func TestPostgresIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	postgres := newPostgresServer(t)
	postgres.start(t)
	s := startOn(t, postgres.url("postgres"))
	s.outlive(t, 32, func() { postgres.crash(t) }, func() { postgres.start(t) })
}

// outlive has phones upload while the database fails and is mended. In between every
// upload is refused as unavailable and the server is not ready. What was acknowledged,
// before and after, is stored once and came once as an event, and no upload is stored by
// half.
func (s *server) outlive(t *testing.T, phones int, fail, mend func()) {
	t.Helper()
	token := s.signIn(t)
	feed := s.subscribe(t, token, "subscription { devlogStatus { devlog { logFileId } } }")
	acknowledged := newLedger()
	var refused, uploads sync.WaitGroup
	refused.Add(phones)
	for range phones {
		uploads.Go(func() {
			acknowledged.upload(s, token) // until the first refusal
			refused.Done()
			acknowledged.keepUploading(t, s, token)
		})
	}
	acknowledged.waitForLen(t, 4*phones)
	fail()
	refused.Wait()
	s.WaitFor(t, "it is not ready", func() bool { return !s.Ready() })
	mend()
	uploads.Wait()
	acknowledged.check(t, s, token)
	acknowledged.checkEvents(t, feed)
	t.Logf("%d records were acknowledged, before and after", acknowledged.len())
}

// checkEvents receives the event of each acknowledged record, and none twice.
func (l *ledger) checkEvents(t *testing.T, feed *websocket.Conn) {
	t.Helper()
	received := map[int]int{}
	for missing := l.copy(); len(missing.files) > 0; {
		var payload struct {
			Data struct {
				DevlogStatus struct{ Devlog struct{ LogFileID int } }
			}
		}
		if err := json.Unmarshal(expectMessage(t, feed, "next").Payload, &payload); err != nil {
			t.Fatal(err)
		}
		file := payload.Data.DevlogStatus.Devlog.LogFileID
		if received[file]++; received[file] > 1 {
			t.Errorf("the event of log file %d came twice", file)
		}
		delete(missing.files, file)
	}
}

// TestStandbyIsPromoted starts PostgreSQL again as a standby, at the same address, during
// the uploads of 16 phones, and then promotes it. Meanwhile it can be read, uploads are
// refused as unavailable, and readiness says so; then all goes on without a restart of the
// program, and what was acknowledged is stored.
func TestStandbyIsPromoted(t *testing.T) {
	t.Parallel()
	const uploaders = 16
	postgres := newPostgresServer(t)
	postgres.start(t)
	s := startOn(t, postgres.url("postgres"))
	token := s.signIn(t)
	acknowledged := newLedger()
	var refused, uploads sync.WaitGroup
	refused.Add(uploaders)
	for range uploaders {
		uploads.Go(func() {
			acknowledged.upload(s, token) // until the first refusal
			refused.Done()
			acknowledged.keepUploading(t, s, token)
		})
	}
	acknowledged.waitForLen(t, 2*uploaders)
	postgres.crash(t)
	if err := os.WriteFile(filepath.Join(postgres.data, "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	postgres.start(t)
	refused.Wait()
	s.waitForReadiness(t, http.StatusServiceUnavailable, "takes no writes: reads are still served")
	s.graphQL(t, token, `{ me { email } }`, &struct{}{})
	if err := pgtest.Run(t.Context(), postgres.url("postgres"), "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	uploads.Wait()
	s.waitForReadiness(t, http.StatusOK, `"ok"`)
	acknowledged.check(t, s, token)
	t.Logf("%d records were acknowledged, before and after", acknowledged.len())
}

// TestPostgresStopsAnswering cuts off PostgreSQL's responses in the middle, as a lost
// machine or network does: the connections stay open and nothing comes any more.
// Every request is refused as unavailable; and once new connections work, all goes
// on although the dead ones are still open.
func TestPostgresStopsAnswering(t *testing.T) {
	t.Parallel()
	const uploaders, reads = 8, 8
	postgres := newPostgresServer(t)
	postgres.start(t)
	network, err := subscriptiontest.NewProxy("127.0.0.1:" + postgres.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Close)
	s := startOn(t, strings.Replace(postgres.url("postgres"), "127.0.0.1:"+postgres.port, strings.TrimPrefix(network.URL(), "http://"), 1))
	token := s.signIn(t)
	acknowledged := newLedger()
	var uploads sync.WaitGroup
	refused := make(chan struct{}, uploaders)
	for range uploaders {
		uploads.Go(func() {
			acknowledged.upload(s, token)
			refused <- struct{}{}
			acknowledged.keepUploading(t, s, token)
		})
	}
	acknowledged.waitForLen(t, 4*uploaders)
	network.FailConnections(func() subscriptiontest.Failure {
		return subscriptiontest.Failure{Bytes: rand.Int64N(3000), Stall: time.Hour}
	})
	network.CloseConnections()
	for range uploaders {
		<-refused
	}
	var reading sync.WaitGroup
	for range reads {
		reading.Go(func() {
			status, raw, err := post(s.URL+"/graphql", token, `{"query": "{ me { id } }"}`)
			if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `{"me":{"id":"1"}}`) && !strings.Contains(string(raw), `"code":"UNAVAILABLE"`) {
				t.Errorf("a read of a silent PostgreSQL: %d %s %v", status, raw, err)
			}
		})
	}
	reading.Wait() // each gets a response, though it may be late
	s.WaitFor(t, "it is not ready", func() bool { return !s.Ready() })
	s.WaitFor(t, "the metrics say so", func() bool { return strings.Contains(s.scrape(t), "\nluxbff_database_up 0\n") })
	network.FailConnections(nil)
	s.WaitFor(t, "it is ready", s.Ready)
	uploads.Wait()
	s.Kill() // it may still have dead connections
	s = startOn(t, postgres.url("postgres"))
	acknowledged.check(t, s, s.signIn(t))
	t.Logf("%d records were acknowledged, before and after", acknowledged.len())
}

// scrape reads the metrics, for which it waits no longer than Prometheus does.
func (s *server) scrape(t *testing.T) string {
	t.Helper()
	prometheus := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := prometheus.Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// keepUploading sends the next pair until it is acknowledged. Until then each
// response must be that the service is unavailable.
func (l *ledger) keepUploading(t *testing.T, s *server, token string) {
	t.Helper()
	file := l.nextPair()
	for {
		status, raw, err := post(s.URL+uploadPath, token, onePair(file))
		if err != nil {
			t.Errorf("an upload: %v", err)
			return
		}
		if status == http.StatusOK {
			l.add(file, file+1)
			return
		}
		if status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "Service unavailable") {
			t.Errorf("an upload without PostgreSQL: %d %s", status, raw)
			return
		}
	}
}

// TestStartWaitsForPostgres starts the program before its database, as happens when a
// machine boots.
func TestStartWaitsForPostgres(t *testing.T) {
	t.Parallel()
	postgres := newPostgresServer(t)
	s := &server{processtest.Launch(t, processtest.Command(t, postgres.url("postgres")))}
	s.WaitFor(t, "it waits", func() bool { return strings.Contains(s.Log.String(), "not there yet") })
	healthcheck := processtest.Command(t, postgres.url("postgres"), "healthcheck")
	healthcheck.Env = append(healthcheck.Env, "ADDR="+s.Addr)
	if out, err := healthcheck.CombinedOutput(); err == nil {
		t.Errorf("a program without its database is ready: %s", out)
	}
	postgres.start(t)
	s.WaitFor(t, "it is ready", s.Ready)
	s.signIn(t)

	if strings.Contains(s.Log.String(), "secret") {
		t.Errorf("the start shows the password:\n%s", s.Log)
	}
	report, well := runDoctor(t, postgres.url("postgres"))
	if well || !strings.Contains(report, "ok     migrations") || !strings.Contains(report, "WRONG  durability") || strings.Contains(report, "secret") {
		t.Errorf("of a server without fsync the doctor reports\n%s", report)
	}
	for name, c := range map[string]struct{ url, want string }{
		"an unknown database": {postgres.url("nowhere"), `database "nowhere" does not exist`},
		"an unknown role":     {strings.Replace(postgres.url("postgres"), "luxbff:", "nobody:", 1), `role "nobody" does not exist`},
	} {
		out, err := processtest.Command(t, c.url, "migrate").CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "not there yet") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if err := pgtest.Run(t.Context(), postgres.url("postgres"),
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, true)"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"copy", "--from", "file:" + migratedFile(t)}} {
		out, err := processtest.Command(t, postgres.url("postgres"), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "newer than this program") {
			t.Errorf("%s on a newer schema: %v\n%s", args, err, out)
		}
	}
}

// migratedFile makes a SQLite database of this version of the program.
func migratedFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.db")
	if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
	return file
}
