package store

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"
)

// meaning is what an error of a database says to whoever got it.
type meaning uint8

const (
	// ours is an error of the statement or of its data. It goes to the caller as it is.
	ours meaning = iota
	// temporary is the error of a database that cannot serve now and may later.
	temporary
	// misconfigured is answered as temporary is, because the client can do nothing
	// else about it, and it ends without a restart when an operator mends a login, a right
	// or a name. A start does not wait for that.
	misconfigured
	// damaged is lost data. Trying again doesn't help, so clients are not asked to.
	damaged
)

// postgresCode is one row of the table of SQLSTATEs: a code, or the two or three
// characters with which a class of codes begins.
type postgresCode struct {
	code string
	// routine names the one place in PostgreSQL's source that means the row where a code
	// has many causes; empty for all.
	routine string
	means   meaning
	// again says that the same transaction may succeed at once when it runs again.
	again bool
}

// postgresCodes is the table of SQLSTATEs (PostgreSQL, appendix A). The first row that
// fits counts. What is not in it is ours: syntax, missing tables and columns, data,
// constraints, and what a statement asks for that PostgreSQL hasn't.
func postgresCodes() []postgresCode {
	return []postgresCode{
		// The connection was lost or could not be made.
		{code: "08", means: temporary},
		// A kept statement whose columns a migration has changed meanwhile. The driver forgets it
		// with this error, and prepares it anew.
		{code: "0A000", routine: "RevalidateCachedQuery", means: temporary, again: true},
		// A row that another transaction has stored since this one looked for it. The transaction
		// finds it the second time; the same violation then is one of its own.
		{code: uniqueViolation, means: ours, again: true},
		// The server is a standby, or an operator or a provider has set it read-only, as with a
		// disk that is nearly full.
		{code: readOnlyTransaction, means: temporary},
		// idle_in_transaction_session_timeout and transaction_timeout have ended the session.
		{code: "25P03", means: temporary},
		{code: "25P04", means: temporary},
		// The login was dropped, locked or given another password, or pg_hba.conf refuses it.
		{code: "28", means: misconfigured},
		// The database was renamed or dropped.
		{code: "3D000", means: misconfigured},
		// Serialization failures and deadlocks with other transactions.
		{code: "40", means: temporary, again: true},
		// Rights were taken away, or the tables were restored under another owner.
		{code: "42501", means: misconfigured},
		// The disk is full, memory or connections are used up.
		{code: "53", means: temporary},
		// lock_timeout: somebody holds a lock for longer than the operator allows to wait for it.
		{code: "55P03", means: temporary},
		// The server stops, starts or has crashed, an operator has ended the session, or
		// statement_timeout the statement.
		{code: "57", means: temporary},
		// The server's own disk or files fail.
		{code: "58", means: temporary},
		// Pages of a table or of an index are corrupted.
		{code: "XX001", means: damaged},
		{code: "XX002", means: damaged},
	}
}

// findPostgresCode gives the row for an error; one that is ours where there is none.
func findPostgresCode(err *pgconn.PgError) postgresCode {
	for _, row := range postgresCodes() {
		if strings.HasPrefix(err.Code, row.code) && (row.routine == "" || row.routine == err.Routine) {
			return row
		}
	}
	return postgresCode{}
}

// sqliteMeaning is the table of SQLite's primary codes. The bits above the primary code
// only say more about the same error.
func sqliteMeaning(code int) meaning {
	const primary = 0xff
	switch code & primary {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_SCHEMA:
		// Another program holds the lock of the file, or changes the schema at this moment.
		return temporary
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM:
		// The disk is full or fails, or there is no memory.
		return temporary
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		// The file, its folder or the file system is read-only, or belongs to another user.
		return misconfigured
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged
	}
	// Constraints, texts that are no SQL, values that are too big, and misuse of the
	// library. Nothing interrupts a statement (SQLITE_INTERRUPT), so that is ours, too.
	return ours
}
