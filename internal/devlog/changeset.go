package devlog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlog"
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
	inserted   []*ent.Devlog
	updated    []*ent.Devlog
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

// addEvent adds an event with the log and the device's number as they are now.
func (c *changeSet) addEvent(d *ent.Device, l *ent.Devlog, change vocab.DevlogChange) {
	c.events = append(c.events, event{log: l, copied: *l, change: change, lastLogFileID: d.LastLogFileID})
}

// save writes logs and devices. Stored logs are updated before new ones are inserted:
// the database allows one temporary log for each child and device, so the one that
// was completed must make room for the next.
func (c *changeSet) save(ctx context.Context, tx *store.Tx, devices map[int]*ent.Device) error {
	for _, l := range c.updated {
		if err := updateLog(ctx, tx, l); err != nil {
			return apperr.UpdateDeviceLogFailed.Wrap(err)
		}
	}
	if err := insertLogs(ctx, tx, c.inserted); err != nil {
		return apperr.CreateDeviceLogFailed.Wrap(err)
	}
	for _, d := range devices {
		update := tx.Device.Update().Where(device.ID(d.ID)).SetLastLogFileID(d.LastLogFileID)
		if err := update.Exec(ctx); err != nil {
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

func updateLog(ctx context.Context, tx *store.Tx, l *ent.Devlog) error {
	update := tx.Devlog.Update().Where(devlog.ID(l.ID)).
		SetRegistration(l.Registration).
		SetStatus(l.Status).
		SetTreatmentDate(l.TreatmentDate).
		SetLastIntensity(l.LastIntensity).
		SetTreatmentTime(l.TreatmentTime).
		SetUpdatedAt(l.UpdatedAt).
		SetNillableFinishFlag(l.FinishFlag).
		SetNillableTreatmentOffset(l.TreatmentOffset).
		SetNillableLogFileID(l.LogFileID)
	if l.TreatmentOffset == nil {
		update.ClearTreatmentOffset()
	}
	if l.LogFileID == nil {
		update.ClearLogFileID()
	}
	return update.Exec(ctx)
}

// insertLogs adds the logs in one statement and sets their ids. MaxRecords keeps it
// below the engines' limits of bound values, 32,766 on SQLite and 65,535 on
// PostgreSQL.
func insertLogs(ctx context.Context, tx *store.Tx, logs []*ent.Devlog) error {
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
			SetNillableTreatmentOffset(l.TreatmentOffset).
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
