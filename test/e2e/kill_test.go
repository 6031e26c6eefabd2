package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKilledServerKeepsWhatItAcknowledged kills the program with SIGKILL during
// 64 concurrent uploads and starts it again on the same file, ten times. Every
// record whose upload was answered must be there, once, and no other twice.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	const rounds, uploaders = 10, 64
	file := filepath.Join(t.TempDir(), "kill.db")
	acknowledged := newLedger()
	for range rounds {
		b := startBinary(t, file)
		token := b.signIn(t)
		acknowledged.check(t, b, token)
		before := acknowledged.len()
		var uploads sync.WaitGroup
		for range uploaders {
			uploads.Go(func() { acknowledged.upload(b, token) })
		}
		acknowledged.wait(t, before+20+rand.IntN(100))
		b.Kill()
		uploads.Wait()
	}
	b := startBinary(t, file)
	acknowledged.check(t, b, b.signIn(t))
	t.Logf("%d records were acknowledged over %d kills", acknowledged.len(), rounds)
}

// ledger is what the server said it has stored, by log_file_id. Each upload has
// two records, an even number and the odd one after it.
type ledger struct {
	mu    sync.Mutex
	next  int
	files map[int]bool
}

func newLedger() *ledger { return &ledger{files: map[int]bool{}} }

func (l *ledger) take() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next += 2
	return 1000 + l.next
}

// soFar is the ledger as it stands.
func (l *ledger) soFar() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{next: l.next, files: maps.Clone(l.files)}
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files)
}

// record is one log of the demo family's first child.
const record = `{"real_user_id": 1, "device_id": 1, "unique_id": "5b0d2c56-0e0f-4b4e-9d57-6a0d7c1f0001",
	"detail_data": {"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60},
	"log_file_id": %d}`

// onePair is an upload of two records.
func onePair(file int) string {
	return fmt.Sprintf(`{"log_arrays": [`+record+`, `+record+`]}`, file, file+1)
}

// upload sends one pair of new logs after the other until the server is gone.
func (l *ledger) upload(b *binary, token string) {
	for {
		file := l.take()
		status, _, err := post(b.URL+"/api/v1/lux/device/devlog", token, onePair(file))
		if err != nil || status != http.StatusOK {
			return
		}
		l.add(file, file+1)
	}
}

func (l *ledger) add(files ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, file := range files {
		l.files[file] = true
	}
}

// wait waits until n records are acknowledged.
func (l *ledger) wait(t *testing.T, n int) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	tooLong := time.After(time.Minute)
	for l.len() < n {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("only %d of %d records were acknowledged", l.len(), n)
		}
	}
}

// check reads the whole history: what was acknowledged is there, once, and no
// upload by half.
func (l *ledger) check(t *testing.T, b *binary, token string) {
	t.Helper()
	stored := map[int]int{}
	after := ""
	for {
		var data struct {
			ChildUser struct {
				Device  struct{ LastLogFileID int }
				Devlogs struct {
					Edges    []struct{ Node struct{ LogFileID int } }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		b.graphQL(t, token, `{ childUser(id: 1) { device { lastLogFileId } devlogs(first: 100`+after+
			`) { edges { node { logFileId } } pageInfo { hasNextPage endCursor } } } }`, &data)
		for _, e := range data.ChildUser.Devlogs.Edges {
			stored[e.Node.LogFileID]++
		}
		page := data.ChildUser.Devlogs.PageInfo
		if !page.HasNextPage {
			break
		}
		after = fmt.Sprintf(", after: %q", page.EndCursor)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []string
	for file := range l.files {
		if stored[file] == 0 {
			missing = append(missing, fmt.Sprint(file))
		}
	}
	if len(missing) > 0 {
		t.Errorf("acknowledged and lost: %s", strings.Join(missing, " "))
	}
	for file, n := range stored {
		if n > 1 {
			t.Errorf("log file %d is stored %d times", file, n)
		}
		if file > 1000 && stored[file^1] == 0 {
			t.Errorf("log file %d is stored and %d of the same upload is not", file, file^1)
		}
	}
}
