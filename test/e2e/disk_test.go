//go:build linux

package e2e_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

// TestFullDisk lets no file of the server grow while 64 phones upload, as a full
// disk does: uploads are refused in plain words, reads go on, and once there is
// space again uploads are taken. What was acknowledged is there, and nothing by half.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	b := startBinary(t, filepath.Join(t.TempDir(), "full.db"))
	token := b.signIn(t)
	acknowledged := newLedger()
	uploadAll := func() {
		var uploads sync.WaitGroup
		for range 64 {
			uploads.Go(func() { acknowledged.upload(b, token) })
		}
		uploads.Wait()
	}
	b.limitFiles(t, 1)
	uploadAll() // each until it is refused
	status, raw, err := post(b.URL+"/api/v1/lux/device/devlog", token, onePair(5000))
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "Service unavailable. Please try again later.") {
		t.Errorf("an upload onto a full disk: %d %s %v", status, raw, err)
	}
	acknowledged.check(t, b, token)

	b.limitFiles(t, unix.RLIM_INFINITY)
	status, raw, err = post(b.URL+"/api/v1/lux/device/devlog", token, onePair(5000))
	if err != nil || status != http.StatusOK {
		t.Errorf("an upload with space again: %d %s %v", status, raw, err)
	}
	acknowledged.add(5000, 5001)
	acknowledged.check(t, b, token)
}

// limitFiles bounds the size of the files that the process may write.
func (b *binary) limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var now unix.Rlimit
	if err := unix.Prlimit(b.PID, unix.RLIMIT_FSIZE, nil, &now); err != nil {
		t.Fatal(err)
	}
	now.Cur = min(size, now.Max)
	if err := unix.Prlimit(b.PID, unix.RLIMIT_FSIZE, &now, nil); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyDatabase serves a database that cannot be written to: who is signed
// in reads, and a write is refused in plain words.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ro.db")
	b := startBinary(t, file)
	token := b.signIn(t)
	b.Kill()

	readOnly := processtest.Command(t, "file:"+file+"?_pragma=query_only(1)")
	readOnly.Env = append(readOnly.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example")
	b = startCommand(t, readOnly)
	var data struct{ Me struct{ Email string } }
	if b.graphQL(t, token, `{ me { email } }`, &data); data.Me.Email != demo.Email {
		t.Errorf("a read answered %+v", data)
	}
	status, raw, err := post(b.URL+"/api/v1/lux/device/devlog", token, onePair(5000))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("an upload: %d %s %v", status, raw, err)
	}
	status, raw, err = post(b.URL+"/graphql", token, `{"query": "mutation { signOut { ok } }"}`)
	if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `"code":"UNAVAILABLE"`) {
		t.Errorf("a mutation: %d %s %v", status, raw, err)
	}
}
