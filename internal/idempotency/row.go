package idempotency

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

const (
	insertClaim = `INSERT INTO idempotency_keys (root_user_id, key_hash, digest, claim, claimed_until, is_executed, created_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key_hash) DO NOTHING`

	selectRow = `SELECT digest, claim, claimed_until, is_executed, status, answer, created_at FROM idempotency_keys WHERE key_hash = $1`

	takeOver = `UPDATE idempotency_keys SET claim = $1, claimed_until = $2 WHERE key_hash = $3 AND claim = $4 AND NOT is_executed`

	deleteExpired = `DELETE FROM idempotency_keys WHERE key_hash = $1 AND claim = $2`

	noteExecuted = `UPDATE idempotency_keys SET is_executed = TRUE WHERE key_hash = $1 AND claim = $2`

	release = `DELETE FROM idempotency_keys WHERE key_hash = $1 AND claim = $2 AND NOT is_executed`

	giveUp = `UPDATE idempotency_keys SET claimed_until = $1 WHERE key_hash = $2 AND claim = $3`

	keepAnswer = `UPDATE idempotency_keys SET status = $1, answer = $2 WHERE key_hash = $3 AND claim = $4`

	// dropOldest keeps the newest of an account, and those that may be running.
	dropOldest = `DELETE FROM idempotency_keys WHERE root_user_id = $1 AND id <=
	(SELECT id FROM idempotency_keys WHERE root_user_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3) AND claimed_until <= $4`
)

const errTakenOver = apperr.Text("another run has taken the request over")

// row is what the table holds of a request.
type row struct {
	digest, claim string
	claimedUntil  time.Time
	isExecuted    bool
	status        *int
	answer        []byte
	createdAt     time.Time
}

// claim gives the answer that is kept, or writes the row of a request that is to run: a new
// one, or that of a run that was lost.
//
// Errors: IdempotencyKeyInUse while another runs, IdempotencyKeyReused, IdempotencyAnswerLost.
func (s *Service) claim(ctx context.Context, k keyed, claim string) (kept *Answer, err error) {
	there, err := s.read(ctx, k)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock()
	switch {
	case there == nil:
		return nil, s.take(ctx, k, claim, "", now)
	case now.Sub(there.createdAt) >= Retention:
		return nil, s.take(ctx, k, claim, there.claim, now)
	case there.digest != k.digest:
		return nil, apperr.IdempotencyKeyReused.New()
	case there.status != nil && there.answer != nil:
		return k.open(*there.status, there.answer)
	case there.status != nil:
		return nil, apperr.IdempotencyAnswerLost.New()
	case now.Before(there.claimedUntil):
		return nil, inUse()
	case there.isExecuted:
		return nil, apperr.IdempotencyAnswerLost.New()
	}
	return nil, s.takeOver(ctx, k, claim, there.claim, now)
}

// read gives nil where there is no row.
func (s *Service) read(ctx context.Context, k keyed) (*row, error) {
	rows, err := s.cfg.Store.Query(ctx, selectRow, k.hash)
	if err != nil {
		return nil, err
	}
	return scanRow(rows)
}

func scanRow(rows *store.Rows) (*row, error) {
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var r row
	err := rows.Scan(&r.digest, &r.claim, &r.claimedUntil, &r.isExecuted, &r.status, &r.answer, &r.createdAt)
	if err != nil {
		return nil, err
	}
	return &r, rows.Err()
}

// take writes a new row, in the place of one that has expired if it names its claim. Errors:
// IdempotencyKeyInUse where another was faster.
func (s *Service) take(ctx context.Context, k keyed, claim, expired string, now time.Time) error {
	var account *int
	if k.RootUserID != 0 {
		account = &k.RootUserID
	}
	return s.change(ctx, func(ctx context.Context, tx *store.Tx) (taken bool, err error) {
		if expired != "" {
			if _, err := tx.Exec(ctx, deleteExpired, k.hash, expired); err != nil {
				return false, err
			}
		}
		taken, err = changesRow(tx.Exec(ctx, insertClaim, account, k.hash, k.digest, claim, now.Add(Lease), false, now))
		if err == nil && taken && account != nil {
			_, err = tx.Exec(ctx, dropOldest, k.RootUserID, k.RootUserID, MaxKept, now)
		}
		return taken, err
	})
}

// takeOver takes the row of a run that was lost before it stored anything. Errors:
// IdempotencyKeyInUse where it has stored something after all, or another was faster.
func (s *Service) takeOver(ctx context.Context, k keyed, claim, lost string, now time.Time) error {
	return s.change(ctx, func(ctx context.Context, tx *store.Tx) (taken bool, err error) {
		return changesRow(tx.Exec(ctx, takeOver, claim, now.Add(Lease), k.hash, lost))
	})
}

// change runs a write that takes a row or comes too late.
func (s *Service) change(ctx context.Context, fn func(context.Context, *store.Tx) (taken bool, err error)) error {
	isTaken := false
	err := s.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		isTaken, err = fn(ctx, tx)
		return err
	})
	if err == nil && !isTaken {
		err = inUse()
	}
	return err
}

// guard is the last step of each transaction of a run. The row of an account that the run
// itself deletes is gone, and keeps nothing from going on.
func (k keyed) guard(claim string) store.Func {
	return func(ctx context.Context, tx *store.Tx) error {
		noted, err := changesRow(tx.Exec(ctx, noteExecuted, k.hash, claim))
		if err != nil || noted {
			return err
		}
		rows, err := tx.Query(ctx, selectRow, k.hash)
		if err != nil {
			return err
		}
		there, err := scanRow(rows)
		if err == nil && there != nil {
			err = errTakenOver
		}
		return err
	}
}

// finish stores the answer of a run, or removes its claim so that the request can run again,
// and reports whether the answer counts for those that wait for it.
func (s *Service) finish(ctx context.Context, k keyed, claim string, answer Answer) (isKept bool) {
	var sealed []byte
	if len(answer.Body) <= MaxAnswer {
		var err error
		if sealed, err = k.seal(s.cfg.Random, answer); err != nil {
			s.cfg.Log.ErrorContext(ctx, "encrypt the answer of an idempotency key", "error", err)
		}
	}
	err := s.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		isKept = false
		if !answer.isKept(k.RootUserID) {
			released, err := changesRow(tx.Exec(ctx, release, k.hash, claim))
			if err != nil || released {
				return err
			}
		}
		if answer.Status == 0 {
			_, err = tx.Exec(ctx, giveUp, s.cfg.Clock(), k.hash, claim)
			return err
		}
		isKept, err = changesRow(tx.Exec(ctx, keepAnswer, answer.Status, sealed, k.hash, claim))
		return err
	})
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "keep the answer of an idempotency key", "error", err)
		return answer.isKept(k.RootUserID)
	}
	return isKept
}

// changesRow reports whether a statement has changed a row.
func changesRow(result sql.Result, err error) (changed bool, _ error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("count changed rows: %w", err)
	}
	return n > 0, nil
}
