// Package apperr is the one error type of the program. The domain returns an [*Error]
// for everything that a client may learn. Any other error that reaches an edge is
// [Internal] there, and its text is only logged, because it may name tables, addresses
// or personal data. It imports the standard library only.
//
// Each edge has one place that writes errors: server/gqlhttp for GraphQL, server/rest
// for the REST surfaces. A test holds every kind to each of them.
package apperr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Kind is one error of the documents: a status, a text and a code.
type Kind uint8

// Error is an error of a kind with what is known of the one case.
type Error struct {
	Kind Kind
	// Field is the path of the input that is wrong, such as "input.serialCode"; empty
	// if it is not one input. GraphQL shows it, the REST pages have no place for it.
	Field string
	// Reason says in a sentence to the developer of an app what is wrong, where kind and
	// field leave that open; empty if they don't. GraphQL shows it, the REST pages have no
	// place for it.
	Reason string

	provider string
	cause    error
	wait     time.Duration
}

// Error gives the detail.
func (e *Error) Error() string { return e.Detail() }

// Unwrap gives the cause, nil if there is none. Edges log it and never send it.
func (e *Error) Unwrap() error { return e.cause }

// Is lets errors.Is compare kinds: errors.Is(err, UserNotFound.New()).
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Kind == e.Kind
}

// Status gives the HTTP status of the kind.
func (e *Error) Status() int { return e.Kind.Status() }

// LogLevel gives the level at which the cause is logged: an error where the program failed,
// and a debug message where it refused the request, which is nobody's business but the
// client's, or where the request failed only because its client hung up.
func (e *Error) LogLevel(ctx context.Context) slog.Level {
	if e.Status() >= 500 && !IsHungUp(ctx, e.cause) {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// Detail gives the text for the client. LUX and Addnox send it as "detail", GraphQL and
// SNUTT as "message".
func (e *Error) Detail() string {
	detail := e.Kind.entry().detail
	if strings.Contains(detail, "%s") {
		return fmt.Sprintf(detail, e.provider)
	}
	return detail
}

// Code gives the code for the client, which GraphQL sends as "extensions.code": the
// detail in capitals, unless the contract names another.
func (e *Error) Code() string {
	if code := e.Kind.entry().code; code != "" {
		return code
	}
	return capitals(e.Detail())
}

// New makes an error of the kind.
func (k Kind) New() *Error { return &Error{Kind: k} }

// WithField makes an error of the kind for one wrong input; see [Error.Field].
func (k Kind) WithField(field string) *Error { return &Error{Kind: k, Field: field} }

// WithReason gives the error with a sentence for the developer of an app; see
// [Error.Reason].
func (e *Error) WithReason(reason string) *Error {
	explained := *e
	explained.Reason = reason
	return &explained
}

// Wrap makes an error of the kind with a cause for the log.
func (k Kind) Wrap(cause error) *Error { return &Error{Kind: k, cause: cause} }

// WithProvider makes an error of a kind whose detail names a provider, such as
// [ProviderTokenInvalid].
func (k Kind) WithProvider(provider string) *Error { return &Error{Kind: k, provider: provider} }

// WithRetryAfter makes an error of the kind that a client may try again after the wait.
func (k Kind) WithRetryAfter(wait time.Duration) *Error { return &Error{Kind: k, wait: wait} }

// RetryAfter gives the wait before a client should try again, 0 if there is none to
// name. It is rounded up to whole seconds, because the Retry-After header of HTTP has no
// smaller unit and an app that comes too early is refused again.
func (e *Error) RetryAfter() time.Duration {
	return (e.wait + time.Second - 1).Truncate(time.Second)
}

// Status gives the HTTP status of the kind.
func (k Kind) Status() int { return k.entry().status }

// IsHungUp reports whether a request failed only because its client hung up. Nobody gets
// that error, and it says nothing against the program.
func IsHungUp(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// From gives the [*Error] in err. An error that holds none becomes [Internal] with err
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

// AtField gives err with the input that it concerns; see [Error.Field]. It is for a caller
// that knows which input of its own led to an error of a function that it shares with others.
// An error that names an input already, or that tells the client nothing, stays as it is.
func AtField(err error, field string) error {
	var known *Error
	if !errors.As(err, &known) || known.Kind == Internal || known.Field != "" {
		return err
	}
	located := *known
	located.Field = field
	return &located
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool {
	var known *Error
	return errors.As(err, &known) && known.Kind == kind
}

// capitals turns "Access denied. Account blocked" into ACCESS_DENIED_ACCOUNT_BLOCKED.
func capitals(text string) string {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
