package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"luxbff/internal/apperr"
)

// TestPostgresCodes holds every row of the table, and what is in none.
func TestPostgresCodes(t *testing.T) {
	t.Parallel()
	const stalePlan = "RevalidateCachedQuery"
	tests := []struct {
		code, routine string
		means         meaning
		again         bool
	}{
		{code: "08000", means: temporary},
		{code: "08006", means: temporary},
		{code: "08P01", means: temporary},
		{code: "0A000", routine: stalePlan, means: temporary, again: true},
		{code: "0A000", routine: "transformStmt", means: ours},
		{code: "22001", means: ours},
		{code: "23502", means: ours},
		{code: "23503", means: ours},
		{code: "23505", means: ours, again: true},
		{code: "23514", means: ours},
		{code: "25001", means: ours},
		{code: "25006", means: temporary},
		{code: "25P02", means: ours},
		{code: "25P03", means: temporary},
		{code: "25P04", means: temporary},
		{code: "26000", means: ours},
		{code: "28000", means: misconfigured},
		{code: "28P01", means: misconfigured},
		{code: "3D000", means: misconfigured},
		{code: "40001", means: temporary, again: true},
		{code: "40P01", means: temporary, again: true},
		{code: "42501", means: misconfigured},
		{code: "42601", means: ours},
		{code: "42703", means: ours},
		{code: "42P01", means: ours},
		{code: "53000", means: temporary},
		{code: "53100", means: temporary},
		{code: "53200", means: temporary},
		{code: "53300", means: temporary},
		{code: "53400", means: temporary},
		{code: "54001", means: ours},
		{code: "55000", means: ours},
		{code: "55P03", means: temporary},
		{code: "57014", means: temporary},
		{code: "57P01", means: temporary},
		{code: "57P02", means: temporary},
		{code: "57P03", means: temporary},
		{code: "57P04", means: temporary},
		{code: "57P05", means: temporary},
		{code: "58000", means: temporary},
		{code: "58030", means: temporary},
		{code: "58P01", means: temporary},
		{code: "P0001", means: ours},
		{code: "XX000", means: ours},
		{code: "XX001", means: damaged},
		{code: "XX002", means: damaged},
	}
	held := map[string]bool{}
	for _, tc := range tests {
		failed := &pgconn.PgError{Code: tc.code, Routine: tc.routine}
		row := findPostgresCode(failed)
		if row.means != tc.means || row.again != tc.again || meaningOf(fmt.Errorf("wrapped: %w", failed)) != tc.means {
			t.Errorf("%s %s is %+v, want %+v", tc.code, tc.routine, row, tc)
		}
		held[row.code] = true
		checkExplained(t, tc.code, failed, tc.means)
	}
	for _, row := range postgresCodes() {
		if !held[row.code] {
			t.Errorf("no case holds the row %+v", row)
		}
	}
}

// TestSQLiteCodes holds every primary code of SQLite, and some extended ones.
func TestSQLiteCodes(t *testing.T) {
	t.Parallel()
	tests := map[int]meaning{
		sqlite3.SQLITE_ERROR: ours, sqlite3.SQLITE_INTERNAL: ours, sqlite3.SQLITE_PERM: misconfigured,
		sqlite3.SQLITE_ABORT: ours, sqlite3.SQLITE_BUSY: temporary, sqlite3.SQLITE_LOCKED: temporary,
		sqlite3.SQLITE_NOMEM: temporary, sqlite3.SQLITE_READONLY: misconfigured, sqlite3.SQLITE_INTERRUPT: ours,
		sqlite3.SQLITE_IOERR: temporary, sqlite3.SQLITE_CORRUPT: damaged, sqlite3.SQLITE_NOTFOUND: ours,
		sqlite3.SQLITE_FULL: temporary, sqlite3.SQLITE_CANTOPEN: misconfigured, sqlite3.SQLITE_PROTOCOL: temporary,
		sqlite3.SQLITE_EMPTY: ours, sqlite3.SQLITE_SCHEMA: temporary, sqlite3.SQLITE_TOOBIG: ours,
		sqlite3.SQLITE_CONSTRAINT: ours, sqlite3.SQLITE_MISMATCH: ours, sqlite3.SQLITE_MISUSE: ours,
		sqlite3.SQLITE_NOLFS: ours, sqlite3.SQLITE_AUTH: ours, sqlite3.SQLITE_FORMAT: ours,
		sqlite3.SQLITE_RANGE: ours, sqlite3.SQLITE_NOTADB: damaged,

		sqlite3.SQLITE_BUSY_SNAPSHOT: temporary, sqlite3.SQLITE_BUSY_RECOVERY: temporary, sqlite3.SQLITE_LOCKED_SHAREDCACHE: temporary,
		sqlite3.SQLITE_IOERR_FSYNC: temporary, sqlite3.SQLITE_IOERR_WRITE: temporary, sqlite3.SQLITE_IOERR_SHORT_READ: temporary,
		sqlite3.SQLITE_IOERR_NOMEM: temporary, sqlite3.SQLITE_READONLY_DBMOVED: misconfigured, sqlite3.SQLITE_READONLY_DIRECTORY: misconfigured,
		sqlite3.SQLITE_CANTOPEN_ISDIR: misconfigured, sqlite3.SQLITE_CORRUPT_INDEX: damaged, sqlite3.SQLITE_CONSTRAINT_UNIQUE: ours,
		sqlite3.SQLITE_ABORT_ROLLBACK: ours,
	}
	for code := sqlite3.SQLITE_ERROR; code <= sqlite3.SQLITE_NOTADB; code++ {
		if _, known := tests[code]; !known {
			t.Errorf("no case holds the code %d", code)
		}
	}
	for code, want := range tests {
		if got := sqliteMeaning(code); got != want {
			t.Errorf("%d means %d, want %d", code, got, want)
		}
	}
}

// TestErrorsOfConnections holds what is no error of a statement. Without a connection no
// statement can be wrong, so each reason for that is one that ends.
func TestErrorsOfConnections(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		means meaning
	}{
		"nothing":                          {nil, ours},
		"any other error":                  {errors.New("other"), ours},
		"the caller gave up":               {fmt.Errorf("read: %w", context.Canceled), ours},
		"the caller's canceled statement":  {errors.Join(context.Canceled, &pgconn.PgError{Code: "57014"}), ours},
		"a limit has passed":               {fmt.Errorf("read: %w", context.DeadlineExceeded), temporary},
		"the network":                      {&net.OpError{Op: "dial", Err: io.EOF}, temporary},
		"the end of a connection":          {io.ErrUnexpectedEOF, temporary},
		"a file that was moved":            {ErrFileMoved, temporary},
		"a database that is read-only":     {ErrReadOnly, temporary},
		"an outcome that is unknown":       {ErrOutcomeUnknown, temporary},
		"no server that takes writes":      {fmt.Errorf("connect: %w", pgconn.ErrReadOnlyConnection), temporary},
		"no primary":                       {fmt.Errorf("connect: %w", pgconn.ErrStandbyConnection), temporary},
		"PostgreSQL is starting":           {refusedConnection{&pgconn.PgError{Code: "57P03"}}, temporary},
		"a database that lets nobody in":   {refusedConnection{&pgconn.PgError{Code: "55000"}}, misconfigured},
		"a login that does not exist":      {refusedConnection{&pgconn.PgError{Code: "28000"}}, misconfigured},
		"a reason that is in no table":     {refusedConnection{&pgconn.PgError{Code: "XX000"}}, misconfigured},
		"a certificate that is not proven": {refusedConnection{errors.New("x509: certificate has expired")}, misconfigured},
	} {
		if got := meaningOf(tc.err); got != tc.means {
			t.Errorf("%s means %d, want %d", name, got, tc.means)
		}
		checkExplained(t, name, tc.err, tc.means)
	}
}

// checkExplained holds what becomes of an error at the edges of the store.
func checkExplained(t *testing.T, name string, err error, means meaning) {
	t.Helper()
	explained := explain(err)
	kind := apperr.Internal
	if means == temporary || means == misconfigured {
		kind = apperr.Unavailable
	}
	if err == nil {
		if explained != nil {
			t.Errorf("%s became %v", name, explained)
		}
		return
	}
	if got := apperr.From(explained); got.Kind != kind || !errors.Is(explained, err) {
		t.Errorf("%s became %v, want a %v that wraps it", name, got, kind.New())
	}
	const advice = "restore the last backup"
	if text := apperr.Describe(explained); (means == damaged) != strings.Contains(text, advice) {
		t.Errorf("the log says of %s: %s", name, text)
	}
}

// refusedConnection is the error of a connection that could not be made, as the driver
// would give it for this reason.
type refusedConnection struct{ reason error }

func (e refusedConnection) Error() string { return "refused: " + e.reason.Error() }

func (e refusedConnection) Unwrap() error { return e.reason }

func (e refusedConnection) As(target any) bool {
	refused, ok := target.(**pgconn.ConnectError)
	if ok {
		*refused = &pgconn.ConnectError{}
	}
	return ok
}
