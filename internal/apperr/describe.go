package apperr

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Text is an error whose text stands in the program and so holds nothing that was sent:
// [Describe] repeats it.
type Text string

// Error gives the text.
func (t Text) Error() string { return string(t) }

// Describe says for the log what an error is, without anything that was sent. Errors of
// libraries quote what they could not read, or whom they could not reach: of those only
// the types are named. Repeated are the texts of [Text], of well-known values such as
// io.EOF, of SQLite (which names tables and columns and no values), the SQLSTATE of
// PostgreSQL, and of a wrapping error (fmt.Errorf with %w) the words before what it wraps.
// An error may have a method LogText, whose text is repeated as it is.
func Describe(err error) string {
	if err == nil {
		return ""
	}
	if text, known := knownText(err); known {
		return text
	}
	switch wrapping := err.(type) { //nolint:errorlint // the chain is walked here
	case *Error:
		return join(wrapping.Code(), Describe(wrapping.cause))
	case interface{ Unwrap() error }:
		return join(prefix(err, wrapping.Unwrap()), Describe(wrapping.Unwrap()))
	case interface{ Unwrap() []error }:
		var parts []string
		for _, part := range wrapping.Unwrap() {
			parts = append(parts, Describe(part))
		}
		return strings.Join(parts, "; ")
	}
	return fmt.Sprintf("%T", err)
}

// DescribePanic says for the log what a panic was about. Its value may be a row, or a text
// that quotes one, so only errors are described.
func DescribePanic(value any) string {
	if err, ok := value.(error); ok {
		return Describe(err)
	}
	return fmt.Sprintf("%T", value)
}

// knownText is the text of an error that cannot hold anything that was sent.
func knownText(err error) (string, bool) {
	switch known := err.(type) { //nolint:errorlint // a wrapping error has a text of its own
	case interface{ LogText() string }:
		return known.LogText(), true
	case Text:
		return string(known), true
	case runtime.Error:
		return known.Error(), true
	case syscall.Errno:
		return known.Error(), true
	case interface{ SQLState() string }:
		return fmt.Sprintf("%T: SQLSTATE %s", err, known.SQLState()), true
	case interface{ Code() int }:
		if fmt.Sprintf("%T", err) == "*sqlite.Error" {
			return err.Error(), true
		}
	}
	if slices.Contains(wellKnown(), err) {
		return err.Error(), true
	}
	// These libraries keep some of their errors to themselves, such as that of a closed
	// database and that of a wrong password.
	text := err.Error()
	isConstant := strings.HasPrefix(text, "sql: ") || strings.HasPrefix(text, "nats: ")
	return text, isConstant && fmt.Sprintf("%T", err) == "*errors.errorString" && isPlain(text)
}

func wellKnown() []error {
	return []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrNoProgress,
		net.ErrClosed, os.ErrDeadlineExceeded, os.ErrNotExist, os.ErrExist, os.ErrPermission, os.ErrClosed,
		sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn,
	}
}

// prefix is what a wrapping error says before the text of the wrapped one, if these are
// plain words of fmt.Errorf, and the type of the error otherwise.
func prefix(err, wrapped error) string {
	kind := fmt.Sprintf("%T", err)
	if wrapped == nil || kind != "*fmt.wrapError" {
		return kind
	}
	before, found := strings.CutSuffix(err.Error(), wrapped.Error())
	if before = strings.TrimRight(before, ": "); !found || !isPlain(before) {
		return kind
	}
	return before
}

// isPlain holds for words without digits, quotes or the signs of an address.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(" ,:;-", r)
	})
}

func join(before, after string) string {
	if before == "" || after == "" {
		return before + after
	}
	return before + ": " + after
}
