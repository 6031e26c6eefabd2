//go:build postgres

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/subscriptiontest"
)

// postgresServer is a PostgreSQL of the test's own, which it may stop.
type postgresServer struct {
	bin, data, port string
	// as is who runs it: it refuses root.
	as *syscall.SysProcAttr
}

func newPostgresServer(t *testing.T) *postgresServer {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no PostgreSQL to start: %v", err)
	}
	folder, err := os.MkdirTemp("", "luxbff-postgres") //nolint:usetesting // another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	_, port, err := net.SplitHostPort(processtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &postgresServer{bin: slices.Max(found), data: filepath.Join(folder, "db"), port: port}
	if os.Getuid() == 0 {
		p.as = unprivileged(t, folder)
	}
	p.run(t, "initdb", "-D", p.data, "-U", "luxbff", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	return p
}

// unprivileged gives the folder to PostgreSQL's own user, and its rights.
func unprivileged(t *testing.T, folder string) *syscall.SysProcAttr {
	t.Helper()
	postgres, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (p *postgresServer) run(t *testing.T, tool string, args ...string) {
	t.Helper()
	c := exec.CommandContext(context.Background(), filepath.Join(p.bin, tool), args...)
	c.Dir, c.SysProcAttr = filepath.Dir(p.data), p.as
	// To a file: the server would keep a pipe open for as long as it runs.
	log, err := os.CreateTemp(t.TempDir(), tool)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%s: %v\n%s", tool, err, said)
	}
}

// start starts the server and waits until it answers. A commit waits for its
// log, but not for the disk: the machine stays up.
func (p *postgresServer) start(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "-l", p.data+".log", "-o",
		"-h 127.0.0.1 -p "+p.port+" -k "+filepath.Dir(p.data)+" -c fsync=off", "start")
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.data, "postmaster.pid")); err == nil {
			p.crash(t)
		}
	})
}

// crash is what a lost machine looks like to its clients.
func (p *postgresServer) crash(t *testing.T) {
	t.Helper()
	p.run(t, "pg_ctl", "-D", p.data, "-w", "-m", "immediate", "stop")
}

func (p *postgresServer) url(database string) string {
	return "postgres://luxbff:secret@127.0.0.1:" + p.port + "/" + database + "?sslmode=disable"
}

// TestPostgresIsRestartedUnderLoad crashes PostgreSQL during 32 phones' uploads
// and starts it again: who uploads is told at once to try later, then all goes on
// by itself, the feed too. What was acknowledged is there once and was told once,
// and no upload is there by half.
func TestPostgresIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	const uploaders = 32
	postgres := newPostgresServer(t)
	postgres.start(t)
	b := startAt(t, postgres.url("postgres"))
	token := b.signIn(t)
	feed := b.subscribe(t, token, "subscription { devlogStatus { devlog { logFileId } } }")

	acknowledged := newLedger()
	var refused, uploads sync.WaitGroup
	refused.Add(uploaders)
	for range uploaders {
		uploads.Go(func() {
			acknowledged.upload(b, token) // until the first refusal
			refused.Done()
			acknowledged.keepUploading(t, b, token)
		})
	}
	acknowledged.wait(t, 4*uploaders)
	postgres.crash(t)
	refused.Wait()
	if b.Ready() {
		t.Error("the server is ready without PostgreSQL")
	}
	postgres.start(t)
	uploads.Wait()
	acknowledged.check(t, b, token)

	told := map[int]int{}
	for sequel := acknowledged.soFar(); len(sequel.files) > 0; {
		var payload struct {
			Data struct {
				DevlogStatus struct{ Devlog struct{ LogFileID int } }
			}
		}
		if err := json.Unmarshal(hear(t, feed, "next").Payload, &payload); err != nil {
			t.Fatal(err)
		}
		file := payload.Data.DevlogStatus.Devlog.LogFileID
		if told[file]++; told[file] > 1 {
			t.Errorf("log file %d was told twice", file)
		}
		delete(sequel.files, file)
	}
	t.Logf("%d records were acknowledged, before and after", acknowledged.len())
}

// TestPostgresFallsSilent lets no answer of PostgreSQL come back any more, in the
// middle of whatever it says, as a lost machine or network does: nobody is told
// that the line is dead. Everyone is told to try later; and once new lines are
// good again all goes on, though the dead ones are still there.
func TestPostgresFallsSilent(t *testing.T) {
	t.Parallel()
	const uploaders, reads = 8, 8
	postgres := newPostgresServer(t)
	postgres.start(t)
	network, err := subscriptiontest.NewProxy("127.0.0.1:" + postgres.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Close)
	b := startAt(t, strings.Replace(postgres.url("postgres"), "127.0.0.1:"+postgres.port, strings.TrimPrefix(network.URL(), "http://"), 1))
	token := b.signIn(t)
	acknowledged := newLedger()
	var asking sync.WaitGroup
	refused := make(chan struct{}, uploaders)
	for range uploaders {
		asking.Go(func() {
			acknowledged.upload(b, token)
			refused <- struct{}{}
			acknowledged.keepUploading(t, b, token)
		})
	}
	acknowledged.wait(t, 4*uploaders)
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
			status, raw, err := post(b.URL+"/graphql", token, `{"query": "{ me { id } }"}`)
			if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `{"me":{"id":"1"}}`) && !strings.Contains(string(raw), `"code":"UNAVAILABLE"`) {
				t.Errorf("a read of a silent PostgreSQL: %d %s %v", status, raw, err)
			}
		})
	}
	reading.Wait() // each is answered, though it may be late
	b.WaitFor(t, "it is not ready", func() bool { return !b.Ready() })
	network.FailConnections(nil)
	b.WaitFor(t, "it is ready", b.Ready)
	asking.Wait()
	b.Kill() // it may still have lines that are dead
	b = startAt(t, postgres.url("postgres"))
	acknowledged.check(t, b, b.signIn(t))
	t.Logf("%d records were acknowledged, before and after", acknowledged.len())
}

// keepUploading tries the next pair until it is taken. Until then each answer
// must be that the service is unavailable.
func (l *ledger) keepUploading(t *testing.T, b *binary, token string) {
	t.Helper()
	file := l.take()
	for {
		status, raw, err := post(b.URL+"/api/v1/lux/device/devlog", token, onePair(file))
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

// TestStartWaitsForPostgres starts the program before its database, as a machine
// that boots does.
func TestStartWaitsForPostgres(t *testing.T) {
	t.Parallel()
	postgres := newPostgresServer(t)
	b := &binary{processtest.Launch(t, processtest.Command(t, postgres.url("postgres")))}
	b.WaitFor(t, "it waits", func() bool { return strings.Contains(b.Log.String(), "not there yet") })
	asking := processtest.Command(t, postgres.url("postgres"), "healthcheck")
	asking.Env = append(asking.Env, "ADDR="+b.Addr)
	if out, err := asking.CombinedOutput(); err == nil {
		t.Errorf("a program without its database is ready: %s", out)
	}
	postgres.start(t)
	b.WaitFor(t, "it is ready", b.Ready)
	b.signIn(t)

	if strings.Contains(b.Log.String(), "secret") {
		t.Errorf("the start shows the password:\n%s", b.Log)
	}
	said, well := doctor(t, postgres.url("postgres"))
	if well || !strings.Contains(said, "ok     migrations") || !strings.Contains(said, "WRONG  durability") || strings.Contains(said, "secret") {
		t.Errorf("of a server without fsync the doctor said\n%s", said)
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

// migratedFile is a database of this version.
func migratedFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.db")
	if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
	return file
}
