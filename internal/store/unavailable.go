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
// Its text is that of its cause, for the log; to a client it is an apperr.Unavailable.
type unavailableError struct{ cause error }

// Error is the text of the cause.
func (e unavailableError) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e unavailableError) Unwrap() error { return e.cause }

// As gives it as an *apperr.Error. A method and no wrapped error, as the text must stay
// the cause's.
func (e unavailableError) As(target any) bool {
	known, ok := target.(**apperr.Error)
	if ok {
		*known = apperr.Unavailable.Wrap(e.cause)
	}
	return ok
}

// failedWrite is the error of a write that stored nothing. Where a statement failed
// because the database cannot serve, that is the reason, and not what the function made
// of it: it may have taken the error for a missing row.
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

// isUnavailable reports whether a later try may succeed: the disk is full or
// read-only, others hold a lock, or the server was lost, is starting, stopping or
// overloaded. A caller that gave up is none of them.
func isUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var ofSQLite *sqlitedriver.Error
	if errors.As(err, &ofSQLite) {
		const primary = 0xff // the bits above it only say more about the same error
		return slices.Contains(sqliteUnavailable(), ofSQLite.Code()&primary)
	}
	var ofPostgres *pgconn.PgError
	if errors.As(err, &ofPostgres) {
		return slices.ContainsFunc(postgresUnavailable(), func(class string) bool { return strings.HasPrefix(ofPostgres.Code, class) })
	}
	return errors.Is(err, ErrOutcomeUnknown) || isLostConnection(err)
}

// isLostConnection reports an error of a connection, or a statement that took longer
// than its limit.
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

// postgresUnavailable lists codes and, by their first characters, classes of codes
// (PostgreSQL, appendix A): connections, resources as a full disk, a server that stops
// or starts, and one that only reads.
func postgresUnavailable() []string { return []string{"08", "53", "57P", "25006"} }
