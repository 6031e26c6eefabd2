package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/store"
)

// Entry is one change to append. A subscriber that resumes later sees the log and
// the device's number as they were then, so the entry holds copies of both.
type Entry struct {
	Devlog        ent.Devlog // with its id; UpdatedAt is the time of the change
	Change        vocab.DevlogChange
	LastLogFileID int // the device's, after the change
}

// Append writes the entries of one account to its feed, in the transaction that
// changes the logs, and notifies the account's subscribers once it is committed.
//
// The caller must hold the lock of the account's row (store.Tx.Lock). Otherwise two
// concurrent transactions on PostgreSQL could commit a higher number before a lower
// one, and a subscriber whose cursor is already past it would never see the lower.
func (s *Service) Append(ctx context.Context, tx *store.Tx, rootUserID int, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first, err := reserveNumbers(ctx, tx, rootUserID, len(entries))
	if err != nil {
		return fmt.Errorf("number the events: %w", err)
	}
	rows := make([]*ent.DevlogEventCreate, len(entries))
	for i, e := range entries {
		rows[i] = newRow(tx, e, first+int64(i))
	}
	if err := tx.DevlogEvent.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("append the events: %w", err)
	}
	tx.AfterCommit(func() { s.hub.Notify(rootUserID) })
	return nil
}

// reserveNumbers takes n consecutive event numbers of the account and returns the
// first. One statement does it for any n.
func reserveNumbers(ctx context.Context, tx *store.Tx, rootUserID, n int) (first int64, err error) {
	rows, err := tx.Query(ctx, `UPDATE users SET event_seq = event_seq + $1 WHERE id = $2 RETURNING event_seq`, int64(n), rootUserID)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	var last int64
	if !rows.Next() {
		return 0, errors.Join(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(&last); err != nil {
		return 0, err
	}
	return last - int64(n) + 1, rows.Err()
}

func newRow(tx *store.Tx, e Entry, seq int64) *ent.DevlogEventCreate {
	l := e.Devlog
	return tx.DevlogEvent.Create().
		SetRootUserID(l.RootUserID).
		SetSeq(seq).
		SetDevlogID(l.ID).
		SetChildUserID(l.ChildUserID).
		SetDeviceID(l.DeviceID).
		SetChange(e.Change).
		SetStatus(l.Status).
		SetNillableFinishFlag(l.FinishFlag).
		SetTreatmentDate(l.TreatmentDate).
		SetNillableTreatmentOffset(l.TreatmentOffset).
		SetLastIntensity(l.LastIntensity).
		SetTreatmentTime(l.TreatmentTime).
		SetNillableLogFileID(l.LogFileID).
		SetLastLogFileID(e.LastLogFileID).
		SetDevlogCreatedAt(l.CreatedAt).
		SetOccurredAt(l.UpdatedAt)
}
