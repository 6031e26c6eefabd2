package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"luxbff/internal/apperr"
)

// unavailableError is an error of a database that cannot serve now and may later.
// It reads as its cause, for the log, and is a apperr.Unavailable to a client.
type unavailableError struct{ cause error }

// Error is the cause's.
func (e unavailableError) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e unavailableError) Unwrap() error { return e.cause }

// As makes it the fault that it is.
func (e unavailableError) As(target any) bool {
	known, ok := target.(**apperr.Error)
	if ok {
		*known = apperr.Unavailable.Wrap(e.cause)
	}
	return ok
}

// failedWrite is the error of a write that stored nothing. A statement that met
// an unavailable database is the reason, not what the function made of it.
func failedWrite(tx *Tx, err error) error {
	if tx != nil && isUnavailable(tx.conn.failed) {
		return unavailableError{tx.conn.failed}
	}
	return unavailable(err)
}

// unavailable marks the errors of a database that cannot serve.
func unavailable(err error) error {
	if isUnavailable(err) {
		return unavailableError{err}
	}
	return err
}

// isUnavailable knows a full or read-only disk, a lock that others hold, and a
// database that was lost, is starting, stopping or overloaded. A caller that gave
// up is none of them.
func isUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var ofSQLite *sqlitedriver.Error
	if errors.As(err, &ofSQLite) {
		const primary = 0xff // what stands above it says more about the same
		return slices.Contains(sqliteUnavailable(), ofSQLite.Code()&primary)
	}
	var ofPostgres *pgconn.PgError
	if errors.As(err, &ofPostgres) {
		return slices.ContainsFunc(postgresUnavailable(), func(class string) bool { return strings.HasPrefix(ofPostgres.Code, class) })
	}
	return errors.Is(err, ErrOutcomeUnknown) || isLostConnection(err)
}

// isLostConnection knows the errors of a connection, and of a statement that
// came to no end in its time.
func isLostConnection(err error) bool {
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func sqliteUnavailable() []int {
	return []int{
		sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
	}
}

// postgresUnavailable lists codes and classes of codes (PostgreSQL, appendix A):
// connections, resources as a full disk, a server that stops or starts, and one
// that only reads.
func postgresUnavailable() []string { return []string{"08", "53", "57P", "25006"} }
