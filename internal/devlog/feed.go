package devlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlogevent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/pubsub"
	"luxbff/internal/viewer"
)

// Kept is how long an event stays in the feed.
const Kept = 7 * 24 * time.Hour

// feedBatch is how many events one read brings; feedQueue, how many wait for a
// reader, room for which every subscription keeps.
const (
	feedBatch = 16
	feedQueue = 4
)

// Event is one change of a devlog, as it is told to the account.
type Event struct {
	Cursor     string
	Change     vocab.DevlogChange
	OccurredAt time.Time
	Devlog     *ent.Devlog
	Device     *ent.Device
}

// FeedParams say which events a subscriber wants: those of one child, those
// after a cursor, or those that an installation of the app is not known to have
// received. With neither of the last two the feed begins now.
type FeedParams struct {
	ChildUserID    *int
	After          *string
	InstallationID *string
}

// Feed gives the account's events as they happen until ctx ends, or until the
// child it is filtered to is gone, which closes the channel. Nothing runs while
// nothing happens: the hub wakes a short goroutine, which reads the events after
// the last one told, puts them on the channel, and notifies the subscription of ctx.
// Each event is named by its cursor. A feed whose next events
// were pruned ends with CursorExpired. Errors: BadRequest, RealUserNotFound,
// NotAuthorizedUser, CursorNotValid, CursorExpired.
func (s *Service) Feed(ctx context.Context, v viewer.Viewer, p FeedParams) (<-chan *Event, error) {
	if p.InstallationID != nil && !isInstallation(*p.InstallationID) {
		return nil, apperr.BadRequest.WithField("installationId")
	}
	if p.ChildUserID != nil {
		if _, err := s.children.Get(ctx, v, *p.ChildUserID); err != nil {
			return nil, err
		}
	}
	f := &feed{service: s, viewer: v, childUserID: p.ChildUserID, events: make(chan *Event, feedQueue)}
	f.ctx, f.subscription = ctx, pubsub.SubscriptionFrom(ctx)
	f.subscription.EnableNotify()
	// The bell is watched before the place is taken: an event between the two
	// rings at least once.
	stop := s.watch(f)
	if err := f.start(p); err != nil {
		stop()
		return nil, err
	}
	f.subscription.OnClose(stop)
	f.poke()
	return f.events, nil
}

// Feeds counts the feeds that have their place: they will tell of every event
// from now on.
func (s *Service) Feeds() int { return int(s.feeds.Load()) }

// watch has the feed woken by the account's bell.
func (s *Service) watch(f *feed) (stop func()) {
	silence := s.hub.Watch(f.viewer.RootUserID(), f.poke)
	if f.childUserID != nil {
		s.filtered.enter(*f.childUserID, f.viewer.RootUserID())
	}
	return func() {
		silence()
		f.leave()
	}
}

// leave is called once, whether the feed had its place or not.
func (f *feed) leave() {
	if f.childUserID != nil {
		f.service.filtered.leave(*f.childUserID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		f.service.feeds.Add(-1)
	}
}

// feed is one subscriber. Its drain goroutine alone touches last and the
// sending side of events.
type feed struct {
	service      *Service
	viewer       viewer.Viewer
	childUserID  *int
	events       chan *Event
	subscription *pubsub.Subscription
	//nolint:containedctx // the subscription's own: it outlives the call that made it.
	ctx  context.Context
	last int64
	// head was the newest event when the feed began: those up to it are a replay.
	head int64

	mu       sync.Mutex
	ready    bool // last is set
	draining bool
	again    bool // a bell rang while draining
	ended    bool
}

// start takes the place from which the feed goes on.
func (f *feed) start(p FeedParams) error {
	from, err := f.service.begin(f.ctx, f.viewer, p)
	if err != nil {
		return err
	}
	if from.recovered {
		f.subscription.MarkRecovered()
	}
	if p.InstallationID != nil {
		reader := readerOf(f.viewer, p)
		f.subscription.OnAck(func(cursor string) { f.service.confirmed(reader, cursor) })
	}
	f.last, f.head = from.seq, from.newest
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready = true
	f.service.feeds.Add(1)
	return nil
}

// poke starts the drain goroutine, or makes the running one look once more.
func (f *feed) poke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.ready || f.ended:
	case f.draining:
		f.again = true
	default:
		f.draining = true
		go f.drain()
	}
}

// drain tells what has come since, until nothing more has.
func (f *feed) drain() {
	for {
		more, err := f.tell()
		if f.over(err) {
			return
		}
		if err != nil && f.ctx.Err() == nil {
			f.service.log.ErrorContext(f.ctx, "read the feed; the next bell tries again", "error", err)
		}
		if !more && f.rest() {
			return
		}
	}
}

// over ends the feed where the error is its end: a child that is gone completes
// it, events that are gone end it with the error.
func (f *feed) over(err error) bool {
	switch {
	case apperr.Is(err, apperr.RealUserNotFound):
	case apperr.Is(err, apperr.CursorExpired):
		f.subscription.Fail(err)
	default:
		return false
	}
	f.end()
	return true
}

// rest ends the drain unless a bell rang meanwhile.
func (f *feed) rest() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.again {
		f.again = false
		return false
	}
	f.draining = false
	return true
}

// end closes the channel: the subscription completes.
func (f *feed) end() {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	close(f.events)
	f.subscription.Notify()
}

// tell reads one batch and hands it over. More says that the batch was full.
func (f *feed) tell() (more bool, err error) {
	covered := f.last
	if f.childUserID != nil {
		if _, err := f.service.children.Get(f.ctx, f.viewer, *f.childUserID); err != nil {
			return false, err
		}
		// What the others do moves this feed on, though it tells nothing of it.
		now, err := f.service.stand(f.ctx, f.service.store.Read(), f.viewer.RootUserID())
		if err != nil {
			return false, err
		}
		covered = now.newest
	}
	batch, err := f.service.events(f.ctx, f.viewer.RootUserID(), f.childUserID, f.last)
	if err != nil {
		return false, err
	}
	if err := f.noneMissing(batch); err != nil {
		return false, err
	}
	for _, e := range batch {
		if err := f.hand(e); err != nil {
			return false, err
		}
	}
	if len(batch) < feedBatch {
		f.last = max(f.last, covered)
	}
	return len(batch) == feedBatch, nil
}

// noneMissing refuses a batch that doesn't follow on the last event told because
// those between were pruned. A deleted child leaves a hole that is none.
func (f *feed) noneMissing(batch []*told) error {
	if len(batch) > 0 && batch[0].Seq == f.last+1 {
		return nil
	}
	now, err := f.service.stand(f.ctx, f.service.store.Read(), f.viewer.RootUserID())
	if err != nil {
		return err
	}
	if f.last < now.floor {
		return apperr.CursorExpired.New()
	}
	return nil
}

func (f *feed) hand(e *told) error {
	event := f.service.shown(e, f.childUserID)
	f.subscription.SetNextCursor(event.Cursor)
	select {
	case f.events <- event:
		f.last = e.Seq
		f.subscription.Notify()
		if e.Seq > f.head {
			f.service.onTold(f.service.clock().Sub(e.OccurredAt))
		}
		return nil
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

// events reads what came after a place, with the devices as they stand, in two
// statements.
func (s *Service) events(ctx context.Context, rootUserID int, childUserID *int, after int64) ([]*told, error) {
	query := s.store.Read().DevlogEvent.Query().
		Where(devlogevent.RootUserID(rootUserID), devlogevent.SeqGT(after)).
		Order(ent.Asc(devlogevent.FieldSeq)).Limit(feedBatch)
	if childUserID != nil {
		query.Where(devlogevent.ChildUserID(*childUserID))
	}
	found, err := query.All(ctx)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]int, len(found))
	for i, e := range found {
		ids[i] = e.DeviceID
	}
	devices, err := s.store.Read().Device.Query().Where(device.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	batch := make([]*told, len(found))
	for i, e := range found {
		batch[i] = &told{DevlogEvent: e}
		for _, d := range devices {
			if d.ID == e.DeviceID {
				batch[i].device = d
			}
		}
	}
	return batch, nil
}

// told is an event with the device it is about, as that stands now.
type told struct {
	*ent.DevlogEvent
	device *ent.Device
}

// shown makes of a stored event what the subscriber sees, of all children or of
// one: the log and the device's number as they were then.
func (s *Service) shown(e *told, childUserID *int) *Event {
	d := child.Moved(e.device, e.RootUserID)
	if e.device.ChildUserID != nil && *e.device.ChildUserID == e.ChildUserID {
		own := *e.device
		d = &own
	}
	d.LastLogFileID = e.LastLogFileID
	log := &ent.Devlog{
		ID: e.DevlogID, RootUserID: e.RootUserID, ChildUserID: e.ChildUserID, DeviceID: e.DeviceID,
		Status: e.Status, FinishFlag: e.FinishFlag, TreatmentDate: e.TreatmentDate,
		LastIntensity: e.LastIntensity, TreatmentTime: e.TreatmentTime, LogFileID: e.LogFileID,
		CreatedAt: e.DevlogCreatedAt, UpdatedAt: e.OccurredAt,
	}
	log.Edges.Device = d
	place := cursor{rootUserID: e.RootUserID, seq: e.Seq, occurredAt: e.OccurredAt}
	if childUserID != nil {
		place.childUserID = *childUserID
	}
	return &Event{
		Cursor:     place.String(),
		Change:     e.Change,
		OccurredAt: e.OccurredAt,
		Devlog:     log,
		Device:     d,
	}
}
