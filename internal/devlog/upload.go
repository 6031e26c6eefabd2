package devlog

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/device"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Stored is the outcome of an upload: the logs as they now are, one for each record in
// the records' order, and whether every record was temporary, which decides the
// answer of the LUX page.
type Stored struct {
	Devlogs      []*ent.Devlog
	AllTemporary bool
}

// Upload stores the records in their order, all or none (rule 9 of the contract).
//
// Errors: BadRequest, NotFoundUser, NotAuthorizedUser, NotFoundDevice,
// NotConnectedDevice; CreateDeviceLogFailed and UpdateDeviceLogFailed when the
// database refuses.
func (s *Service) Upload(ctx context.Context, v viewer.Viewer, records []Record) (Stored, error) {
	if err := checkValues(records); err != nil {
		return Stored{}, err
	}
	var logs []*ent.Devlog
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		logs, err = s.upload(ctx, tx, v, records)
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return Stored{
		Devlogs:      logs,
		AllTemporary: !slices.ContainsFunc(records, func(r Record) bool { return !r.isTemporary() }),
	}, nil
}

func (s *Service) upload(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record,
) ([]*ent.Devlog, error) {
	// Uploads of one account wait for each other. So two phones that send the same
	// record at once find one stored log, and events get their numbers in the order
	// in which they are committed.
	if err := tx.Lock(ctx, user.Table, v.RootUserID()); err != nil {
		return nil, err
	}
	devices, err := loadDevices(ctx, tx, v, records)
	if err != nil {
		return nil, err
	}
	stored := make(map[int]*deviceLogs, len(devices))
	for id, d := range devices {
		if stored[id], err = loadDeviceLogs(ctx, tx, d, records); err != nil {
			return nil, err
		}
	}

	// Order: the rules are applied in memory, record by record, because each record
	// meets what those before it left.
	changes := changeSet{rootUserID: v.RootUserID(), now: s.clock()}
	logs := make([]*ent.Devlog, len(records))
	for i, r := range records {
		logs[i] = stored[r.DeviceID].apply(&changes, r)
	}

	// An upload of nothing but replays writes nothing and notifies nobody.
	if changes.isEmpty() {
		return logs, nil
	}
	if err := changes.save(ctx, tx, devices); err != nil {
		return nil, err
	}
	if err := s.push.FaultyContacts(ctx, tx, v.RootUserID(), changes.faultyContacts()); err != nil {
		return nil, err
	}
	return logs, s.feed.Append(ctx, tx, v.RootUserID(), changes.entries())
}

// checkValues refuses with BadRequest what no upload may hold, before the database is
// asked. The error names the record and its field.
func checkValues(records []Record) error {
	if len(records) == 0 || len(records) > MaxRecords {
		return apperr.BadRequest.WithField("input.logs").WithReason(
			fmt.Sprintf("An upload has 1 to %d records, and this one has %d.", MaxRecords, len(records)))
	}
	for i, r := range records {
		if field := r.invalidField(); field != "" {
			return apperr.BadRequest.WithField(fieldOf(i, field))
		}
	}
	return nil
}

// fieldOf names a field of one record as GraphQL's input does: a client that sends many
// records has to learn which one is wrong.
func fieldOf(record int, name string) string {
	return "input.logs[" + strconv.Itoa(record) + "]." + name
}

// invalidField names the first field with a value that no log may have, or is empty.
func (r Record) invalidField() string {
	switch {
	case !r.storedDate().Valid(): // 30 seconds before the year 1 is no date either
		return "treatmentDate"
	case r.FinishFlag != nil && !r.FinishFlag.Valid():
		return "finishFlag"
	case !isCount(r.LastIntensity):
		return "lastIntensity"
	case !isCount(r.TreatmentTime):
		return "treatmentTime"
	case r.LogFileID != nil && !isCount(*r.LogFileID):
		return "logFileId"
	}
	return ""
}

// isCount reports whether n is 0 or more and can be shown as GraphQL's Int, which has
// 32 bits.
func isCount(n int) bool { return n >= 0 && n <= math.MaxInt32 }

// loadDevices returns the devices of the records by id. All or nothing: before that it
// makes sure, record by record, that the child exists and is the viewer's, that the
// device exists under its unique id, and that it is registered to that child. The first
// record that fails decides the error, and for one record this order. The error names the
// record's field that is wrong.
func loadDevices(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record,
) (map[int]*ent.Device, error) {
	children, devices, err := findChildrenAndDevices(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		c, d := children[r.ChildUserID], devices[r.DeviceID]
		switch {
		case c == nil:
			return nil, apperr.NotFoundUser.WithField(fieldOf(i, "childUserId"))
		case c.RootUserID != v.RootUserID():
			return nil, apperr.NotAuthorizedUser.WithField(fieldOf(i, "childUserId"))
		case d == nil:
			return nil, apperr.NotFoundDevice.WithField(fieldOf(i, "deviceId"))
		case d.UniqueID == nil || *d.UniqueID != r.UniqueID:
			return nil, apperr.NotFoundDevice.WithField(fieldOf(i, "uniqueId"))
		case d.ChildUserID == nil || *d.ChildUserID != r.ChildUserID:
			return nil, apperr.NotConnectedDevice.WithField(fieldOf(i, "deviceId"))
		}
		d.Edges.ChildUser = c
		c.Edges.Device = d
	}
	return devices, nil
}

// findChildrenAndDevices reads the children and devices that the records name, of any
// account, in two statements for any number of records. Those that don't exist are
// missing in the maps.
func findChildrenAndDevices(
	ctx context.Context, tx *store.Tx, records []Record,
) (children map[int]*ent.ChildUser, devices map[int]*ent.Device, err error) {
	childIDs := distinct(records, func(r Record) int { return r.ChildUserID })
	foundChildren, err := tx.ChildUser.Query().Where(childuser.IDIn(childIDs...)).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load child users: %w", err)
	}
	children = make(map[int]*ent.ChildUser, len(foundChildren))
	for _, c := range foundChildren {
		children[c.ID] = c
	}
	deviceIDs := distinct(records, func(r Record) int { return r.DeviceID })
	foundDevices, err := tx.Device.Query().Where(device.IDIn(deviceIDs...)).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load devices: %w", err)
	}
	devices = make(map[int]*ent.Device, len(foundDevices))
	for _, d := range foundDevices {
		devices[d.ID] = d
	}
	return children, devices, nil
}

// distinct returns each id once.
func distinct(records []Record, id func(Record) int) []int {
	ids := make([]int, len(records))
	for i, r := range records {
		ids[i] = id(r)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
