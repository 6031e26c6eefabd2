package devlog

import (
	"context"
	"fmt"
	"sync"

	"luxbff/ent/feedposition"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// saveBatch is how many positions one write raises.
const saveBatch = 100

// receipts are confirmed events whose positions have not been saved yet, the
// last of each place. They are saved together, by one goroutine.
type receipts struct {
	mu      sync.Mutex
	waiting map[reader]int64
	news    chan struct{}
}

// Confirm takes the client's word that it has received the event with this
// cursor and all before it, in the feed the cursor is from. It is no request of
// its own, so what makes no sense is passed over. The position is saved soon after.
func (s *Service) Confirm(ctx context.Context, v viewer.Viewer, installationID, cursor string) {
	at, err := readCursor(cursor)
	if err != nil || at.rootUserID != v.RootUserID() || !isInstallation(installationID) {
		return
	}
	now, err := s.stand(ctx, s.store.Read(), v.RootUserID())
	if err != nil || at.seq > now.newest {
		return
	}
	s.confirmed(reader{v.RootUserID(), installationID, at.childUserID}, cursor)
}

// confirmed notes an event that has arrived. It does not block.
func (s *Service) confirmed(of reader, mark string) {
	event, err := readCursor(mark)
	if err != nil {
		return
	}
	r := &s.receipts
	r.mu.Lock()
	r.waiting[of] = max(r.waiting[of], event.seq)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default: // somebody will look already
	}
}

// take gives some of what waits.
func (r *receipts) take() map[reader]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	some := map[reader]int64{}
	for of, seq := range r.waiting {
		if len(some) == saveBatch {
			break
		}
		some[of] = seq
		delete(r.waiting, of)
	}
	return some
}

// saveReceipts saves what is confirmed until ctx ends; what was confirmed by then
// as well.
func (s *Service) saveReceipts(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-s.receipts.news:
		case <-ctx.Done():
		}
		if err := s.SavePositions(context.WithoutCancel(ctx)); err != nil {
			s.log.ErrorContext(ctx, "save positions of the feed; their events will be told again", "error", err)
		}
	}
}

// SavePositions raises the positions of all that was confirmed, a small batch a
// write. Positions never fall, and one that is gone stays gone.
func (s *Service) SavePositions(ctx context.Context) error {
	for {
		batch := s.receipts.take()
		if len(batch) == 0 {
			return nil
		}
		err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for of, seq := range batch {
				if err := s.raise(ctx, tx, of, seq); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("raise %d positions: %w", len(batch), err)
		}
	}
}

func (s *Service) raise(ctx context.Context, tx *store.Tx, of reader, seq int64) error {
	return tx.FeedPosition.Update().Where(of.is(), feedposition.SeqLT(seq)).
		SetSeq(seq).SetHasGap(false).SetUpdatedAt(s.clock()).Exec(ctx)
}
