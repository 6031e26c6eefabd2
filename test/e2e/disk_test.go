//go:build linux

package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

// TestFullDisk lets no file of the server grow while 64 phones upload, as a full
// disk does: uploads are refused with the error for a service that is unavailable,
// reads go on, and uploads succeed again once there is space. What was acknowledged
// is stored, and no upload by half.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := startOnFile(t, filepath.Join(t.TempDir(), "full.db"))
	token := s.signIn(t)
	acknowledged := newLedger()
	uploadAll := func() {
		var uploads sync.WaitGroup
		for range 64 {
			uploads.Go(func() { acknowledged.upload(s, token) })
		}
		uploads.Wait()
	}
	s.limitFiles(t, 1)
	uploadAll() // each phone until it is refused
	status, raw, err := post(s.URL+uploadPath, token, onePair(5000))
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "Service unavailable. Please try again later.") {
		t.Errorf("an upload onto a full disk: %d %s %v", status, raw, err)
	}
	s.waitForReadiness(t, http.StatusServiceUnavailable, takesNoWrites)
	acknowledged.check(t, s, token)

	s.limitFiles(t, unix.RLIM_INFINITY)
	s.waitForReadiness(t, http.StatusOK, `"ok"`)
	status, raw, err = post(s.URL+uploadPath, token, onePair(5000))
	if err != nil || status != http.StatusOK {
		t.Errorf("an upload with space again: %d %s %v", status, raw, err)
	}
	acknowledged.add(5000, 5001)
	acknowledged.check(t, s, token)
}

// takesNoWrites is what /readyz says of a database that can be read alone.
const takesNoWrites = "takes no writes: reads are still served"

// TestFileIsMovedAway moves the database file away under the running program and back.
// No upload is acknowledged meanwhile, as it would be gone with the next start.
func TestFileIsMovedAway(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, away := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "away.db")
	s := startOnFile(t, file)
	token := s.signIn(t)
	s.uploadOne(t, token, 5000)
	if err := os.Rename(file, away); err != nil {
		t.Fatal(err)
	}
	status, raw, err := post(s.URL+uploadPath, token, onePair(6000))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("an upload without the file: %d %s %v", status, raw, err)
	}
	s.waitForReadiness(t, http.StatusServiceUnavailable, "the database file was moved, deleted or replaced")
	s.graphQL(t, token, `{ me { email } }`, &struct{}{})
	if err := os.Rename(away, file); err != nil {
		t.Fatal(err)
	}
	s.waitForReadiness(t, http.StatusOK, `"ok"`)
	s.uploadOne(t, token, 5001)
}

// limitFiles bounds the size of the files that the process may write.
func (s *server) limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var now unix.Rlimit
	if err := unix.Prlimit(s.PID, unix.RLIMIT_FSIZE, nil, &now); err != nil {
		t.Fatal(err)
	}
	now.Cur = min(size, now.Max)
	if err := unix.Prlimit(s.PID, unix.RLIMIT_FSIZE, &now, nil); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyDatabase serves a database that cannot be written to: whoever is signed
// in can read, and a write is refused as unavailable.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ro.db")
	s := startOnFile(t, file)
	token := s.signIn(t)
	s.Kill()

	readOnly := processtest.Command(t, "file:"+file+"?_pragma=query_only(1)")
	readOnly.Env = append(readOnly.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example")
	s = &server{processtest.Launch(t, readOnly)}
	s.waitForReadiness(t, http.StatusServiceUnavailable, takesNoWrites)
	var data struct{ Me struct{ Email string } }
	if s.graphQL(t, token, `{ me { email } }`, &data); data.Me.Email != demo.Email {
		t.Errorf("a read answered %+v", data)
	}
	status, raw, err := post(s.URL+uploadPath, token, onePair(5000))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("an upload: %d %s %v", status, raw, err)
	}
	status, raw, err = post(s.URL+"/graphql", token, `{"query": "mutation { signOut { ok } }"}`)
	if err != nil || status != http.StatusOK || !strings.Contains(string(raw), `"code":"UNAVAILABLE"`) {
		t.Errorf("a mutation: %d %s %v", status, raw, err)
	}
}
