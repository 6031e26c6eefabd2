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
	appendTo := appendSeveral
	if len(entries) == 1 {
		appendTo = appendOne
	}
	if err := appendTo(ctx, tx, rootUserID, entries); err != nil {
		return fmt.Errorf("append the events: %w", err)
	}
	tx.AfterCommit(func() { s.hub.Notify(rootUserID) })
	return nil
}

// The events are added in one statement, written by hand because the one writer on SQLite
// waits for it. The number of records of an upload keeps it below the engines' limits of
// bound values.
const insertEvents = `INSERT INTO devlog_events (root_user_id, seq, devlog_id, child_user_id, device_id, change, status,
	finish_flag, treatment_date, treatment_offset, last_intensity, treatment_time, log_file_id, last_log_file_id,
	devlog_created_at, occurred_at) VALUES `

// appendOne leaves the event's number to the database, as RETURNING costs SQLite a table of
// its own: 10 of the 137 microseconds of an upload. For several events the subquery of
// each would cost more than that.
func appendOne(ctx context.Context, tx *store.Tx, rootUserID int, entries []Entry) error {
	if _, err := tx.Exec(ctx, `UPDATE users SET event_seq = event_seq + 1 WHERE id = $1`, rootUserID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, insertEvents+`($1, (SELECT event_seq FROM users WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11,
		$12, $13, $14, $15, $16)`, entries[0].appendValues(append(make([]any, 0, 16), rootUserID, rootUserID))...)
	return err
}

func appendSeveral(ctx context.Context, tx *store.Tx, rootUserID int, entries []Entry) error {
	first, err := reserveNumbers(ctx, tx, rootUserID, len(entries))
	if err != nil {
		return err
	}
	const columns = 16
	args := make([]any, 0, columns*len(entries))
	for i := range entries {
		args = entries[i].appendValues(append(args, rootUserID, first+int64(i)))
	}
	_, err = tx.Exec(ctx, insertEvents+store.ValueRows(1, len(entries), columns), args...)
	return err
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

// appendValues appends the values of the event's columns behind its number.
func (e *Entry) appendValues(args []any) []any {
	l := &e.Devlog
	return append(args, l.ID, l.ChildUserID, l.DeviceID, string(e.Change), string(l.Status), l.FinishFlag,
		string(l.TreatmentDate), l.TreatmentOffset, l.LastIntensity, l.TreatmentTime, l.LogFileID, e.LastLogFileID,
		l.CreatedAt, l.UpdatedAt)
}
