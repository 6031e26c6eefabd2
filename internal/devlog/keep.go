package devlog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/devlogevent"
	"luxbff/ent/feedposition"
	"luxbff/internal/store"
)

const (
	// pollEvery is the most that a lost bell costs.
	pollEvery = 10 * time.Second
	// overlap is how far behind its place a poll looks again: on PostgreSQL a
	// lower id may be committed after a higher one.
	overlap = 1000
	// pruneEvery and pruneBatch keep the feed's table small in steps that no
	// writer notices.
	pruneEvery = 10 * time.Minute
	pruneBatch = 500
)

// Start polls for events whose bell was lost, saves positions that were confirmed,
// and prunes what is kept no longer, until Close.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.running.Go(func() { s.poll(ctx) })
	s.running.Go(func() { s.prune(ctx) })
	s.running.Go(func() { s.saveReceipts(ctx) })
}

// Close ends what Start began.
func (s *Service) Close() {
	if s.stop != nil {
		s.stop()
	}
	s.running.Wait()
}

func (s *Service) poll(ctx context.Context) {
	seen := s.newestID(ctx)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.pollNow:
		}
		seen = s.Poll(ctx, seen)
	}
}

// PollSoon has the next poll happen now, for bells that were lost together.
func (s *Service) PollSoon() {
	select {
	case s.pollNow <- struct{}{}:
	default:
	}
}

func (s *Service) newestID(ctx context.Context) int {
	newest, err := s.store.Read().DevlogEvent.Query().Order(ent.Desc(devlogevent.FieldID)).FirstID(ctx)
	if err != nil && !ent.IsNotFound(err) && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "find the newest event", "error", err)
	}
	return newest
}

// Poll wakes every watcher whose account has events after the one seen last, and
// gives the newest; and the feeds of children that are gone. One statement
// serves all watchers.
func (s *Service) Poll(ctx context.Context, seen int) (newest int) {
	if s.hub.Watchers() == 0 {
		return seen
	}
	if err := s.wakeForGone(ctx); err != nil {
		s.log.ErrorContext(ctx, "poll the feed", "error", err)
	}
	rows, err := s.store.Query(ctx,
		`SELECT root_user_id, max(id) FROM devlog_events WHERE id > $1 GROUP BY root_user_id`, max(0, seen-overlap))
	if err != nil {
		s.log.ErrorContext(ctx, "poll the feed", "error", err)
		return seen
	}
	defer func() { _ = rows.Close() }()
	newest = seen
	for rows.Next() {
		var rootUserID, id int
		if err := rows.Scan(&rootUserID, &id); err != nil {
			s.log.ErrorContext(ctx, "poll the feed", "error", err)
			return seen
		}
		newest = max(newest, id)
		s.hub.Wake(rootUserID)
	}
	if err := rows.Err(); err != nil {
		s.log.ErrorContext(ctx, "poll the feed", "error", err)
		return seen
	}
	return newest
}

func (s *Service) prune(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "prune the feed", "error", err)
		}
	}
}

// Prune deletes the events that are kept no longer, and the positions that nobody
// uses, a small batch a write. It counts the events.
func (s *Service) Prune(ctx context.Context) (pruned int, err error) {
	if pruned, err = inBatches(ctx, s.pruneEvents); err == nil {
		_, err = inBatches(ctx, s.prunePositions)
	}
	return pruned, err
}

// inBatches removes until a batch isn't full.
func inBatches(ctx context.Context, remove func(context.Context) (int, error)) (removed int, err error) {
	for {
		n, err := remove(ctx)
		removed += n
		if err != nil || n < pruneBatch {
			return removed, err
		}
	}
}

// raiseFloors notes in the accounts up to which number their events are gone. It
// comes before the deletion, which takes the rows it reads.
const raiseFloors = `UPDATE users SET event_floor = gone.seq
	FROM (SELECT root_user_id, max(seq) AS seq FROM devlog_events WHERE id IN (%s) GROUP BY root_user_id) AS gone
	WHERE users.id = gone.root_user_id AND users.event_floor < gone.seq`

func (s *Service) pruneEvents(ctx context.Context) (n int, err error) {
	ids, err := s.store.Read().DevlogEvent.Query().
		Where(devlogevent.OccurredAtLT(s.clock().Add(-Kept))).
		Order(ent.Asc(devlogevent.FieldOccurredAt)).Limit(pruneBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	statement, args := listed(raiseFloors, ids)
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return err
		}
		n, err = tx.DevlogEvent.Delete().Where(devlogevent.IDIn(ids...)).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune %d events: %w", len(ids), err)
	}
	return n, nil
}

// listed puts one parameter an id into the statement.
func listed(statement string, ids []int) (string, []any) {
	marks, args := make([]string, len(ids)), make([]any, len(ids))
	for i, id := range ids {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), id
	}
	return fmt.Sprintf(statement, strings.Join(marks, ", ")), args
}

func (s *Service) prunePositions(ctx context.Context) (n int, err error) {
	unused := feedposition.UpdatedAtLT(s.clock().Add(-positionKept))
	ids, err := s.store.Read().FeedPosition.Query().Where(unused).Limit(pruneBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.FeedPosition.Delete().Where(feedposition.IDIn(ids...), unused).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune %d positions: %w", len(ids), err)
	}
	return n, nil
}
