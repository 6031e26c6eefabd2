package message

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	entmessage "luxbff/ent/message"
)

// script is what the sandbox does with the messages to an address: an answer that providers
// give, so that an app can be tried with each.
type script string

const (
	// taken is every other address: the message is sent, and no more is learnt of it.
	taken script = ""
	// delivered has it arrive after a few seconds.
	delivered script = "delivered"
	// refused has the provider refuse it for good, as for a number that does not exist.
	refused script = "refused"
	// rateLimited has the provider ask to come back later, once.
	rateLimited script = "rate limited"
	// unavailable has no provider answer, ever.
	unavailable script = "unavailable"
	// unreachable has the provider take it, and say later that it reaches nobody.
	unreachable script = "unreachable"
	// unregistered is a push token that no phone has any more.
	unregistered script = "unregistered"
)

const (
	// scriptedPhones are the numbers with a script; the digits of it follow. No subscriber
	// has one.
	scriptedPhones = "+82100000"
	// sandboxPause is the pause that the sandbox asks for, and the time that a message takes.
	sandboxPause = 3 * time.Second
)

// scriptOf gives what happens to messages to an address. docs/operating.md, "The sandbox",
// lists them.
func scriptOf(channel entmessage.Channel, to string) script {
	byDigits := map[string]script{
		"0001": refused, "0002": rateLimited, "0003": unavailable, "0004": unreachable, "0005": delivered,
	}
	byWord := map[string]script{
		"refused": refused, "ratelimited": rateLimited, "unavailable": unavailable, "unreachable": unreachable, "delivered": delivered,
	}
	switch channel {
	case entmessage.ChannelSms:
		// Where an Alimtalk reaches nobody, the SMS in its place is what arrives.
		if digits, isScripted := strings.CutPrefix(to, scriptedPhones); isScripted && byDigits[digits] != unreachable {
			return byDigits[digits]
		}
	case entmessage.ChannelAlimtalk:
		if digits, isScripted := strings.CutPrefix(to, scriptedPhones); isScripted {
			return byDigits[digits]
		}
	case entmessage.ChannelEmail:
		if word, isScripted := strings.CutSuffix(to, "@sandbox.invalid"); isScripted {
			return byWord[word]
		}
	case entmessage.ChannelPush:
		if rest, isScripted := strings.CutPrefix(to, "sandbox-"); isScripted {
			word, _, _ := strings.Cut(rest, "-")
			if word == "unregistered" {
				return unregistered
			}
			return byWord[word]
		}
	}
	return taken
}

// Development gives a Sender for every channel that sends nothing: GET /dev/outbox and the
// page /dev/ show the messages. Some addresses have a script.
func Development(log *slog.Logger) map[entmessage.Channel]Sender {
	sender := &developmentSender{log: log, limited: map[int]struct{}{}}
	return map[entmessage.Channel]Sender{
		entmessage.ChannelPush:     sender,
		entmessage.ChannelSms:      sender,
		entmessage.ChannelAlimtalk: sender,
		entmessage.ChannelEmail:    sender,
	}
}

type developmentSender struct {
	log *slog.Logger

	mu sync.Mutex
	// limited are the messages that have to come back.
	limited map[int]struct{}
}

// Send does what the script of the address says. For all others it logs that a message would
// have gone out. Its address is personal data and its text may hold a code, so neither is
// logged.
func (s *developmentSender) Send(ctx context.Context, id int, m Message) (Accepted, error) {
	accepted := Accepted{Provider: "development"}
	switch does := scriptOf(m.Channel, m.To); does {
	case refused:
		return Accepted{}, fmt.Errorf("sandbox: %s: %w", does, ErrPermanent)
	case unregistered:
		return Accepted{}, fmt.Errorf("sandbox: %s: %w", does, ErrGone)
	case unavailable:
		return Accepted{}, fmt.Errorf("sandbox: %s", does)
	case rateLimited:
		if s.isFirstTry(id) {
			return Accepted{}, &LaterError{After: sandboxPause, Err: fmt.Errorf("sandbox: %s", does)}
		}
	case unreachable, delivered:
		accepted.ID, accepted.CheckAfter = string(does), sandboxPause
	case taken:
	}
	s.log.InfoContext(ctx, "message sent in development", "channel", m.Channel, "id", id)
	return accepted, nil
}

// isFirstTry reports whether a message is here for the first time; at the second it is
// forgotten.
func (s *developmentSender) isFirstTry(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, isKnown := s.limited[id]
	if isKnown {
		delete(s.limited, id)
	} else {
		s.limited[id] = struct{}{}
	}
	return !isKnown
}

// Check gives the end that the script of the address has for a message.
func (*developmentSender) Check(_ context.Context, accepted Accepted) (Result, error) {
	if script(accepted.ID) == unreachable {
		return Result{Outcome: Failed, Code: string(unreachable)}, nil
	}
	return Result{Outcome: Delivered}, nil
}
