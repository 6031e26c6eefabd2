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

// Stored is the outcome of an upload: the logs as they stand, one a record in
// the records' order, and whether every record was temporary.
type Stored struct {
	Devlogs      []*ent.Devlog
	AllTemporary bool
}

// Upload stores the records in their order, all or none (rule 9 of the
// contract). Errors: BadRequest, NotFoundUser, NotAuthorizedUser,
// NotFoundDevice, NotConnectedDevice; CreateDeviceLogFailed and
// UpdateDeviceLogFailed when the database refuses.
func (s *Service) Upload(ctx context.Context, v viewer.Viewer, records []Record) (Stored, error) {
	if err := check(records); err != nil {
		return Stored{}, err
	}
	var stored Stored
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		logs, err := s.upload(ctx, tx, v, records)
		stored = Stored{Devlogs: logs, AllTemporary: !slices.ContainsFunc(records, complete)}
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return stored, nil
}

func (s *Service) upload(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record,
) ([]*ent.Devlog, error) {
	if err := tx.Lock(ctx, user.Table, v.RootUserID()); err != nil {
		return nil, err
	}
	devices, err := connected(ctx, tx, v, records)
	if err != nil {
		return nil, err
	}
	shelves := make(map[int]*shelf, len(devices))
	for id, d := range devices {
		if shelves[id], err = openShelf(ctx, tx, d, records); err != nil {
			return nil, err
		}
	}
	j := journal{rootUserID: v.RootUserID(), now: s.clock()}
	logs := make([]*ent.Devlog, len(records))
	for i, r := range records {
		logs[i] = shelves[r.DeviceID].put(&j, r)
	}
	if len(j.entries) == 0 {
		return logs, nil
	}
	tx.AfterCommit(func() { s.hub.Ring(v.RootUserID()) })
	return logs, j.save(ctx, tx, shelves)
}

func complete(r Record) bool { return !r.temporary() }

// check refuses what no upload may hold, before the database is asked.
func check(records []Record) error {
	if len(records) == 0 || len(records) > MaxRecords {
		return apperr.BadRequest.WithField("input.logs")
	}
	for i, r := range records {
		if field := r.fault(); field != "" {
			return apperr.BadRequest.WithField("input.logs[" + strconv.Itoa(i) + "]." + field)
		}
	}
	return nil
}

// fault names the field that no log may have, or is empty.
func (r Record) fault() string {
	switch {
	case r.TreatmentDate == "":
		return "treatmentDate"
	case r.FinishFlag != nil && !r.FinishFlag.Valid():
		return "finishFlag"
	case !count(r.LastIntensity):
		return "lastIntensity"
	case !count(r.TreatmentTime):
		return "treatmentTime"
	case r.LogFileID != nil && !count(*r.LogFileID):
		return "logFileId"
	}
	return ""
}

// count reports whether n is a number that GraphQL's Int can show.
func count(n int) bool { return n >= 0 && n <= math.MaxInt32 }

// connected loads the devices of the records and makes sure, record by record,
// that child and device exist, are the viewer's and belong together.
func connected(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record,
) (map[int]*ent.Device, error) {
	children, devices, err := load(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		owner, known := children[r.ChildUserID]
		d := devices[r.DeviceID]
		switch {
		case !known:
			return nil, apperr.NotFoundUser.New()
		case owner.RootUserID != v.RootUserID():
			return nil, apperr.NotAuthorizedUser.New()
		case d == nil || d.UniqueID == nil || *d.UniqueID != r.UniqueID:
			return nil, apperr.NotFoundDevice.New()
		case d.ChildUserID == nil || *d.ChildUserID != r.ChildUserID:
			return nil, apperr.NotConnectedDevice.New()
		}
		d.Edges.ChildUser = owner
		owner.Edges.Device = d
	}
	return devices, nil
}

func load(
	ctx context.Context, tx *store.Tx, records []Record,
) (children map[int]*ent.ChildUser, devices map[int]*ent.Device, err error) {
	childIDs := distinct(records, func(r Record) int { return r.ChildUserID })
	deviceIDs := distinct(records, func(r Record) int { return r.DeviceID })
	foundChildren, err := tx.ChildUser.Query().Where(childuser.IDIn(childIDs...)).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load child users: %w", err)
	}
	foundDevices, err := tx.Device.Query().Where(device.IDIn(deviceIDs...)).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load devices: %w", err)
	}
	children = make(map[int]*ent.ChildUser, len(foundChildren))
	for _, c := range foundChildren {
		children[c.ID] = c
	}
	devices = make(map[int]*ent.Device, len(foundDevices))
	for _, d := range foundDevices {
		devices[d.ID] = d
	}
	return children, devices, nil
}

func distinct(records []Record, id func(Record) int) []int {
	ids := make([]int, len(records))
	for i, r := range records {
		ids[i] = id(r)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
