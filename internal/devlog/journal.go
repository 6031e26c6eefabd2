package devlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlog"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
)

// journal is what one upload changes, gathered in memory and saved in a fixed
// number of statements.
type journal struct {
	rootUserID int
	now        time.Time
	added      []*ent.Devlog
	touched    []*ent.Devlog
	entries    []entry
}

// entry is one event of the feed: the log and its device as they were then.
type entry struct {
	of            *ent.Devlog
	then          ent.Devlog
	change        vocab.DevlogChange
	lastLogFileID int
}

// touch notes a stored log that has to be updated.
func (j *journal) touch(l *ent.Devlog) {
	if l.ID != 0 && !slices.Contains(j.touched, l) {
		j.touched = append(j.touched, l)
	}
}

func (j *journal) note(d *ent.Device, l *ent.Devlog, change vocab.DevlogChange) {
	j.entries = append(j.entries, entry{of: l, then: *l, change: change, lastLogFileID: d.LastLogFileID})
}

// save writes the stored logs first: one that became complete makes room for
// the next temporary one.
func (j *journal) save(ctx context.Context, tx *store.Tx, shelves map[int]*shelf) error {
	for _, l := range j.touched {
		if err := update(ctx, tx, l); err != nil {
			return apperr.UpdateDeviceLogFailed.Wrap(err)
		}
	}
	if err := insert(ctx, tx, j.added); err != nil {
		return apperr.CreateDeviceLogFailed.Wrap(err)
	}
	for _, s := range shelves {
		raised := tx.Device.Update().Where(device.ID(s.device.ID)).SetLastLogFileID(s.device.LastLogFileID)
		if err := raised.Exec(ctx); err != nil {
			return fmt.Errorf("raise last log file id: %w", err)
		}
	}
	return j.publish(ctx, tx)
}

func update(ctx context.Context, tx *store.Tx, l *ent.Devlog) error {
	change := tx.Devlog.Update().Where(devlog.ID(l.ID)).
		SetRegistration(l.Registration).
		SetStatus(l.Status).
		SetTreatmentDate(l.TreatmentDate).
		SetLastIntensity(l.LastIntensity).
		SetTreatmentTime(l.TreatmentTime).
		SetUpdatedAt(l.UpdatedAt).
		SetNillableFinishFlag(l.FinishFlag)
	if l.LogFileID == nil {
		return change.ClearLogFileID().Exec(ctx)
	}
	return change.SetLogFileID(*l.LogFileID).Exec(ctx)
}

// insert adds the logs in one statement: MaxRecords keeps it below the engines'
// limit of bound values.
func insert(ctx context.Context, tx *store.Tx, logs []*ent.Devlog) error {
	builders := make([]*ent.DevlogCreate, len(logs))
	for i, l := range logs {
		builders[i] = tx.Devlog.Create().
			SetRootUserID(l.RootUserID).
			SetChildUserID(l.ChildUserID).
			SetDeviceID(l.DeviceID).
			SetRegistration(l.Registration).
			SetStatus(l.Status).
			SetNillableFinishFlag(l.FinishFlag).
			SetTreatmentDate(l.TreatmentDate).
			SetLastIntensity(l.LastIntensity).
			SetTreatmentTime(l.TreatmentTime).
			SetNillableLogFileID(l.LogFileID).
			SetCreatedAt(l.CreatedAt).
			SetUpdatedAt(l.UpdatedAt)
	}
	saved, err := tx.Devlog.CreateBulk(builders...).Save(ctx)
	for i := range saved {
		logs[i].ID = saved[i].ID
	}
	return err
}

// publish appends the entries to the account's feed. The numbers are taken
// under the lock of the account's row, so that no reader sees a higher number
// before a lower one.
func (j *journal) publish(ctx context.Context, tx *store.Tx) error {
	seq, err := j.number(ctx, tx)
	if err != nil {
		return fmt.Errorf("number the events: %w", err)
	}
	builders := make([]*ent.DevlogEventCreate, len(j.entries))
	for i, e := range j.entries {
		builders[i] = j.event(tx, e, seq+int64(i)+1)
	}
	if err := tx.DevlogEvent.CreateBulk(builders...).Exec(ctx); err != nil {
		return fmt.Errorf("append the events: %w", err)
	}
	return nil
}

// number takes the entries' numbers and gives the last one before them.
func (j *journal) number(ctx context.Context, tx *store.Tx) (int64, error) {
	n := int64(len(j.entries))
	rows, err := tx.Query(ctx, `UPDATE users SET event_seq = event_seq + $1 WHERE id = $2 RETURNING event_seq`, n, j.rootUserID)
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
	return last - n, rows.Err()
}

func (j *journal) event(tx *store.Tx, e entry, seq int64) *ent.DevlogEventCreate {
	return tx.DevlogEvent.Create().
		SetRootUserID(j.rootUserID).
		SetSeq(seq).
		SetDevlogID(e.of.ID).
		SetChildUserID(e.then.ChildUserID).
		SetDeviceID(e.then.DeviceID).
		SetChange(e.change).
		SetStatus(e.then.Status).
		SetNillableFinishFlag(e.then.FinishFlag).
		SetTreatmentDate(e.then.TreatmentDate).
		SetLastIntensity(e.then.LastIntensity).
		SetTreatmentTime(e.then.TreatmentTime).
		SetNillableLogFileID(e.then.LogFileID).
		SetLastLogFileID(e.lastLogFileID).
		SetDevlogCreatedAt(e.then.CreatedAt).
		SetOccurredAt(j.now)
}
