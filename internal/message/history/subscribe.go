package history

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/pubsub"
	"luxbff/internal/viewer"
)

const (
	// followed is how many of an account's newest messages a subscription follows. What
	// becomes of a message is known long before as many others are written.
	followed = 32
	// queueSize is how many messages may wait for the transport to take them.
	queueSize = 4
)

// SubscribeParams say which messages a subscriber wants to follow.
type SubscribeParams struct {
	// ID is of one message; nil follows all of the account.
	ID *int
}

// Subscribe returns a channel with each of the viewer's messages whose status has changed,
// a new one among them, as it stands then: of two changes at once the last is given alone. A
// subscription to one message begins with it as it stands, and the channel is closed once
// nothing more is to be learnt of it. It ends with ctx.
//
// As in the feed, no goroutine waits while nothing happens: a notification starts one that
// reads the messages.
//
// Errors: MessageNotFound, NotAuthorizedUser.
func (s *Service) Subscribe(ctx context.Context, v viewer.Viewer, p SubscribeParams) (<-chan *Message, error) {
	sub := &subscriber{service: s, rootUserID: v.RootUserID(), messages: make(chan *Message, queueSize), seen: map[int]message.Status{}}
	if p.ID != nil {
		if err := s.checkOwner(ctx, sub.rootUserID, *p.ID); err != nil {
			return nil, err
		}
		sub.only = *p.ID
	}
	sub.ctx, sub.subscription = ctx, pubsub.SubscriptionFrom(ctx)
	sub.subscription.EnableNotify()
	// Notifications are asked for before the messages are read: a change between the two is
	// then notified of at least once.
	unsubscribe := s.hub.Subscribe(sub.rootUserID, sub.notify)
	if err := sub.start(); err != nil {
		unsubscribe()
		return nil, err
	}
	unregister := s.register(sub)
	sub.subscription.OnClose(func() {
		unsubscribe()
		unregister()
	})
	sub.notify()
	return sub.messages, nil
}

// checkOwner refuses a message that is not the account's.
func (s *Service) checkOwner(ctx context.Context, rootUserID, id int) error {
	row, err := s.store.Read().Message.Query().Where(entmessage.ID(id)).Select(entmessage.FieldID, entmessage.FieldRootUserID).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return apperr.MessageNotFound.WithField("id")
	case err != nil:
		return fmt.Errorf("find a message: %w", err)
	case row.RootUserID == nil || *row.RootUserID != rootUserID:
		return apperr.NotAuthorizedUser.WithField("id")
	}
	return nil
}

// subscriber is this side of one subscription. At most one goroutine drains it at a time,
// and that one alone uses seen and sends to messages.
type subscriber struct {
	service      *Service
	rootUserID   int
	only         int // the one message that is followed, 0 for all
	messages     chan *Message
	subscription *pubsub.Subscription // the transport's side
	//nolint:containedctx // the subscription's own: it outlives the call that made it.
	ctx context.Context
	// seen is the status that the subscriber knows of each message that is followed.
	seen map[int]message.Status

	mu       sync.Mutex
	started  bool
	draining bool
	again    bool // a notification came while draining
	ended    bool
	// waits is set while a message that is followed has not ended, and newest is the newest
	// one that was read: by them a poll knows who may have missed something.
	waits  bool
	newest int
}

// start takes the messages of an account as known: what is given is what changes from then
// on. Of one message nothing is known yet.
func (sub *subscriber) start() error {
	if sub.only == 0 {
		rows, err := sub.read()
		if err != nil {
			return err
		}
		for _, row := range rows {
			sub.seen[row.ID] = message.StatusOf(row)
		}
		sub.keepForPoll(rows)
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.started = true
	return nil
}

// read reads the messages that are followed, the newest last.
func (sub *subscriber) read() ([]*ent.Message, error) {
	query := sub.service.store.Read().Message.Query().Where(entmessage.RootUserID(sub.rootUserID))
	if sub.only != 0 {
		query.Where(entmessage.ID(sub.only))
	}
	rows, err := query.Order(ent.Desc(entmessage.FieldID)).Limit(followed).Select(shownColumns()...).All(sub.ctx)
	if err != nil {
		return nil, fmt.Errorf("read the messages that are followed: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}

// keepForPoll keeps of what was read what a poll goes by.
func (sub *subscriber) keepForPoll(rows []*ent.Message) {
	waits := slices.ContainsFunc(rows, func(row *ent.Message) bool { return !message.HasEnded(row) })
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.waits = waits
	if len(rows) > 0 {
		sub.newest = rows[len(rows)-1].ID
	}
}

// hasMissed reports whether the subscriber may have missed something, where newest is the
// newest message of its account.
func (sub *subscriber) hasMissed(newest int) bool {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.waits || sub.only == 0 && newest > sub.newest
}

// notify says that a message may have changed. It starts one drain, or has the running one
// look once more. It never blocks: who committed the change calls it.
func (sub *subscriber) notify() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	switch {
	case !sub.started || sub.ended:
	case sub.draining:
		sub.again = true
	default:
		sub.draining = true
		go sub.drain()
	}
}

// drain delivers what has changed until nothing has.
func (sub *subscriber) drain() {
	for {
		hasEnded, err := sub.deliverChanged()
		switch {
		case err != nil && sub.ctx.Err() == nil:
			sub.service.log.ErrorContext(sub.ctx, "read what became of messages; the next notification tries again", "error", err)
		case hasEnded:
			sub.end()
			return
		}
		if sub.stopDraining() {
			return
		}
	}
}

// stopDraining marks the drain as over and returns true, unless a notification came
// meanwhile, whose change the last read may have missed.
func (sub *subscriber) stopDraining() bool {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.again {
		sub.again = false
		return false
	}
	sub.draining = false
	return true
}

// end completes the subscription by closing its channel.
func (sub *subscriber) end() {
	sub.mu.Lock()
	sub.ended = true
	sub.mu.Unlock()
	close(sub.messages)
	sub.subscription.Notify()
}

// deliverChanged delivers the messages whose status is another than the subscriber knows. It
// reports whether the one that is followed has ended, or is there no more.
func (sub *subscriber) deliverChanged() (hasEnded bool, err error) {
	rows, err := sub.read()
	if err != nil {
		return false, err
	}
	sub.keepForPoll(rows)
	known := sub.seen
	sub.seen = make(map[int]message.Status, len(rows))
	for _, row := range rows {
		status := message.StatusOf(row)
		sub.seen[row.ID] = status
		if known[row.ID] == status {
			continue
		}
		select {
		case sub.messages <- newMessage(row):
		case <-sub.ctx.Done():
			return false, sub.ctx.Err()
		}
		sub.subscription.Notify()
	}
	return sub.only != 0 && (len(rows) == 0 || message.HasEnded(rows[0])), nil
}
