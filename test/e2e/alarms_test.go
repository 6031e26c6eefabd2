//go:build alarms && linux

package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	// The driver registers itself as "pgx".
	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sys/unix"

	"luxbff/internal/testutil/natstest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/smtptest"
)

// TestAlarmRules holds each alarm to its threshold and its time: testdata/alarms.yml has
// a case for each.
func TestAlarmRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", alarmsFile},
		{"test", "rules", "testdata/alarms.yml"},
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// fault is something that goes wrong, and the alarms that it has to raise.
type fault struct {
	name   string
	raises []string
	// alsoRaises are those that may come with it, depending on the load of the moment.
	alsoRaises []string
	make       func()
	repair     func()
}

// busyAlarms say that something is slow. The machine of the test may be so by itself.
func busyAlarms() []string {
	return []string{"LuxbffSlow", "LuxbffWritesWait", "LuxbffCommitsSlow", "LuxbffPoolExhausted"}
}

// TestEachAlarmIsRaised makes one thing after another go wrong at installations that serve
// uploads, until Prometheus raises the alarms that are meant for it and no other, and
// repairs it, after which they end.
func TestEachAlarmIsRaised(t *testing.T) {
	t.Parallel()
	raised := map[string]bool{}
	var mu sync.Mutex
	note := func(names []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range names {
			raised[name] = true
		}
	}
	t.Run("installations", func(t *testing.T) {
		t.Run("two replicas on PostgreSQL", func(t *testing.T) {
			t.Parallel()
			i := newWatchedReplicas(t)
			raiseAlarms(t, i.prometheus, i.faults(t), note)
		})
		t.Run("one server on SQLite", func(t *testing.T) {
			t.Parallel()
			i := newWatchedServer(t)
			raiseAlarms(t, i.prometheus, i.faults(t), note)
		})
	})
	for _, name := range alarmNames(t) {
		if !raised[name] {
			t.Errorf("nothing that goes wrong here raises %s", name)
		}
	}
}

// raiseAlarms makes the faults one after another. Alarms that look back on some minutes
// go on for a while after the repair, so they may still be raised during the next.
func raiseAlarms(t *testing.T, p *prometheus, faults []fault, note func([]string)) {
	t.Helper()
	p.WaitFor(t, "Prometheus has looked at some uploads", func() bool {
		<-p.look.C
		return len(p.query(t, "count_over_time(luxbff_commit_duration_seconds_count[1m]) >= 5")) > 0
	})
	allowed := busyAlarms()
	for _, name := range p.firing(t) {
		if !slices.Contains(allowed, name) {
			t.Errorf("all is well, and %s is raised", name)
		}
	}
	for _, f := range faults {
		p.WaitFor(t, "the alarms of "+f.name+" have ended", func() bool {
			return !slices.ContainsFunc(p.firing(t), func(name string) bool { return slices.Contains(f.raises, name) })
		})
		allowed = slices.Concat(allowed, f.raises, f.alsoRaises)
		f.make()
		var firing []string
		p.WaitFor(t, fmt.Sprintf("%s raises %v", f.name, f.raises), func() bool {
			firing = p.firing(t)
			return !slices.ContainsFunc(f.raises, func(name string) bool { return !slices.Contains(firing, name) })
		})
		for _, name := range firing {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s raises %s", f.name, name)
			}
		}
		note(f.raises)
		f.repair()
	}
	p.WaitFor(t, "all alarms have ended", func() bool { return len(p.firing(t)) == 0 })
}

// keepUploading has phones upload one pair of records after another until the test ends,
// whatever becomes of them.
func keepUploading(t *testing.T, s *server, token string, phones int) {
	t.Helper()
	numbers := newLedger()
	ctx, stop := context.WithCancel(t.Context())
	var uploads sync.WaitGroup
	for range phones {
		uploads.Go(func() {
			pace := time.NewTicker(200 * time.Millisecond)
			defer pace.Stop()
			for ctx.Err() == nil {
				_, _, _ = post(s.URL+uploadPath, token, onePair(numbers.nextPair()))
				select {
				case <-pace.C:
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(func() {
		stop()
		uploads.Wait()
	})
}

// instance is a server of production that can be started again under the same addresses.
type instance struct {
	*server

	database, metrics string
	settings          []string
}

// newInstance starts a server on a database that is migrated and has the demo family.
func newInstance(t *testing.T, database string, settings ...string) *instance {
	t.Helper()
	i := &instance{database: database, metrics: processtest.FreeAddr(t)}
	i.settings = append(settings, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example", //nolint:gocritic // its own copy
		"METRICS_ADDR="+i.metrics, "ADDR="+processtest.FreeAddr(t))
	i.restart(t)
	return i
}

// restart starts it, after Kill if it runs.
func (i *instance) restart(t *testing.T) {
	t.Helper()
	serve := processtest.Command(t, i.database)
	serve.Env = append(serve.Env, i.settings...)
	i.server = start(t, serve)
}

// familyOn makes the demo family in an empty database and gives its parent's token.
func familyOn(t *testing.T, database string) (token string) {
	t.Helper()
	development := startOn(t, database)
	defer development.Kill()
	return development.signIn(t)
}

// watchedReplicas are two replicas with PostgreSQL and NATS.
type watchedReplicas struct {
	prometheus *prometheus
	postgres   *postgresServer
	admin      *sql.DB
	nats       *natstest.Server
	a, b       *instance
	token      string
}

func newWatchedReplicas(t *testing.T) *watchedReplicas {
	t.Helper()
	i := &watchedReplicas{postgres: newPostgresServer(t), nats: natstest.Start(t)}
	i.postgres.start(t)
	database := i.postgres.url("postgres")
	i.token = familyOn(t, database)
	admin, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	i.admin = admin
	settings := []string{"NATS_URL=" + i.nats.URL(), "DATABASE_POOL=2"}
	i.a, i.b = newInstance(t, database, settings...), newInstance(t, database, settings...)
	i.prometheus = startPrometheus(t, i.a.metrics, i.b.metrics)
	keepUploading(t, i.a.server, i.token, 6)
	return i
}

func (i *watchedReplicas) faults(t *testing.T) []fault {
	t.Helper()
	run := func(statements ...string) func() { return func() { i.run(t, statements...) } }
	// A server that waits for its database may answer nothing for a moment.
	stopped := []string{"LuxbffRequestsFail", "LuxbffReplicaDown"}
	return []fault{
		{
			name: "a replica that starts again and again", raises: []string{"LuxbffRestarts"}, alsoRaises: []string{"LuxbffReplicaDown"},
			make: func() { i.keepRestarting(t) }, repair: func() {},
		},
		{
			name: "a provider that is away", raises: []string{"LuxbffMessagesWait"},
			make: run(`INSERT INTO messages (channel, recipient, text, state, due_at, created_at)
				SELECT 'sms', '+821000000000', 'text', 'pending', now() + interval '1 day', now() - interval '1 hour' FROM generate_series(1, 10)`),
			repair: run("DELETE FROM messages"),
		},
		{
			name: "a provider that refuses", raises: []string{"LuxbffMessagesDead"},
			make: run(`INSERT INTO messages (channel, recipient, text, state, due_at, created_at)
				SELECT 'sms', '+821000000000', 'text', 'dead', now(), now() FROM generate_series(1, 20)`),
			repair: run("DELETE FROM messages"),
		},
		{
			name: "a table that is missing", raises: []string{"LuxbffInternalErrors"}, alsoRaises: []string{"LuxbffRequestsFail"},
			make: func() {
				i.run(t, "ALTER TABLE push_devices RENAME TO gone")
				if code := i.a.execute(t, i.token, `{ me { pushDevices { registrationId } } }`, nil); code != "INTERNAL" {
					t.Errorf("without the table the query answers %q", code)
				}
			},
			repair: run("ALTER TABLE gone RENAME TO push_devices"),
		},
		i.lock(t),
		{
			name: "a slow disk", raises: []string{"LuxbffCommitsSlow"},
			make: run(`CREATE FUNCTION sync_slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END'`,
				`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON devlogs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sync_slowly()`),
			repair: run("DROP TRIGGER slow ON devlogs"),
		},
		{
			name: "NATS that is away", raises: []string{"LuxbffNATSDown", "LuxbffFeedLate"},
			make: func() {
				drain(t, i.b.resume(t, i.token, `subscription { devlogStatus { cursor } }`))
				i.nats.Stop()
			},
			repair: i.nats.Restart,
		},
		{
			name: "a read-only database", raises: []string{"LuxbffDatabaseReadOnly", "LuxbffRequestsFail"}, alsoRaises: stopped,
			make:   run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
			repair: run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"),
		},
		{
			name: "PostgreSQL that is away", raises: []string{"LuxbffDatabaseDown"}, alsoRaises: stopped,
			make:   func() { i.postgres.crash(t) },
			repair: func() { i.postgres.start(t) },
		},
		{
			name: "a replica that is away", raises: []string{"LuxbffReplicaDown"}, alsoRaises: stopped,
			make: func() { i.b.Kill() }, repair: func() {},
		},
		{
			name: "replicas that are all away", raises: []string{"LuxbffDown"},
			make: func() { i.a.Kill() },
			repair: func() {
				i.a.restart(t)
				i.b.restart(t)
			},
		},
	}
}

// run runs statements on connections of their own, as PostgreSQL may have been restarted.
func (i *watchedReplicas) run(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := i.admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// keepRestarting kills the second replica and starts it again until the alarm is raised.
// Each time it waits until Prometheus has seen it.
func (i *watchedReplicas) keepRestarting(t *testing.T) {
	t.Helper()
	began := fmt.Sprintf("process_start_time_seconds{instance=%q}", i.b.metrics)
	i.prometheus.WaitFor(t, "restarts raise an alarm", func() bool {
		before := i.prometheus.query(t, began)
		i.b.Kill()
		i.b.restart(t)
		i.prometheus.WaitFor(t, "Prometheus has seen the restart", func() bool {
			<-i.prometheus.look.C
			now := i.prometheus.query(t, began)
			return len(now) == 1 && !slices.Equal(now, before)
		})
		return slices.Contains(i.prometheus.firing(t), "LuxbffRestarts")
	})
}

// lock lets a transaction of somebody else lock the table of uploads, again and again.
func (i *watchedReplicas) lock(t *testing.T) fault {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var locking sync.WaitGroup
	end := func() {
		stop()
		locking.Wait()
	}
	t.Cleanup(end)
	return fault{
		name: "a long transaction that locks a table", raises: []string{"LuxbffWritesWait", "LuxbffPoolExhausted", "LuxbffSlow"},
		make: func() {
			locking.Go(func() {
				for ctx.Err() == nil {
					_, err := i.admin.ExecContext(ctx, "BEGIN; LOCK TABLE devlogs IN SHARE MODE; SELECT pg_sleep(1.5); COMMIT")
					if err != nil && ctx.Err() == nil {
						t.Errorf("lock: %v", err)
						return
					}
				}
			})
		},
		repair: end,
	}
}

// drain reads a socket until it is closed.
func drain(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		reading.Wait()
	})
}

// watchedServer is one server on a file.
type watchedServer struct {
	prometheus *prometheus
	*instance

	token string
}

// fewConnections is how many connections the small server holds.
const fewConnections = 250

func newWatchedServer(t *testing.T) *watchedServer {
	t.Helper()
	database := "file:" + filepath.Join(t.TempDir(), "small.db")
	i := &watchedServer{token: familyOn(t, database)}
	mails := smtptest.Start(t, smtptest.None)
	i.instance = newInstance(t, database, "TRUSTED_PROXIES=127.0.0.0/8",
		"SMTP_URL=smtp://"+mails.Addr, "MAIL_FROM=no-reply@luxbff.example", "EMAIL_DAILY_LIMIT=1", fmt.Sprint("CONNECTIONS=", fewConnections))
	i.prometheus = startPrometheus(t, i.metrics)
	keepUploading(t, i.server, i.token, 1)
	return i
}

func (i *watchedServer) faults(t *testing.T) []fault {
	t.Helper()
	var open []net.Conn
	hangUp := func() {
		for _, conn := range open {
			_ = conn.Close()
		}
		open = nil
	}
	t.Cleanup(hangUp)
	return []fault{
		{
			name: "somebody who guesses a device", raises: []string{"LuxbffGuessing"},
			make: func() {
				for range 40 {
					status, raw, err := post(i.URL+"/api/v1/lux/user/create-real-user", i.token, `{"first_name": "a", "last_name": "",
						"birthdate": "19970101", "gender": "F", "serial_code": "DEMO000001", "mac_id": "FFFF", "unique_id": "guess"}`)
					if err != nil || status == http.StatusOK {
						t.Fatalf("a guess: %d %s %v", status, raw, err)
					}
				}
			},
			repair: func() {},
		},
		{
			name: "more mails than a day has", raises: []string{"LuxbffMessagesRefused"},
			make: func() {
				for n := range 3 {
					status, raw, err := post(i.URL+"/user/email/verification", i.token, fmt.Sprintf(`{"email": "alarm%d@example.com"}`, n))
					if err != nil || n > 0 && status != http.StatusTooManyRequests {
						t.Fatalf("a mail: %d %s %v", status, raw, err)
					}
				}
			},
			repair: func() {},
		},
		{
			name: "somebody who opens connections", raises: []string{"LuxbffConnectionsRefused"}, alsoRaises: []string{"LuxbffFilesRunOut"},
			make: func() {
				for range fewConnections + 150 {
					conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", i.Addr)
					if err != nil {
						t.Fatal(err)
					}
					open = append(open, conn)
				}
			},
			repair: hangUp,
		},
		{
			name: "too few open files", raises: []string{"LuxbffFilesRunOut"},
			make:   func() { i.limitOpenFiles(t, i.openFiles(t)*110/100) },
			repair: func() { i.limitOpenFiles(t, unix.RLIM_INFINITY) },
		},
		i.flood(t),
		{
			name: "a full disk", raises: []string{"LuxbffDatabaseReadOnly"}, alsoRaises: []string{"LuxbffRequestsFail"},
			make:   func() { i.limitFiles(t, 1) },
			repair: func() { i.limitFiles(t, unix.RLIM_INFINITY) },
		},
	}
}

// openFiles is how many files the process has open.
func (i *watchedServer) openFiles(t *testing.T) uint64 {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", i.PID))
	if err != nil {
		t.Fatal(err)
	}
	return uint64(len(files))
}

// limitOpenFiles bounds how many files the process may have open.
func (i *watchedServer) limitOpenFiles(t *testing.T, files uint64) {
	t.Helper()
	var now unix.Rlimit
	if err := unix.Prlimit(i.PID, unix.RLIMIT_NOFILE, nil, &now); err != nil {
		t.Fatal(err)
	}
	now.Cur = min(files, now.Max)
	if err := unix.Prlimit(i.PID, unix.RLIMIT_NOFILE, &now, nil); err != nil {
		t.Fatal(err)
	}
}

// flood signs in from a hundred addresses at once, again and again, to as many accounts
// that do not exist.
func (i *watchedServer) flood(t *testing.T) fault {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	end := func() {
		stop()
		calls.Wait()
	}
	t.Cleanup(end)
	return fault{
		name: "a flood of sign-ins", raises: []string{"LuxbffPasswordsWait"}, alsoRaises: []string{"LuxbffGuessing", "LuxbffRequestsFail"},
		make: func() {
			for n := range 100 {
				calls.Go(func() {
					for ctx.Err() == nil {
						i.signInFrom(ctx, t, fmt.Sprintf("203.0.113.%d", n), fmt.Sprintf("nobody%d@example.com", n))
					}
				})
			}
		},
		repair: end,
	}
}

// signInFrom signs in through a proxy with a wrong password.
func (i *watchedServer) signInFrom(ctx context.Context, t *testing.T, address, email string) {
	t.Helper()
	body := fmt.Sprintf(`{"username": %q, "password": "wrong-pass-1"}`, email)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.URL+"/api/v1/lux/auth/email/signin", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", address)
	if response, err := client.Do(r); err == nil {
		_ = response.Body.Close()
	}
}
