package e2e_test

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
)

// TestKilledServerKeepsWhatItAcknowledged kills the program with SIGKILL during
// 64 concurrent uploads and starts it again on the same file, ten times. Every
// record whose upload was acknowledged must be stored, and none twice.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	const rounds, uploaders = 10, 64
	file := filepath.Join(t.TempDir(), "kill.db")
	acknowledged := newLedger()
	for range rounds {
		s := startOnFile(t, file)
		token := s.signIn(t)
		acknowledged.check(t, s, token)
		before := acknowledged.len()
		var uploads sync.WaitGroup
		for range uploaders {
			uploads.Go(func() { acknowledged.upload(s, token) })
		}
		acknowledged.waitForLen(t, before+20+rand.IntN(100))
		s.Kill()
		uploads.Wait()
	}
	s := startOnFile(t, file)
	acknowledged.check(t, s, s.signIn(t))
	t.Logf("%d records were acknowledged over %d kills", acknowledged.len(), rounds)
}
