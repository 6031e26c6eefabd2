package message

import (
	"luxbff/ent"
	entmessage "luxbff/ent/message"
)

// Status is what has become of a message, as GraphQL spells it.
type Status string

// A message begins as QUEUED. SENT is the last that is learnt of it where its provider says
// no more; FAILED and EXPIRED are its end as DELIVERED is.
const (
	StatusQueued    Status = "QUEUED"
	StatusSent      Status = "SENT"
	StatusDelivered Status = "DELIVERED"
	StatusFailed    Status = "FAILED"
	StatusExpired   Status = "EXPIRED"
)

// StatusOf gives the status of a stored message.
func StatusOf(m *ent.Message) Status {
	switch m.State {
	case entmessage.StatePending:
		return StatusQueued
	case entmessage.StateSent:
		return StatusSent
	case entmessage.StateDelivered:
		return StatusDelivered
	case entmessage.StateDead:
		return StatusFailed
	case entmessage.StateExpired:
		return StatusExpired
	}
	return StatusQueued
}

// Reason says why a message has not arrived, as GraphQL spells it. It is a word of ours,
// because what a provider says may quote the message or its address.
type Reason string

// Whoever sees PROVIDER_UNAVAILABLE of a message that is QUEUED may wait: it is tried again.
const (
	ReasonProviderUnavailable Reason = "PROVIDER_UNAVAILABLE"
	ReasonRefused             Reason = "REFUSED"
	ReasonUncertain           Reason = "UNCERTAIN"
	ReasonNotDelivered        Reason = "NOT_DELIVERED"
	ReasonTooLate             Reason = "TOO_LATE"
)

// ReasonOf gives why a stored message has not arrived, nil of one that has, or of which
// nothing is known yet.
func ReasonOf(m *ent.Message) *Reason {
	var reason Reason
	switch {
	case m.State == entmessage.StateExpired:
		reason = ReasonTooLate
	case m.State == entmessage.StateDead && m.SentAt != nil:
		reason = ReasonNotDelivered
	case m.State == entmessage.StateDead && isUncertain(m):
		reason = ReasonUncertain
	case m.State == entmessage.StateDead && m.Attempts < maxAttempts:
		reason = ReasonRefused
	case m.State == entmessage.StateDead, m.State == entmessage.StatePending && m.LastError != nil:
		reason = ReasonProviderUnavailable
	default:
		return nil
	}
	return &reason
}

// HasEnded reports whether nothing more is to be learnt of a stored message.
func HasEnded(m *ent.Message) bool {
	return m.State != entmessage.StatePending && (m.State != entmessage.StateSent || m.CheckAt == nil)
}
