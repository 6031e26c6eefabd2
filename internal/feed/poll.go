package feed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/devlogevent"
	"luxbff/internal/background"
)

const (
	// pollInterval is the longest that a lost notification delays an event.
	pollInterval = 10 * time.Second
	// pollOverlap is how many ids a poll looks back behind the newest it has seen:
	// on PostgreSQL a lower id of another account may be committed after a higher.
	pollOverlap = 1000
)

func (s *Service) pollUntilDone(ctx context.Context) {
	seen := s.newestEventID(ctx)
	background.EveryOrWhen(ctx, pollInterval, s.pollNow, func(ctx context.Context) { seen = s.Poll(ctx, seen) })
}

// PollSoon has the next poll run at once, for when many notifications may have been
// lost together. One poll is cheaper then than notifying every subscriber.
func (s *Service) PollSoon() { s.pollNow.Notify() }

func (s *Service) newestEventID(ctx context.Context) int {
	newest, err := s.store.Read().DevlogEvent.Query().Order(ent.Desc(devlogevent.FieldID)).FirstID(ctx)
	if err != nil && !ent.IsNotFound(err) && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "find the newest event", "error", err)
	}
	return newest
}

// Poll notifies the subscribers of this replica whose accounts have events after
// the id seen last, and those of deleted children. It returns the newest id, for the
// next poll. One statement serves all accounts, and none runs without subscribers.
func (s *Service) Poll(ctx context.Context, seen int) (newest int) {
	if s.hub.Subscribers() == 0 {
		return seen
	}
	if err := s.notifyOfDeletedChildren(ctx); err != nil {
		s.log.ErrorContext(ctx, "poll the feed", "error", err)
	}
	newest, err := s.notifyOfEventsAfter(ctx, max(0, seen-pollOverlap))
	if err != nil {
		s.log.ErrorContext(ctx, "poll the feed", "error", err)
		return seen
	}
	return max(seen, newest)
}

// newestEvents groups by an expression, since by the column itself SQLite goes through all
// events in the order of their accounts: there is an index of them.
const newestEvents = `SELECT min(root_user_id), max(id) FROM devlog_events WHERE id > $1 GROUP BY root_user_id + 0`

func (s *Service) notifyOfEventsAfter(ctx context.Context, seen int) (newest int, err error) {
	rows, err := s.store.Query(ctx, newestEvents, seen)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var rootUserID, id int
		if err := rows.Scan(&rootUserID, &id); err != nil {
			return 0, err
		}
		newest = max(newest, id)
		s.hub.NotifyLocal(rootUserID)
	}
	return newest, rows.Err()
}

// notifyOfDeletedChildren notifies subscribers that are filtered to a child that no
// longer exists, one statement for 500 children: they then complete.
func (s *Service) notifyOfDeletedChildren(ctx context.Context) error {
	const chunk = 500
	deleted := s.childFilters.owners()
	for ids := range slices.Chunk(slices.Collect(maps.Keys(deleted)), chunk) {
		existing, err := s.store.Read().ChildUser.Query().Where(childuser.IDIn(ids...)).IDs(ctx)
		if err != nil {
			return fmt.Errorf("find the children that are subscribed to: %w", err)
		}
		for _, id := range existing {
			delete(deleted, id)
		}
	}
	for _, rootUserID := range deleted {
		s.hub.NotifyLocal(rootUserID)
	}
	return nil
}
