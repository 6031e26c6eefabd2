// Package apperr is the one error type. The domain returns a *fault.Error for
// everything a client may be told; whatever else reaches an edge is Internal
// there, its cause in the log alone. It imports the standard library only.
package apperr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is one documented error: a status and a detail of the pages.
type Kind uint8

// Error is a Kind on its way to a client. Field is the input path at fault, as
// "input.serialCode", where one input is. Cause is for the log and never shown.
type Error struct {
	Kind  Kind
	Field string
	arg   string
	cause error
	after time.Duration
}

// Error is the documented detail.
func (e *Error) Error() string { return e.Detail() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, fault.X.Err()) compare kinds.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Kind == e.Kind
}

// Status is the documented HTTP status.
func (e *Error) Status() int { return e.Kind.Status() }

// Detail is the documented text, the same on every surface that has no text of
// its own.
func (e *Error) Detail() string {
	detail := e.Kind.entry().detail
	if strings.Contains(detail, "%s") {
		return fmt.Sprintf(detail, e.arg)
	}
	return detail
}

// Code is the detail in capitals, or the name the contract gives it.
func (e *Error) Code() string {
	if code := e.Kind.entry().code; code != "" {
		return code
	}
	return capitals(e.Detail())
}

// New makes an error of the kind.
func (k Kind) New() *Error { return &Error{Kind: k} }

// WithField makes an error of the kind with the input path at fault.
func (k Kind) WithField(field string) *Error { return &Error{Kind: k, Field: field} }

// Wrap makes an error of the kind whose cause goes to the log.
func (k Kind) Wrap(cause error) *Error { return &Error{Kind: k, cause: cause} }

// WithProvider makes an error of a kind whose detail names a provider.
func (k Kind) WithProvider(provider string) *Error { return &Error{Kind: k, arg: provider} }

// WithRetryAfter makes an error of the kind that is over when the time has passed.
func (k Kind) WithRetryAfter(wait time.Duration) *Error { return &Error{Kind: k, after: wait} }

// RetryAfter is when to try again, in whole seconds; 0 where nobody knows.
func (e *Error) RetryAfter() time.Duration {
	return (e.after + time.Second - 1).Truncate(time.Second)
}

// Status is the documented HTTP status.
func (k Kind) Status() int { return k.entry().status }

// From finds the *Error in err; an error that holds none is Internal, with err
// as its cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return Internal.Wrap(err)
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool {
	var known *Error
	return errors.As(err, &known) && known.Kind == kind
}

func capitals(text string) string {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
