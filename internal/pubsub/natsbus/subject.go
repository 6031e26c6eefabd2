package natsbus

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"luxbff/internal/pubsub"
)

const (
	prefix        = "luxbff."
	everySessions = prefix + string(pubsub.Sessions) + ".*"
)

// bell is what one message says.
type bell struct {
	topic      pubsub.Topic
	rootUserID int
}

func (b bell) subject() string {
	return prefix + string(b.topic) + "." + strconv.Itoa(b.rootUserID)
}

func feedOf(rootUserID int) string { return bell{pubsub.Feed, rootUserID}.subject() }

// readSubject is false for a subject that no replica writes.
func readSubject(subject string) (bell, bool) {
	topic, id, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
	rootUserID, err := strconv.Atoi(id)
	read := bell{pubsub.Topic(topic), rootUserID}
	return read, err == nil && read.subject() == subject
}

// listen rings what other replicas rang, until Close.
func (b *Bus) listen() {
	for {
		select {
		case message := <-b.heard:
			b.ring(message)
		case <-b.closing:
			return
		}
	}
}

func (b *Bus) ring(message *nats.Msg) {
	heard, ok := readSubject(message.Subject)
	if !ok {
		return
	}
	switch heard.topic {
	case pubsub.Feed:
		b.cfg.Wake(heard.rootUserID)
	case pubsub.Sessions:
		b.cfg.SessionsEnded(heard.rootUserID)
	}
}
