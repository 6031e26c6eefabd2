package feed

import (
	"context"
	"fmt"
	"sync"

	"luxbff/internal/background"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// ackBatch is how many resume points one write moves.
const ackBatch = 100

// acks collects acknowledged events whose resume points are not saved yet, of each
// resume point the highest. One goroutine saves them together: otherwise each upload
// would cause one more write for every installation that listens. The worst that a
// lost ack does is an event that is sent twice.
//
// Of each account it keeps as many as that has resume points: an ack may name any
// installation, and nobody looks before it is saved whether there is such a one.
type acks struct {
	mu        sync.Mutex
	pending   map[resumeKey]int64
	ofAccount map[int]int // how many are pending
	added     background.Signal
}

func newAcks() acks {
	return acks{pending: map[resumeKey]int64{}, ofAccount: map[int]int{}, added: background.NewSignal()}
}

// add never blocks: transports call it on the goroutine that reads the socket.
func (a *acks) add(key resumeKey, seq int64) {
	if a.keep(key, seq) {
		a.added.Notify()
	}
}

// keep is false for one more than an account may have pending.
func (a *acks) keep(key resumeKey, seq int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, isPending := a.pending[key]
	if !isPending {
		if a.ofAccount[key.rootUserID] >= maxResumePoints {
			return false
		}
		a.ofAccount[key.rootUserID]++
	}
	a.pending[key] = max(before, seq)
	return true
}

// addCursor is add for the cursor of a delivered event.
func (a *acks) addCursor(key resumeKey, cursor string) {
	if c, err := parseCursor(cursor); err == nil {
		a.add(key, c.seq)
	}
}

// takeBatch removes and returns at most ackBatch acks.
func (a *acks) takeBatch() map[resumeKey]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	batch := map[resumeKey]int64{}
	for key, seq := range a.pending {
		if len(batch) == ackBatch {
			break
		}
		batch[key] = seq
		delete(a.pending, key)
		if a.ofAccount[key.rootUserID]--; a.ofAccount[key.rootUserID] == 0 {
			delete(a.ofAccount, key.rootUserID)
		}
	}
	return batch
}

// Acknowledge takes the client's word that it has received the event of this cursor
// and all before it, in the feed that the cursor is from. Clients say it by a header
// of requests that are about something else (docs/live.md, "Going on after a
// break"), so a cursor that makes no sense is ignored and no error is returned. The
// resume point is saved soon after.
func (s *Service) Acknowledge(_ context.Context, v viewer.Viewer, installationID, cursor string) {
	c, err := parseCursor(cursor)
	if err != nil || c.rootUserID != v.RootUserID() || !validInstallationID(installationID) {
		return
	}
	s.acks.add(resumeKey{v.RootUserID(), installationID, c.childUserID}, c.seq)
}

// saveAcksUntilDone saves acks as they come until ctx ends, and those that came by
// then, even where it ends before this begins.
func (s *Service) saveAcksUntilDone(ctx context.Context) {
	for ended := false; !ended; {
		select {
		case <-s.acks.added:
		case <-ctx.Done():
			ended = true
		}
		// The end of ctx must not break off the last save.
		if err := s.SaveAcks(context.WithoutCancel(ctx)); err != nil {
			s.log.ErrorContext(ctx, "save resume points of the feed; their events will be sent again", "error", err)
		}
	}
}

// SaveAcks moves the resume points of all acknowledged events, in small batches so
// that no upload waits long behind one. A batch that fails is dropped: its events
// will be sent again.
func (s *Service) SaveAcks(ctx context.Context) error {
	for {
		batch := s.acks.takeBatch()
		if len(batch) == 0 {
			return nil
		}
		err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for key, seq := range batch {
				if err := s.resumePoints.advance(ctx, tx, key, seq); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("advance %d resume points: %w", len(batch), err)
		}
	}
}
