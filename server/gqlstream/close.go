package gqlstream

import (
	"fmt"
	"net/http"
	"time"

	"luxbff/internal/apperr"
)

// The close codes that a client of a socket may see, with their reasons;
// docs/live.md lists them for clients. 4400 to 4429 are those of the
// graphql-transport-ws protocol, except 4410, 4411 and 4426, which are our own; the
// others are RFC 6455's.
const (
	CodeGoingAway      = 1001 // the server stops: "Restarting, retry in N ms"
	CodeMessageTooBig  = 1009 // "Message is too big"
	CodeInternal       = 1011 // a panic in a hook; its cause is in the log
	CodeTryAgainLater  = 1013 // Init failed for a reason that isn't the client's
	CodeBadMessage     = 4400 // malformed or unknown message; the reason says how
	CodeUnauthorized   = 4401 // an operation before connection_ack: "Unauthorized"
	CodeForbidden      = 4403 // Init or Renew refused, token expired, session ended: the error's detail
	CodeNoSubprotocol  = 4406 // "Subprotocol not acceptable"
	CodeInitTimeout    = 4408 // "Connection initialisation timeout"
	CodeDuplicateID    = 4409 // "Subscriber for ID already exists"
	CodeSlowReader     = 4410 // the client doesn't read what is sent: "Slow reader"
	CodeTooManySockets = 4411 // the account's limit of connections: "Too many sockets"
	CodeUpgradeNeeded  = 4426 // Init refused the version of the app: "Upgrade required"
	CodeTooManyInits   = 4429 // "Too many initialisation requests"
)

// CloseReason is why the server ends a connection. A socket shows Code and Text. A
// stream over HTTP, which has no codes, shows Err or says when to come back.
type CloseReason struct {
	Code       int
	Text       string
	Err        error
	RetryAfter time.Duration
}

// ReasonFor is the reason for an error of Init or Renew, or for one by which a
// session ends: 4403 with the error's detail, 4426 for a version of an app that is
// refused, or 1013 where the error is the server's and not the client's.
func ReasonFor(err error) CloseReason {
	known := apperr.From(err)
	if known.Status() >= http.StatusInternalServerError {
		return CloseReason{Code: CodeTryAgainLater, Text: known.Detail(), Err: err}
	}
	if known.Kind == apperr.UpgradeRequired {
		return CloseReason{Code: CodeUpgradeNeeded, Text: known.Detail(), Err: err}
	}
	return CloseReason{Code: CodeForbidden, Text: known.Detail(), Err: err}
}

// goingAway is the reason of a server that stops.
func goingAway(retryAfter time.Duration) CloseReason {
	text := fmt.Sprintf("Restarting, retry in %d ms", retryAfter.Milliseconds())
	return CloseReason{Code: CodeGoingAway, Text: text, RetryAfter: retryAfter}
}
