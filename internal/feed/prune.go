package feed

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

// pruneInterval and pruneBatch keep the tables small in steps so short that no
// upload waits noticeably behind one.
const (
	pruneInterval = 10 * time.Minute
	pruneBatch    = 500
)

func (s *Service) pruneAndLog(ctx context.Context) {
	if _, err := s.Prune(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "prune the feed", "error", err)
	}
}

// Prune deletes the events older than [Retention] and the resume points that nobody
// has used for 30 days, one small batch a write. It returns the number of events.
func (s *Service) Prune(ctx context.Context) (events int, err error) {
	if events, err = deleteInBatches(ctx, s.pruneEvents); err == nil {
		_, err = deleteInBatches(ctx, s.resumePoints.prune)
	}
	return events, err
}

// deleteInBatches calls deleteBatch until a batch isn't full.
func deleteInBatches(ctx context.Context, deleteBatch func(context.Context) (int, error)) (deleted int, err error) {
	for {
		n, err := deleteBatch(ctx)
		deleted += n
		if err != nil || n < pruneBatch {
			return deleted, err
		}
	}
}

// raiseFloors stores in each account up to which number its events are pruned. It
// reads the rows that are then deleted, so it runs first. The floor shows for
// certain that a cursor has lost events, where times depend on a clock that may have
// been set back.
const raiseFloors = `UPDATE users SET event_floor = pruned.seq
	FROM (SELECT root_user_id, max(seq) AS seq FROM devlog_events WHERE id IN (%s) GROUP BY root_user_id) AS pruned
	WHERE users.id = pruned.root_user_id AND users.event_floor < pruned.seq`

func (s *Service) pruneEvents(ctx context.Context) (n int, err error) {
	ids, err := s.store.Read().DevlogEvent.Query().
		Where(devlogevent.OccurredAtLT(s.clock().Add(-Retention))).
		Order(ent.Asc(devlogevent.FieldOccurredAt)).Limit(pruneBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	statement, args := expandList(raiseFloors, ids)
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

// expandList puts one parameter an id into the statement's %s.
func expandList(statement string, ids []int) (string, []any) {
	marks, args := make([]string, len(ids)), make([]any, len(ids))
	for i, id := range ids {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), id
	}
	return fmt.Sprintf(statement, strings.Join(marks, ", ")), args
}

// prune deletes a batch of resume points that nobody uses. The condition is checked
// again in the deletion, because one may have been used since the read.
func (r resumePoints) prune(ctx context.Context) (n int, err error) {
	unused := feedposition.UpdatedAtLT(r.clock().Add(-resumePointRetention))
	ids, err := r.store.Read().FeedPosition.Query().Where(unused).Limit(pruneBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	err = r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.FeedPosition.Delete().Where(feedposition.IDIn(ids...), unused).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune %d resume points: %w", len(ids), err)
	}
	return n, nil
}
