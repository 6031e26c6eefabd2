package devlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"luxbff/ent"
	"luxbff/ent/column"
	"luxbff/ent/devlog"
	"luxbff/ent/vocab"
	"luxbff/internal/store"
)

// deviceLogs are the stored logs of one device that the records of one upload can
// meet: the temporary log, the complete logs that a record may replay, and those for
// which a temporary record is late. Records are applied to it in memory.
type deviceLogs struct {
	device         *ent.Device
	temporary      *ent.Devlog // nil if there is none
	completeByFile map[int]*ent.Devlog
	completeByDate []*ent.Devlog // in the order of their dates, one of each date
}

// loadDeviceLogs reads them in at most three statements for any number of records. Most
// uploads take one, and two if they hold a temporary record.
func loadDeviceLogs(ctx context.Context, tx *store.Tx, d *ent.Device, records []Record) (*deviceLogs, error) {
	logs := &deviceLogs{device: d, completeByFile: map[int]*ent.Devlog{}}
	query, args := selectRelevant(records, d)
	if err := logs.load(ctx, tx, query, args); err != nil {
		return nil, err
	}
	near, err := findNear(ctx, tx, d, records)
	if err != nil || len(near) == 0 {
		return logs, err
	}
	return logs, logs.load(ctx, tx, selectLogs+"id IN ("+store.Placeholders(1, len(near))+")", near)
}

// load adds the stored logs of the device that a query finds, from the oldest on.
func (logs *deviceLogs) load(ctx context.Context, tx *store.Tx, query string, args []any) error {
	stored, err := queryLogs(ctx, tx, query, args)
	if err != nil {
		return fmt.Errorf("load devlogs: %w", err)
	}
	slices.SortFunc(stored, func(a, b *ent.Devlog) int { return cmp.Compare(a.ID, b.ID) })
	// One log may have both the file and the date that are looked for.
	stored = slices.CompactFunc(stored, func(a, b *ent.Devlog) bool { return a.ID == b.ID })
	for _, l := range stored {
		logs.setEdges(l)
		if l.Status == vocab.Temporary {
			logs.temporary = l
		} else {
			logs.addComplete(l)
		}
	}
	return nil
}

// selectLogs begins the queries of queryLogs. They are written by hand: ent's builder and
// the rows it read by their ids took a third of the time of the one writer on SQLite. The
// columns are those of the entity, so that a new one is read without a change here.
var selectLogs = "SELECT " + column.Values("devlogs", devlog.Columns) + " FROM devlogs WHERE "

func queryLogs(ctx context.Context, tx *store.Tx, query string, args []any) (found []*ent.Devlog, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		l := &ent.Devlog{}
		if err := rows.Scan(l.AppendTargets(nil, devlog.Columns)...); err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	return found, rows.Err()
}

// selectRelevant selects the device's temporary log and the logs that the records may
// replay.
//
// A temporary log belongs to the child and the device, also when the device was
// registered anew between. Replays are found within the present registration alone: a
// device that came to another child may number its files from the start again.
//
// Each of the three is looked for by an index of its own, which a union keeps apart. Asked
// for with OR both engines read every log that the device has ever sent: an upload to a
// device with 100,000 logs took 18 times as long as one to a device with 100.
func selectRelevant(records []Record, d *ent.Device) (query string, args []any) {
	var files, dates []any
	for _, r := range records {
		switch {
		case r.DeviceID != d.ID:
		case r.LogFileID != nil:
			files = append(files, *r.LogFileID)
		case !r.isTemporary():
			dates = append(dates, string(r.storedDate()))
		}
	}
	// The condition of a partial index has to stand in the statement as it stands in
	// the index.
	query = selectLogs + "device_id = $1 AND child_user_id = $2 AND status = 'TEMPORARY'"
	args = []any{d.ID, *d.ChildUserID}
	replayed := func(column string, values []any) {
		n := len(args)
		query += " UNION ALL " + selectLogs + "device_id = $" + strconv.Itoa(n+1) + " AND registration = $" + strconv.Itoa(n+2) +
			" AND " + column + " IN (" + store.Placeholders(n+3, len(values)) + ") AND status = $" + strconv.Itoa(n+3+len(values))
		args = append(args, d.ID, d.Registration)
		args = append(args, values...)
		args = append(args, string(vocab.Complete))
	}
	if len(files) > 0 {
		replayed(devlog.FieldLogFileID, files)
	}
	if len(dates) > 0 {
		replayed(devlog.FieldTreatmentDate, dates)
	}
	return query, args
}

// selectNear finds for each date the complete logs of a registration that are nearest to
// it on either side, if any is near enough. Each takes one step in the index, whatever is
// stored. Of several logs with one date any will do: to choose among them all would have
// to be read. The values are device, registration, earliest date, date and latest date, which
// both engines call column1 to column5; each row has all of them, as SQLite binds a value
// that stands in a statement twice by a name, which takes longer.
const selectNear = `SELECT
	(SELECT id FROM devlogs WHERE device_id = wanted.column1 AND registration = wanted.column2 AND status = 'COMPLETE'
		AND treatment_date BETWEEN wanted.column3 AND wanted.column4 ORDER BY treatment_date DESC LIMIT 1),
	(SELECT id FROM devlogs WHERE device_id = wanted.column1 AND registration = wanted.column2 AND status = 'COMPLETE'
		AND treatment_date BETWEEN wanted.column4 AND wanted.column5 ORDER BY treatment_date LIMIT 1)
	FROM (VALUES (CAST($1 AS bigint), CAST($2 AS bigint), $3, $4, $5)%s) AS wanted`

// findNear gives the ids of the complete logs for which the temporary records may be late,
// in one statement for any number of records, and in none if there is none. MaxRecords
// keeps it below the engines' limits of bound values.
func findNear(ctx context.Context, tx *store.Tx, d *ent.Device, records []Record) (ids []any, err error) {
	var args []any
	wanted := 0
	for _, r := range records {
		if r.DeviceID != d.ID || !r.isTemporary() {
			continue
		}
		at := r.storedDate()
		args = append(args, d.ID, d.Registration, string(at.Add(-lateWithin)), string(at), string(at.Add(lateWithin)))
		wanted++
	}
	if wanted == 0 {
		return nil, nil
	}
	others := ""
	if wanted > 1 {
		others = ", " + store.ValueRows(6, wanted-1, 5)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(selectNear, others), args...)
	if err != nil {
		return nil, fmt.Errorf("find the devlogs near temporary records: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var before, after *int
		if err := rows.Scan(&before, &after); err != nil {
			return nil, fmt.Errorf("scan the id of a devlog: %w", err)
		}
		for _, id := range []*int{before, after} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	return ids, rows.Err()
}

// apply applies one record by rule 9 and adds to changes what it changed. The result has
// the log that the record is now stored as.
func (logs *deviceLogs) apply(changes *changeSet, r Record) Result {
	// Replay or late: the record, or its treatment, is stored already. It changes nothing
	// and leaves the temporary log to the next record.
	if stored := logs.findStored(r); stored != nil {
		verdict := Replayed
		if r.isTemporary() {
			verdict = Late
		}
		return Result{Verdict: verdict, Devlog: stored}
	}

	// Any other record overwrites the temporary log if there is one, and without one is
	// a new log.
	l, change := logs.temporary, vocab.Updated
	if l == nil {
		l, change = logs.newLog(changes, r), vocab.Created
	} else {
		changes.update(l)
	}
	logs.copyRecord(changes, l, r)

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
	return Result{Verdict: NewlyStored, Devlog: l}
}

// findStored returns the complete log that the record was stored as before, or nil. It is
// found by its log_file_id, and without one by its date. A temporary record is late if its
// treatment was completed: it is found by a log_file_id as well, or by a date near its own.
func (logs *deviceLogs) findStored(r Record) *ent.Devlog {
	if r.LogFileID != nil && logs.completeByFile[*r.LogFileID] != nil {
		return logs.completeByFile[*r.LogFileID]
	}
	switch {
	case r.isTemporary():
		return logs.nearest(r.storedDate(), lateWithin)
	case r.LogFileID == nil:
		return logs.nearest(r.storedDate(), 0)
	}
	return nil
}

// nearest returns the complete log whose date is nearest to the given one, the earlier of
// two; nil if none is within the given time of it.
func (logs *deviceLogs) nearest(date vocab.LocalDateTime, within time.Duration) (found *ent.Devlog) {
	i, _ := logs.place(date)
	for _, l := range logs.completeByDate[max(0, i-1):min(i+1, len(logs.completeByDate))] {
		if distance := l.TreatmentDate.Sub(date).Abs(); distance <= within {
			if found == nil || distance < found.TreatmentDate.Sub(date).Abs() {
				found = l
			}
		}
	}
	return found
}

// place returns where in completeByDate the log of a date is or belongs.
func (logs *deviceLogs) place(date vocab.LocalDateTime) (at int, isThere bool) {
	return slices.BinarySearchFunc(logs.completeByDate, date, func(l *ent.Devlog, date vocab.LocalDateTime) int {
		return cmp.Compare(l.TreatmentDate, date)
	})
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
func (logs *deviceLogs) copyRecord(changes *changeSet, l *ent.Devlog, r Record) {
	l.Registration = logs.device.Registration
	l.Status = vocab.Temporary
	if !r.isTemporary() {
		l.Status = vocab.Complete
	}
	l.FinishFlag = r.FinishFlag
	l.TreatmentDate, l.TreatmentOffset = r.storedDate(), r.TreatmentOffset
	l.LastIntensity, l.TreatmentTime = r.LastIntensity, r.TreatmentTime
	l.LogFileID = r.LogFileID
	l.UpdatedAt, l.ChangeSeq = changes.now, changes.seq
	// last_log_file_id: it never falls, whatever the order in which files are sent.
	// Registering the device to another child starts it at 0 (internal/child).
	if r.LogFileID != nil {
		logs.device.LastLogFileID = max(logs.device.LastLogFileID, *r.LogFileID)
		changes.number(logs.device)
	}
}

// addComplete makes a complete log known to the replay check. Where several have one
// date, the oldest stands for it: the one whose id the phone was answered first.
func (logs *deviceLogs) addComplete(l *ent.Devlog) {
	if l.LogFileID != nil {
		logs.completeByFile[*l.LogFileID] = l
	}
	if at, isThere := logs.place(l.TreatmentDate); !isThere {
		logs.completeByDate = slices.Insert(logs.completeByDate, at, l)
	}
}

// setEdges attaches device and child, which the answer shows of each log.
func (logs *deviceLogs) setEdges(l *ent.Devlog) {
	l.Edges.Device = logs.device
	l.Edges.ChildUser = logs.device.Edges.ChildUser
}
