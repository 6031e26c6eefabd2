package devlog

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/devlog"
	"luxbff/ent/predicate"
	"luxbff/ent/vocab"
	"luxbff/internal/store"
)

// deviceLogs are the stored logs of one device that the records of one upload can
// meet: the temporary log, and the complete logs that a record may replay. Records are
// applied to it in memory.
type deviceLogs struct {
	device         *ent.Device
	temporary      *ent.Devlog // nil if there is none
	completeByFile map[int]*ent.Devlog
	completeByDate map[vocab.LocalDateTime]*ent.Devlog
}

// loadDeviceLogs reads them in one statement for any number of records.
func loadDeviceLogs(ctx context.Context, tx *store.Tx, d *ent.Device, records []Record) (*deviceLogs, error) {
	stored, err := tx.Devlog.Query().
		Where(devlog.DeviceID(d.ID), relevantTo(records, d)).
		Order(devlog.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("load devlogs: %w", err)
	}
	logs := &deviceLogs{
		device:         d,
		completeByFile: map[int]*ent.Devlog{},
		completeByDate: map[vocab.LocalDateTime]*ent.Devlog{},
	}
	for _, l := range stored {
		logs.setEdges(l)
		if l.Status == vocab.Temporary {
			logs.temporary = l
		} else {
			logs.addComplete(l)
		}
	}
	return logs, nil
}

// relevantTo selects the device's logs that the records can meet.
//
// A temporary log belongs to the child and the device, also when the device was
// registered anew between. Replays are found within the present registration alone: a
// device that came to another child may number its files from the start again.
func relevantTo(records []Record, d *ent.Device) predicate.Devlog {
	var files []int
	var dates []vocab.LocalDateTime
	for _, r := range records {
		switch {
		case r.DeviceID != d.ID:
		case r.LogFileID != nil:
			files = append(files, *r.LogFileID)
		default:
			dates = append(dates, r.storedDate())
		}
	}
	return devlog.Or(
		devlog.And(devlog.StatusEQ(vocab.Temporary), devlog.ChildUserID(*d.ChildUserID)),
		devlog.And(
			devlog.StatusEQ(vocab.Complete),
			devlog.Registration(d.Registration),
			devlog.Or(devlog.LogFileIDIn(files...), devlog.TreatmentDateIn(dates...)),
		),
	)
}

// apply applies one record by rule 9 and adds to changes what it changed. It returns
// the log that the record is now stored as.
func (logs *deviceLogs) apply(changes *changeSet, r Record) *ent.Devlog {
	// Replay: the record is stored already. It changes nothing and leaves the temporary
	// log to the next record.
	if stored := logs.findReplayed(r); stored != nil {
		return stored
	}

	// Any other record overwrites the temporary log if there is one, and without one is
	// a new log.
	l, change := logs.temporary, vocab.Updated
	if l == nil {
		l, change = logs.newLog(changes, r), vocab.Created
	} else {
		changes.update(l)
	}
	logs.copyRecord(l, r, changes.now)

	// Temporary log: the log is what the next record of the array overwrites.
	// Completion: it is that no longer, so the next complete record is a new log; and
	// the records behind it may replay it.
	if r.isTemporary() {
		logs.temporary = l
	} else {
		logs.temporary, change = nil, vocab.Completed
		logs.addComplete(l)
	}
	changes.addEvent(logs.device, l, change)
	return l
}

// findReplayed returns the complete log that the record was stored as before, or nil.
// It is found by its log_file_id, and without one by its date. This holds for temporary
// records too: one that arrives after its treatment was completed is late.
func (logs *deviceLogs) findReplayed(r Record) *ent.Devlog {
	if r.LogFileID != nil {
		return logs.completeByFile[*r.LogFileID]
	}
	return logs.completeByDate[r.storedDate()]
}

// newLog makes an empty log and adds it to what will be inserted.
func (logs *deviceLogs) newLog(changes *changeSet, r Record) *ent.Devlog {
	l := &ent.Devlog{
		RootUserID: changes.rootUserID, ChildUserID: r.ChildUserID, DeviceID: r.DeviceID, CreatedAt: changes.now,
	}
	logs.setEdges(l)
	changes.insert(l)
	return l
}

// copyRecord replaces the whole content of the log by the record's.
func (logs *deviceLogs) copyRecord(l *ent.Devlog, r Record, now time.Time) {
	l.Registration = logs.device.Registration
	l.Status = vocab.Temporary
	if !r.isTemporary() {
		l.Status = vocab.Complete
	}
	l.FinishFlag = r.FinishFlag
	l.TreatmentDate = r.storedDate()
	l.LastIntensity, l.TreatmentTime = r.LastIntensity, r.TreatmentTime
	l.LogFileID = r.LogFileID
	l.UpdatedAt = now
	// last_log_file_id: it never falls, whatever the order in which files are sent.
	// Registering the device to another child starts it at 0 (internal/child).
	if r.LogFileID != nil && *r.LogFileID > logs.device.LastLogFileID {
		logs.device.LastLogFileID = *r.LogFileID
	}
}

// addComplete makes a complete log known to the replay check. Where several have one
// date, the oldest stands for it: the one whose id the phone was answered first.
func (logs *deviceLogs) addComplete(l *ent.Devlog) {
	if l.LogFileID != nil {
		logs.completeByFile[*l.LogFileID] = l
	}
	if logs.completeByDate[l.TreatmentDate] == nil {
		logs.completeByDate[l.TreatmentDate] = l
	}
}

// setEdges attaches device and child, which the answer shows of each log.
func (logs *deviceLogs) setEdges(l *ent.Devlog) {
	l.Edges.Device = logs.device
	l.Edges.ChildUser = logs.device.Edges.ChildUser
}
