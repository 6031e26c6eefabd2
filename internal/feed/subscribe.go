package feed

import (
	"context"
	"sync"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/pubsub"
	"luxbff/internal/viewer"
)

const (
	// batchSize is how many events one read loads.
	batchSize = 16
	// queueSize is how many events may wait for the transport to take them. Every
	// subscription holds this room for as long as it lives, so it is small.
	queueSize = 4
)

// SubscribeParams say which events a subscriber wants.
type SubscribeParams struct {
	// ChildUserID restricts the feed to one child; nil is all children.
	ChildUserID *int
	// After is the cursor of the last event that the client has dealt with.
	After *string
	// InstallationID names the installation of the app, 1 to 64 printable ASCII
	// characters. Without After the feed resumes behind the last event that the
	// installation has acknowledged.
	//
	// With neither of the two the feed starts with the next event.
	InstallationID *string
	// Claims are those of the viewer's token where the database has not been asked yet
	// whether they still open the account: Subscribe asks then. Nil where it was.
	Claims *token.Claims
}

// Subscribe returns a channel with the account's events as they happen, after a
// replay of what the client missed. It ends with ctx. The channel is closed when
// the child that it is filtered to is deleted, and with the error CursorExpired
// when the next events were pruned before they were read.
//
// No goroutine waits while nothing happens, which saves each subscription a stack of
// 2 KB or more (docs/performance.md has what one costs in all). A notification starts a short
// one, which reads the new events, puts them on the channel and notifies the
// transport, which learns each event's cursor as well.
//
// Errors: BadRequest, RealUserNotFound, NotAuthorizedUser, CursorNotValid,
// CursorExpired.
func (s *Service) Subscribe(ctx context.Context, v viewer.Viewer, p SubscribeParams) (<-chan *Event, error) {
	if p.InstallationID != nil && !validInstallationID(*p.InstallationID) {
		return nil, apperr.BadRequest.WithField("installationId")
	}
	sub := &subscriber{service: s, viewer: v, childUserID: p.ChildUserID, events: make(chan *Event, queueSize), draining: true}
	sub.ctx, sub.subscription = ctx, pubsub.SubscriptionFrom(ctx)
	sub.subscription.EnableNotify()
	// Notifications are asked for before the start point is read: an event between
	// the two is then notified at least once.
	unsubscribe := s.hub.Subscribe(v.RootUserID(), sub.notify)
	missed, err := sub.start(p)
	if err != nil {
		unsubscribe()
		return nil, err
	}
	// The poll looks for deleted children; one that goes before this line is found by the
	// next.
	if p.ChildUserID != nil {
		s.childFilters.add(*p.ChildUserID, v.RootUserID())
	}
	s.subscribers.Add(1)
	sub.subscription.OnClose(func() {
		unsubscribe()
		if sub.childUserID != nil {
			s.childFilters.remove(*sub.childUserID)
		}
		s.subscribers.Add(-1)
	})
	sub.begin(missed) //nolint:contextcheck // events are delivered for as long as the subscription lives
	return sub.events, nil
}

// Subscribers counts the subscribers that have a start point: each of them will get
// every event from now on.
func (s *Service) Subscribers() int { return int(s.subscribers.Load()) }

// subscriber is the feed's side of one subscription. At most one goroutine drains it at
// a time, and that one alone uses lastSeq and sends to events.
type subscriber struct {
	service      *Service
	viewer       viewer.Viewer
	childUserID  *int
	events       chan *Event
	subscription *pubsub.Subscription // the transport's side
	//nolint:containedctx // the subscription's own: it outlives the call that made it.
	ctx     context.Context
	lastSeq int64 // all events up to it are delivered, or not for this subscriber
	// replayEnd is the newest event at the start. Those up to it are a replay.
	replayEnd int64

	mu sync.Mutex
	// draining is true from the beginning: what finds the start point is the first drain.
	draining bool
	again    bool // a notification came while draining
	ended    bool
}

// start finds the start point, and the first of the events after it. From its return on no
// event is missed.
func (sub *subscriber) start(p SubscribeParams) (missed []eventRow, err error) {
	s := sub.service
	from, missed, err := sub.findStart(p)
	if err != nil {
		return nil, err
	}
	if from.recovered {
		sub.subscription.MarkRecovered()
	}
	if p.InstallationID != nil {
		key := newResumeKey(sub.viewer, p)
		sub.subscription.OnAck(func(cursor string) { s.acks.addCursor(key, cursor) })
	}
	sub.lastSeq, sub.replayEnd = from.seq, from.newest
	return missed, nil
}

// begin delivers the events that were read with the start point and goes on from there.
// Where there are none and no notification came meanwhile, nothing is read again: the
// events of another replica, whose notification may have come too early, are looked for
// when the bus has the subscription.
func (sub *subscriber) begin(missed []eventRow) {
	if len(missed) > 0 || !sub.stopDraining() {
		go sub.drain(missed)
	}
}

// notify says that there may be new events. It starts one drain, or has the running
// one look once more. It never blocks, because the goroutine that committed the
// events calls it for all subscribers of the account.
func (sub *subscriber) notify() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	switch {
	case sub.ended:
	case sub.draining:
		sub.again = true
	default:
		sub.draining = true
		go sub.drain(nil)
	}
}

// drain delivers events until there are no more, beginning with those that were read
// already.
func (sub *subscriber) drain(missed []eventRow) {
	for {
		more, err := sub.deliverNext(missed)
		missed = nil
		switch {
		case apperr.Is(err, apperr.RealUserNotFound):
			// The child that the feed is filtered to is deleted: nothing can follow.
			sub.end()
			return
		case apperr.Is(err, apperr.CursorExpired):
			sub.subscription.Fail(err)
			sub.end()
			return
		case err != nil && sub.ctx.Err() == nil:
			sub.service.log.ErrorContext(sub.ctx, "read the feed; the next notification tries again", "error", err)
		}
		if !more && sub.stopDraining() {
			return
		}
	}
}

// stopDraining marks the drain as over and returns true, unless a notification came
// meanwhile, whose events the last read may have missed.
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
	close(sub.events)
	sub.subscription.Notify()
}

// deliverNext delivers one batch, which it reads if none is given. More reports that the
// batch was full, so that others may wait behind it.
func (sub *subscriber) deliverNext(missed []eventRow) (more bool, err error) {
	if len(missed) > 0 {
		rows, err := sub.service.completeRows(sub.ctx, sub.viewer, missed)
		if err != nil {
			return false, err
		}
		return sub.deliverBatch(rows, sub.replayEnd)
	}
	s, rootUserID := sub.service, sub.viewer.RootUserID()
	covered := sub.lastSeq
	var of *ent.ChildUser
	if sub.childUserID != nil {
		// Rights are checked whenever events are sent, not only at the start.
		if of, err = s.children.Get(sub.ctx, sub.viewer, *sub.childUserID); err != nil {
			return false, err
		}
		// Events of other children aren't delivered here, but they count as passed:
		// otherwise this feed would seem to have lost them once they are pruned.
		bounds, err := readBounds(sub.ctx, s.store.Read(), rootUserID)
		if err != nil {
			return false, err
		}
		covered = bounds.newest
	}
	batch, err := sub.readBatch(of)
	if err != nil {
		return false, err
	}
	if err := sub.checkNonePruned(batch); err != nil {
		return false, err
	}
	return sub.deliverBatch(batch, covered)
}

// readBatch reads the next events of one child or of all (nil). Those of all are the same
// for every subscription of the account, so one that ends meanwhile must not break off the
// read of the others.
func (sub *subscriber) readBatch(of *ent.ChildUser) ([]eventRow, error) {
	s := sub.service
	if of != nil {
		return s.readEvents(sub.ctx, sub.viewer, of, sub.lastSeq)
	}
	if err := sub.ctx.Err(); err != nil {
		return nil, err
	}
	ctx := context.WithoutCancel(sub.ctx)
	return s.sharedReads.do(readKey{sub.viewer.RootUserID(), sub.lastSeq}, func() ([]eventRow, error) {
		return s.readEvents(ctx, sub.viewer, nil, sub.lastSeq)
	})
}

// deliverBatch delivers a batch. All events up to covered are in it if it isn't full.
func (sub *subscriber) deliverBatch(batch []eventRow, covered int64) (more bool, err error) {
	for _, row := range batch {
		if row.child == nil {
			// The child was deleted a moment ago, and its events with it: none is shown.
			sub.lastSeq = row.Seq
			continue
		}
		if err := sub.deliver(row); err != nil {
			return false, err
		}
	}
	if len(batch) < batchSize {
		sub.lastSeq = max(sub.lastSeq, covered)
	}
	return len(batch) == batchSize, nil
}

// checkNonePruned returns CursorExpired if events between the last delivered one
// and the batch were pruned. A missing number alone doesn't prove that: the events
// of a deleted child leave gaps. The account's floor does.
func (sub *subscriber) checkNonePruned(batch []eventRow) error {
	if len(batch) > 0 && batch[0].Seq == sub.lastSeq+1 {
		return nil // nothing is missing, which saves a statement
	}
	bounds, err := readBounds(sub.ctx, sub.service.store.Read(), sub.viewer.RootUserID())
	if err != nil {
		return err
	}
	if sub.lastSeq < bounds.floor {
		return apperr.CursorExpired.New()
	}
	return nil
}

// deliver puts the event on the channel and waits for room on it until the
// subscription ends.
func (sub *subscriber) deliver(row eventRow) error {
	event := newEvent(row, sub.childUserID)
	sub.subscription.SetNextCursor(event.Cursor)
	select {
	case sub.events <- event:
	case <-sub.ctx.Done():
		return sub.ctx.Err()
	}
	sub.lastSeq = row.Seq
	sub.subscription.Notify()
	if row.Seq > sub.replayEnd {
		sub.service.onDelivered(sub.service.clock().Sub(row.OccurredAt))
	}
	return nil
}
