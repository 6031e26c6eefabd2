package devlog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/feed"
	"luxbff/internal/store"
)

// changeSet is what one upload changes, collected in memory and then saved in a
// number of statements that doesn't grow with the number of records: a phone that was
// offline sends up to 1,000 logs at once, and while they are saved on SQLite no other
// write runs.
type changeSet struct {
	rootUserID int
	now        time.Time // of all changes of the upload
	seq        int64     // the change_seq of all that it changes
	inserted   []*ent.Devlog
	updated    []*ent.Devlog
	numbered   []*ent.Device // whose records had a log_file_id
	events     []event
}

// event is one change for the feed. An upload may change a log several times, and
// each event shows it as it was then: hence the copy. The log itself gets its id
// only when it is inserted.
type event struct {
	log           *ent.Devlog
	copied        ent.Devlog
	change        vocab.DevlogChange
	lastLogFileID int
}

func (c *changeSet) isEmpty() bool { return len(c.events) == 0 }

// insert adds a new log.
func (c *changeSet) insert(l *ent.Devlog) { c.inserted = append(c.inserted, l) }

// update adds a stored log that has changed. A log of this upload is inserted with
// its last content, and one that is changed twice is updated once.
func (c *changeSet) update(l *ent.Devlog) {
	if l.ID != 0 && !slices.Contains(c.updated, l) {
		c.updated = append(c.updated, l)
	}
}

// number adds a device whose last_log_file_id a record may have raised. A temporary record
// without a log_file_id, as every treatment begins with, leaves its row alone.
func (c *changeSet) number(d *ent.Device) {
	if !slices.Contains(c.numbered, d) {
		c.numbered = append(c.numbered, d)
	}
}

// addEvent adds an event with the log and the device's number as they are now.
func (c *changeSet) addEvent(d *ent.Device, l *ent.Devlog, change vocab.DevlogChange) {
	c.events = append(c.events, event{log: l, copied: *l, change: change, lastLogFileID: d.LastLogFileID})
}

// save writes logs and devices. Stored logs are updated before new ones are inserted:
// the database allows one temporary log for each child and device, so the one that
// was completed must make room for the next.
func (c *changeSet) save(ctx context.Context, tx *store.Tx) error {
	for _, l := range c.updated {
		if err := updateLog(ctx, tx, l); err != nil {
			return apperr.UpdateDeviceLogFailed.Wrap(err)
		}
	}
	if err := c.insertLogs(ctx, tx); err != nil {
		return apperr.CreateDeviceLogFailed.Wrap(err)
	}
	for _, d := range c.numbered {
		if _, err := tx.Exec(ctx, raiseLastLogFileID, d.LastLogFileID, d.ID); err != nil {
			return fmt.Errorf("set last log file id: %w", err)
		}
	}
	return nil
}

// entries returns the events for the feed. It is called after save, which gives the
// logs their ids.
func (c *changeSet) entries() []feed.Entry {
	entries := make([]feed.Entry, len(c.events))
	for i, e := range c.events {
		e.copied.ID = e.log.ID
		entries[i] = feed.Entry{Devlog: e.copied, Change: e.change, LastLogFileID: e.lastLogFileID}
	}
	return entries
}

// faultyContacts returns the ids of the logs that ended because of faulty contacts. A phone
// that was offline sends many at once, of which a child's last one says all there is to do.
// It is called after save, which gives the logs their ids.
func (c *changeSet) faultyContacts() []int {
	var ids []int
	var children []int
	for _, e := range slices.Backward(c.events) {
		ended := e.change == vocab.Completed && *e.copied.FinishFlag == vocab.FaultyContactsShutdown
		if ended && !slices.Contains(children, e.copied.ChildUserID) {
			ids, children = append(ids, e.log.ID), append(children, e.copied.ChildUserID)
		}
	}
	return ids
}

// The statements below are written by hand, because ent's builders took a fifth of the
// time of the one writer on SQLite.

const updateLogByID = `UPDATE devlogs SET registration = $1, status = $2, finish_flag = $3, treatment_date = $4,
	treatment_offset = $5, last_intensity = $6, treatment_time = $7, log_file_id = $8, updated_at = $9,
	change_seq = $10 WHERE id = $11`

func updateLog(ctx context.Context, tx *store.Tx, l *ent.Devlog) error {
	_, err := tx.Exec(ctx, updateLogByID, l.Registration, string(l.Status), l.FinishFlag, string(l.TreatmentDate),
		l.TreatmentOffset, l.LastIntensity, l.TreatmentTime, l.LogFileID, l.UpdatedAt, l.ChangeSeq, l.ID)
	return err
}

const raiseLastLogFileID = `UPDATE devices SET last_log_file_id = $1 WHERE id = $2`

// insertLogs adds the logs in one statement and sets their ids. MaxRecords keeps it
// below the engines' limits of bound values, 32,766 on SQLite and 65,535 on
// PostgreSQL.
func (c *changeSet) insertLogs(ctx context.Context, tx *store.Tx) error {
	if len(c.inserted) == 0 {
		return nil
	}
	const columns = 14
	args := make([]any, 0, columns*len(c.inserted))
	for _, l := range c.inserted {
		args = append(args, l.RootUserID, l.ChildUserID, l.DeviceID, l.Registration, string(l.Status), l.FinishFlag,
			string(l.TreatmentDate), l.TreatmentOffset, l.LastIntensity, l.TreatmentTime, l.LogFileID, l.CreatedAt, l.UpdatedAt, l.ChangeSeq)
	}
	ids, err := tx.Insert(ctx, len(c.inserted), `INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status, finish_flag,
		treatment_date, treatment_offset, last_intensity, treatment_time, log_file_id, created_at, updated_at, change_seq) VALUES `+
		store.ValueRows(1, len(c.inserted), columns), args...)
	if err != nil {
		return err
	}
	for i, l := range c.inserted {
		l.ID = ids[i]
	}
	return nil
}
