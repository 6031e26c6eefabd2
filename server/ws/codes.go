package ws

import (
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"luxbff/internal/apperr"
)

// The close codes a client may see, with their reasons. 4400 to 4429 are those
// of the graphql-transport-ws page; 4410 and 4411 are our own; the others are
// RFC 6455's.
const (
	CodeGoingAway      = 1001 // the server stops: "Restarting, retry in N ms"
	CodeMessageTooBig  = 1009 // "Message is too big"
	CodeInternal       = 1011 // a panic in a hook; its cause is in the log
	CodeTryAgainLater  = 1013 // Init failed for a reason that isn't the client's
	CodeBadMessage     = 4400 // malformed or unknown message; the reason says how
	CodeUnauthorized   = 4401 // an operation before connection_ack: "Unauthorized"
	CodeForbidden      = 4403 // Init or Renew refused, token expired, session ended: the fault's detail
	CodeNoSubprotocol  = 4406 // "Subprotocol not acceptable"
	CodeInitTimeout    = 4408 // "Connection initialisation timeout"
	CodeDuplicateID    = 4409 // "Subscriber for ID already exists"
	CodeSlowReader     = 4410 // the client doesn't read what is sent: "Slow reader"
	CodeTooManySockets = 4411 // the user's socket limit: "Too many sockets"
	CodeTooManyInits   = 4429 // "Too many initialisation requests"
)

// maxReason is what a close frame can carry beside its code.
const maxReason = 123

// clip shortens a close reason to what a frame can carry, between runes.
func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	end := maxReason
	for end > 0 && !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// ending is why the server ends a connection. A socket shows the code and the
// reason; an HTTP stream, which has no codes, shows err or says when to return.
type ending struct {
	code   int
	reason string
	err    error
	retry  time.Duration
}

// refusal is the ending for an error of Init, Renew or the registry's callers.
func refusal(err error) ending {
	known := apperr.From(err)
	if known.Status() >= http.StatusInternalServerError {
		return ending{code: CodeTryAgainLater, reason: known.Detail(), err: err}
	}
	return ending{code: CodeForbidden, reason: known.Detail(), err: err}
}

// goingAway is the ending for a server that stops.
func goingAway(retry time.Duration) ending {
	reason := fmt.Sprintf("Restarting, retry in %d ms", retry.Milliseconds())
	return ending{code: CodeGoingAway, reason: reason, retry: retry}
}
