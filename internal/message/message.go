// Package message sends what goes out to people: push, SMS, Alimtalk, e-mail. A
// message is a row written in the transaction that causes it, at once a durable
// job and the record of what was sent. It imports ent, internal/store and
// internal/background; it must not import the domain, which decides what is said.
package message

import (
	"context"
	"slices"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
)

// ErrNoSender is given for a channel that nothing serves: nothing is stored.
var ErrNoSender = apperr.Text("message: no sender for the channel")

// errNoPurpose is a mistake of the caller: whoever may see a message sees what it is about.
var errNoPurpose = apperr.Text("message: it has no purpose")

// ErrPermanent is wrapped by a Sender's error when trying again is of no use, as for
// an address that does not exist.
var ErrPermanent = apperr.Text("message: refused for good")

// ErrUncertain is wrapped by a Sender's error when the provider may have taken the message
// nevertheless, as one that went silent once it had it. Such a message is tried once more
// and no third time: its recipient gets it twice at most.
var ErrUncertain = apperr.Text("message: it may have been taken")

// LaterError is a Sender's error of a provider that says when to come back.
type LaterError struct {
	// After is how long to leave the provider alone.
	After time.Duration
	Err   error
}

// Error is the text of the error that it wraps.
func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap gives the error that it wraps.
func (e *LaterError) Unwrap() error { return e.Err }

// ErrGone is wrapped by a Sender's error when the address reaches nobody any more, as the
// token of an app that was removed. Trying again is of no use, as after ErrPermanent, and no
// other message should be sent there.
var ErrGone = apperr.Text("message: the address reaches nobody any more")

// Message is one thing to send.
type Message struct {
	Channel entmessage.Channel
	Purpose entmessage.Purpose
	// To is an E.164 phone, an e-mail address or a push token.
	To string
	// Title is the subject of an e-mail or the title of a push; SMS and Alimtalk have none.
	Title string
	Text  string
	// HTML is the other part of an e-mail. Empty: the text alone is sent.
	HTML string
	// RootUserID is the account that the message is for; nil for a phone about to sign
	// up.
	RootUserID *int
	// DedupKey names the intent: a second message with the same key is not
	// stored. Empty means no such check.
	DedupKey string
	// ExpiresAt is from when on it is of no use, as a code that no longer serves: it is not
	// sent then. The zero time is never.
	ExpiresAt time.Time
	// Quotas are what the message is counted for beside its channel, each as many messages of
	// one action name them. Where one is used up, the change is refused.
	Quotas []Quota
	// Beyond is what becomes of it when its channel has had its day's messages.
	Beyond Beyond
	// IsDeletedOnceSent leaves no record of the message once it is sent or given up: for the
	// last one to an account that is deleted. In development it stays, as texts do.
	IsDeletedOnceSent bool
}

// IsSecret reports whether messages of a purpose may hold a code or a link that lets
// somebody in: their texts are shown to nobody, and kept no longer than they are needed.
// Those of a purpose that is not known are.
func IsSecret(purpose *entmessage.Purpose) bool {
	return purpose == nil || !slices.Contains([]entmessage.Purpose{
		entmessage.PurposeImpedanceAlert, entmessage.PurposeFaultyContacts, entmessage.PurposeNewSignIn, entmessage.PurposeTest,
	}, *purpose)
}

// Accepted is what a provider says of a message that it has taken.
type Accepted struct {
	// Provider is its name, as solapi.
	Provider string
	// ID is by what the provider knows the message; empty where it gives none.
	ID string
	// CheckAfter is when to ask the provider first what became of the message. 0 is for one
	// that can't be asked.
	CheckAfter time.Duration
}

// Sender hands a message to a provider. It is called again for a message
// whose outcome got lost, so id is for providers that can recognise a repeat.
type Sender interface {
	Send(ctx context.Context, id int, m Message) (Accepted, error)
}
