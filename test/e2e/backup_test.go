package e2e_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestBackupUnderLoad backs up a running server during 64 concurrent uploads and
// restores the backup elsewhere: what was acknowledged before the backup began is
// in it, and no upload by half.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	const uploaders = 64
	folder := t.TempDir()
	live, backup, restored := filepath.Join(folder, "live.db"), filepath.Join(folder, "backup.db"), filepath.Join(folder, "restored.db")
	s := startOnFile(t, live)
	token := s.signIn(t)
	acknowledged := newLedger()
	var uploads sync.WaitGroup
	for range uploaders {
		uploads.Go(func() { acknowledged.upload(s, token) })
	}
	acknowledged.waitForLen(t, 200)
	before := acknowledged.copy()
	if out, err := command(t, live, "backup", backup).CombinedOutput(); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	acknowledged.waitForLen(t, acknowledged.len()+20)
	out, err := command(t, live, "restore", backup).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is there already") {
		t.Errorf("restored over the running server: %v\n%s", err, out)
	}
	s.Kill()
	uploads.Wait()

	if out, err := command(t, restored, "restore", backup).CombinedOutput(); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	s = startOnFile(t, restored)
	before.check(t, s, s.signIn(t))
	t.Logf("%d records were acknowledged before the backup began, %d in the end", before.len(), acknowledged.len())
}
