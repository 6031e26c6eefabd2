package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Cost is what the runs of one statement have cost SQLite. It is counted, not timed: on
// the same rows it is the same every time.
type Cost struct {
	// Runs is how often the statement ran.
	Runs int
	// Steps are the instructions of SQLite's virtual machine, of which each row that is
	// looked at takes some, over all runs.
	Steps int
	// Most is the most Steps of one run.
	Most int
	// Scanned are the rows that a whole table or index was gone through for, and Sorts the
	// sorts, over all runs.
	Scanned, Sorts int
}

// Meter counts what the statements on one SQLite file cost, whoever runs them in this
// process. Its methods may be called from many goroutines.
type Meter struct {
	mu    sync.Mutex
	costs map[string]Cost
}

// Measure counts the statements of all connections to an SQLite file that are opened from
// now on. url is that of the store.
func Measure(t testing.TB, url string) *Meter {
	t.Helper()
	meters.register.Do(func() { sqlite.RegisterConnectionHook(meterConnection) })
	path, _, _ := strings.Cut(strings.TrimPrefix(url, "file:"), "?")
	m := &Meter{costs: map[string]Cost{}}
	meters.byFile.Store(path, m)
	t.Cleanup(func() { meters.byFile.Delete(path) })
	return m
}

// Reset begins to count anew.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.costs)
}

// Costs are those of the distinct statements since the last Reset, by their text.
func (m *Meter) Costs() map[string]Cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.costs)
}

// Total is the cost of all statements since the last Reset.
func (m *Meter) Total() (total Cost) {
	for _, cost := range m.Costs() {
		total.Runs += cost.Runs
		total.Steps += cost.Steps
		total.Most = max(total.Most, cost.Most)
		total.Scanned += cost.Scanned
		total.Sorts += cost.Sorts
	}
	return total
}

// add counts a run of a prepared statement that has ended.
func (m *Meter) add(tls *libc.TLS, statement uintptr) {
	since := func(counter int32) int { return int(sqlite3.Xsqlite3_stmt_status(tls, statement, counter, 1)) }
	text := libc.GoString(sqlite3.Xsqlite3_sql(tls, statement))
	steps := since(sqlite3.SQLITE_STMTSTATUS_VM_STEP)
	scanned, sorts := since(sqlite3.SQLITE_STMTSTATUS_FULLSCAN_STEP), since(sqlite3.SQLITE_STMTSTATUS_SORT)
	m.mu.Lock()
	defer m.mu.Unlock()
	cost := m.costs[text]
	m.costs[text] = Cost{cost.Runs + 1, cost.Steps + steps, max(cost.Most, steps), cost.Scanned + scanned, cost.Sorts + sorts}
}

// meters are those of this process, by file and by connection. The driver has one list of
// hooks for the whole process, and SQLite calls a function with a number and no context.
var meters struct {
	register     sync.Once
	byFile       sync.Map // path to *Meter
	byConnection sync.Map // handle of SQLite, a uintptr, to *Meter
}

// meterConnection asks SQLite to call countRun at the end of each statement of a
// connection to a file that is measured. The driver keeps the handle of SQLite to itself.
func meterConnection(conn sqlite.ExecQuerierContext, dsn string) error {
	path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	found, isMeasured := meters.byFile.Load(path)
	if !isMeasured {
		return nil
	}
	handle := uintptr(reflect.ValueOf(conn).Elem().FieldByName("db").Uint())
	meters.byConnection.Store(handle, found)
	tls := libc.NewTLS()
	defer tls.Close()
	// The translated SQLite takes a function by the word that its Go value holds.
	call := *(*uintptr)(unsafe.Pointer(&struct {
		f func(*libc.TLS, uint32, uintptr, uintptr, uintptr) int32
	}{countRun}))
	if failed := sqlite3.Xsqlite3_trace_v2(tls, handle, sqlite3.SQLITE_TRACE_PROFILE, call, handle); failed != 0 {
		return fmt.Errorf("measure %s: SQLite's error %d", path, failed)
	}
	return nil
}

// countRun is called by SQLite when a statement has run.
func countRun(tls *libc.TLS, _ uint32, handle, statement, _ uintptr) int32 {
	if found, ok := meters.byConnection.Load(handle); ok {
		found.(*Meter).add(tls, statement)
	}
	return 0
}
