package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"

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
// because the database cannot serve, or is damaged, that is the reason, and not what the
// function made of it: it may have taken the error for a missing row.
func failedWrite(tx *Tx, err error) error {
	if tx != nil && meaningOf(tx.conn.failed) != ours {
		err = tx.conn.failed
	}
	return explain(err)
}

// explain marks the errors of a database that cannot serve, and says in the log of one
// that is damaged what to do. Any other error stays as it is.
func explain(err error) error {
	switch meaningOf(err) {
	case temporary, misconfigured:
		return unavailableError{err}
	case damaged:
		return fmt.Errorf("the database is damaged, so examine it with the doctor and restore the last backup: %w", err)
	}
	return err
}

// meaningOf is that of any error that comes from a statement or a connection. A caller
// that gave up is no error of the database.
func meaningOf(err error) meaning {
	if err == nil || errors.Is(err, context.Canceled) {
		return ours
	}
	var ofSQLite *sqlitedriver.Error
	if errors.As(err, &ofSQLite) {
		return sqliteMeaning(ofSQLite.Code())
	}
	var refused *pgconn.ConnectError
	isRefused := errors.As(err, &refused)
	var ofPostgres *pgconn.PgError
	if errors.As(err, &ofPostgres) {
		found := findPostgresCode(ofPostgres).means
		if isRefused && found == ours {
			// Without a connection no statement has run that could be wrong.
			return misconfigured
		}
		return found
	}
	for _, own := range []error{ErrOutcomeUnknown, ErrFileMoved, ErrReadOnly} {
		if errors.Is(err, own) {
			return temporary
		}
	}
	if isLostConnection(err) {
		return temporary
	}
	if isRefused {
		// A certificate that has expired, for example.
		return misconfigured
	}
	return ours
}

// isLostConnection reports an error of a connection, a statement that took longer than
// its limit, or that none of the servers takes writes, as during a failover.
func isLostConnection(err error) bool {
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, pgconn.ErrReadOnlyConnection) || errors.Is(err, pgconn.ErrStandbyConnection)
}
