//go:build upgrade

package upgrade_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/store/migrationlint"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/clustertest"
	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// fleet is the replicas of an installation that is being upgraded: three in production
// behind a load balancer, and beside them some in development, where accounts can sign
// up and their messages can be read.
type fleet struct {
	database string
	balancer *clustertest.Balancer
	behind   []*processtest.Process
}

func (f *fleet) start(t *testing.T, serve *exec.Cmd, settings ...string) *processtest.Process {
	t.Helper()
	serve.Env = append(serve.Env, "NATS_URL="+os.Getenv("LUXBFF_TEST_NATS_URL"), "DATABASE_POOL=3")
	serve.Env = append(serve.Env, settings...)
	return processtest.Start(t, serve)
}

// startBehind starts a replica in production for the balancer.
func (f *fleet) startBehind(t *testing.T, p program, settings ...string) *processtest.Process {
	t.Helper()
	settings = append([]string{"APP_ENV=production", "RATE_LIMITS=on", "PUBLIC_URL=https://luxbff.example.com"}, settings...)
	return f.start(t, p.command(t, f.database), settings...)
}

// replace ends one replica behind the balancer as an operator does, and starts this
// program at its address.
func (f *fleet) replace(t *testing.T, i int) {
	t.Helper()
	f.behind[i].Terminate(t)
	f.behind[i].WaitForExit(t)
	f.behind[i] = f.startBehind(t, thisRelease, "ADDR="+f.behind[i].Addr)
	testutil.WaitFor(t, "the balancer sees the new replica", func() bool { return f.balancer.IsReady(f.behind[i].URL) })
}

// TestOldAndNewReplicasTogether upgrades an installation as the book says, while phones
// upload and follow their feeds through the load balancer and other apps do all that
// they can.
func TestOldAndNewReplicasTogether(t *testing.T) {
	t.Parallel()
	everybody := &people{}
	f := &fleet{database: storetest.EmptyPostgresURL(t), balancer: clustertest.NewBalancer(t)}
	oldRelease.mustRun(t, f.database, "migrate")
	importDevices(t, f.database)
	before := f.start(t, oldRelease.command(t, f.database))
	for range 3 {
		replica := f.startBehind(t, oldRelease)
		f.behind = append(f.behind, replica)
		f.balancer.Add(t, replica.URL)
	}
	load := startLoad(t, f.balancer.URL, &client{t: t, urls: []string{before.URL}}, everybody)
	kept := &client{t: t, urls: []string{before.URL}}
	family := kept.newFamily(everybody.next())
	long := kept.text(kept.rest(http.StatusOK, http.MethodPost, "/auth/register_local", "", `{"id": "longlived", "password": "abcd1234"}`), "token")

	load.waitForMore(t, 5)
	thisRelease.mustRun(t, f.database, "migrate")
	load.waitForMore(t, 5)
	for _, replica := range append(f.behind, before) {
		checkDegraded(t, replica)
	}
	checkRefused(t, f.database)

	after := f.start(t, thisRelease.command(t, f.database))
	phones := load.newCopies()
	readChanges := func() {
		for _, phone := range phones {
			phone.read(t, after.URL)
		}
	}
	readChanges()
	f.replace(t, 0)
	load.waitForMore(t, 5)
	readChanges()
	both := []string{before.URL, after.URL}
	t.Run("together", func(t *testing.T) { travel(t, everybody, both) }) //nolint:paralleltest // what follows waits for it
	load.waitForMore(t, 5)
	f.replace(t, 1)
	readChanges()
	load.waitForMore(t, 5)
	readChanges()
	f.replace(t, 2)
	load.waitForMore(t, 5)
	load.finish(t, f.database)
	readChanges()
	for _, phone := range phones {
		phone.check(t)
	}

	seen := (&client{t: t, urls: []string{before.URL}}).sees(family.Token)
	checkSenders(t, before, after)
	before.Terminate(t)
	before.WaitForExit(t)
	alone := &client{t: t, urls: []string{after.URL}}
	if diff := cmp.Diff(seen, alone.sees(family.Token)); diff != "" {
		t.Errorf("what the old release has shown last and the new one shows (-old +new):\n%s", diff)
	}
	alone.graphQL(long, `{ me { localId } }`, nil, nil)
	checkMessages(t, f.database)
	t.Run("alone", func(t *testing.T) { travel(t, everybody, []string{after.URL}) }) //nolint:paralleltest // it is the last step
}

// importDevices gives the installation a catalogue.
func importDevices(t *testing.T, database string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "devices.csv")
	if err := os.WriteFile(file, []byte(catalogue(100)), 0o600); err != nil {
		t.Fatal(err)
	}
	oldRelease.mustRun(t, database, "devices", "import", file)
}

// checkDegraded checks that a replica of the old release serves on.
func checkDegraded(t *testing.T, p *processtest.Process) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.URL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var body struct{ Status string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil || response.StatusCode != http.StatusOK || body.Status != "degraded" {
		t.Errorf("/readyz of the old release: %s %q, %v; want 200, degraded", response.Status, body.Status, err)
	}
}

// checkRefused checks that the old release neither starts nor migrates on the newer
// database, and says so.
func checkRefused(t *testing.T, database string) {
	t.Helper()
	for _, args := range [][]string{nil, {"migrate"}} {
		out, err := oldRelease.command(t, database, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "newer than this program") {
			t.Errorf("the old release, %v: %v\n%s", args, err, out)
		}
	}
}

// checkSenders checks that the workers of both releases have sent messages.
func checkSenders(t *testing.T, both ...*processtest.Process) {
	t.Helper()
	for i, replica := range both {
		if !strings.Contains(replica.Log.String(), "message sent in development") {
			t.Errorf("replica %d has sent no message", i)
		}
	}
}

// checkMessages checks that every message of the outbox was sent, and at the first try.
func checkMessages(t *testing.T, database string) {
	t.Helper()
	waiting := func() int { return column(t, database, `SELECT count(*) FROM messages WHERE state = 'pending'`)[0] }
	testutil.WaitFor(t, "every message is sent", func() bool { return waiting() == 0 })
	if failed := column(t, database, `SELECT id FROM messages WHERE state <> 'sent' OR attempts <> 1`); len(failed) > 0 {
		t.Errorf("%d messages were not sent, or tried twice, such as %d", len(failed), failed[0])
	}
}

// load is two families, each with a phone that uploads and two that follow the feed, all
// through the balancer.
type load struct {
	uploaders []*clustertest.Uploader
	followers []*clustertest.Follower
}

func startLoad(t *testing.T, url string, signUp *client, everybody *people) *load {
	t.Helper()
	l := &load{}
	for _, phones := range [][2]int{{0, 1}, {2, 4}} { // all transports that the old release has
		family := signUp.newFamily(everybody.next())
		for _, n := range phones {
			l.followers = append(l.followers, clustertest.Follow(t, url, n, family))
		}
		l.uploaders = append(l.uploaders, clustertest.StartUploader(t, url, family))
	}
	for i, phone := range l.followers {
		testutil.WaitFor(t, "the subscription has started", func() bool { return phone.Newest() > 0 })
		phone.From = l.uploaders[i/2].Acknowledged()
	}
	return l
}

// waitForMore waits until each phone that uploads has uploaded n more logs.
func (l *load) waitForMore(t *testing.T, n int) {
	t.Helper()
	for _, u := range l.uploaders {
		goal := u.Acknowledged() + n
		testutil.WaitFor(t, "more logs are uploaded", func() bool { return u.Acknowledged() >= goal })
	}
}

// finish ends the uploads and checks that no request failed, that each log is stored once
// with one event, and that the phones received each.
func (l *load) finish(t *testing.T, database string) {
	t.Helper()
	for _, u := range l.uploaders {
		u.Stop()
		for range len(u.Failures) {
			t.Errorf("a request failed: %v", <-u.Failures)
		}
		var want []int
		for file := 1; file <= u.Acknowledged(); file++ {
			want = append(want, file)
		}
		logs := column(t, database, `SELECT log_file_id FROM devlogs WHERE root_user_id = $1 ORDER BY log_file_id`, u.Family.RootUserID)
		events := column(t, database, `SELECT log_file_id FROM devlog_events WHERE root_user_id = $1 ORDER BY seq`, u.Family.RootUserID)
		if diff := cmp.Diff(want, logs); diff != "" {
			t.Errorf("acknowledged and stored differ (-acknowledged +stored):\n%s", diff)
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("logs and events differ (-logs +events):\n%s", diff)
		}
	}
	for i, phone := range l.followers {
		last := l.uploaders[i/2].Acknowledged()
		testutil.WaitFor(t, "the last event has come", func() bool { return phone.Newest() >= int64(last) })
		phone.Stop()
		var want []int
		for file := phone.From + 1; file <= last; file++ {
			want = append(want, file)
		}
		if err := phone.Check(want); err != nil {
			t.Errorf("%s: %v", phone.Request.Transport, err)
		}
		if phone.EndsByServer() == 0 || phone.Connections() > 1+phone.EndsByServer() {
			t.Errorf("%s: connected %d times, the replicas ended %v", phone.Request.Transport, phone.Connections(), phone.Ends())
		}
	}
}

// copyOfLogs is what a phone keeps that reads the changes of its child at the new release
// alone, while replicas of the old one store logs as well.
type copyOfLogs struct {
	of     *clustertest.Uploader
	cursor string
	files  []int
}

func (l *load) newCopies() (phones []*copyOfLogs) {
	for _, u := range l.uploaders {
		phones = append(phones, &copyOfLogs{of: u})
	}
	return phones
}

func (c *copyOfLogs) read(t *testing.T, url string) {
	t.Helper()
	const changes = `query($id: ID!, $after: String!) { childUser(id: $id) { devlogs(first: 7, updatedAfter: $after) {
		edges { cursor node { logFileId } } pageInfo { hasNextPage } } } }`
	phone := &client{t: t, urls: []string{url}}
	for more := true; more; {
		var data struct {
			ChildUser struct {
				Devlogs struct {
					Edges []struct {
						Cursor string
						Node   struct{ LogFileID int }
					}
					PageInfo struct{ HasNextPage bool }
				}
			}
		}
		phone.graphQL(c.of.Family.Token, changes, map[string]any{"id": fmt.Sprint(c.of.Family.ChildUserID), "after": c.cursor}, &data)
		for _, edge := range data.ChildUser.Devlogs.Edges {
			c.cursor, c.files = edge.Cursor, append(c.files, edge.Node.LogFileID)
		}
		more = data.ChildUser.Devlogs.PageInfo.HasNextPage
	}
}

// check holds that each log came once, in the order in which they were stored.
func (c *copyOfLogs) check(t *testing.T) {
	t.Helper()
	var want []int
	for file := 1; file <= c.of.Acknowledged(); file++ {
		want = append(want, file)
	}
	if diff := cmp.Diff(want, c.files); diff != "" {
		t.Errorf("the changes that a phone has read (-stored +read):\n%s", diff)
	}
}

func column(t *testing.T, database, query string, args ...any) []int {
	t.Helper()
	numbers, err := pgtest.Ints(t.Context(), database, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}

// TestMigrationsOfTheReleaseAreKnown holds that release.txt says what the release does: its
// database has no later migration.
func TestMigrationsOfTheReleaseAreKnown(t *testing.T) {
	t.Parallel()
	release, err := migrationlint.LastRelease()
	if err != nil {
		t.Fatal(err)
	}
	database := storetest.EmptyPostgresURL(t)
	oldRelease.mustRun(t, database, "migrate")
	newest := column(t, database, `SELECT max(version_id) FROM goose_db_version`)
	if diff := cmp.Diff([]int{int(release.Migration)}, newest); diff != "" {
		t.Errorf("the newest migration of release %s (-release.txt +database):\n%s", release.Version, diff)
	}
}
