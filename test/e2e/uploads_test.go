package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/testutil"
)

// ledger keeps which records the server has acknowledged, by log_file_id. Each
// upload has two records, an even number and the odd one after it, so that an upload
// that was stored by half is found.
type ledger struct {
	mu    sync.Mutex
	next  int
	files map[int]bool
}

func newLedger() *ledger { return &ledger{files: map[int]bool{}} }

func (l *ledger) nextPair() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next += 2
	return 1000 + l.next
}

// copy is the ledger as it is now.
func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{next: l.next, files: maps.Clone(l.files)}
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files)
}

// onePair is an upload of two records.
func onePair(file int) string {
	return fmt.Sprintf(`{"log_arrays": [`+record+`, `+record+`]}`, file, file+1)
}

// upload uploads one pair of new records after the other until one isn't
// acknowledged.
func (l *ledger) upload(s *server, token string) {
	for {
		file := l.nextPair()
		status, _, err := post(s.URL+uploadPath, token, onePair(file))
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

// waitForLen waits until n records are acknowledged.
func (l *ledger) waitForLen(t *testing.T, n int) {
	t.Helper()
	testutil.WaitFor(t, fmt.Sprintf("%d records are acknowledged", n), func() bool { return l.len() >= n })
}

// check reads the child's whole history: each acknowledged record is stored once,
// and no upload by half.
func (l *ledger) check(t *testing.T, s *server, token string) {
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
		s.graphQL(t, token, `{ childUser(id: 1) { device { lastLogFileId } devlogs(first: 100`+after+
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
