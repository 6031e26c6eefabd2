package natsbus

import "luxbff/internal/pubsub"

// receiveUntilClosed passes on what other replicas notify of, until Close.
func (b *Bus) receiveUntilClosed() {
	for {
		select {
		case message := <-b.received:
			b.receive(message.Subject)
		case <-b.closing:
			return
		}
	}
}

// receive ignores a subject that no replica writes.
func (b *Bus) receive(subject string) {
	n, ok := parseSubject(subject)
	if !ok {
		return
	}
	switch n.topic {
	case pubsub.Feed:
		b.cfg.OnFeed(n.rootUserID)
	case pubsub.Messages:
		b.cfg.OnMessages(n.rootUserID)
	case pubsub.Sessions:
		b.cfg.OnSessionsEnded(n.rootUserID)
	}
}
