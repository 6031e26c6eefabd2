package feed

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlogevent"
	"luxbff/ent/vocab"
	"luxbff/internal/child"
	"luxbff/internal/store"
)

// Event is one change of a devlog as a subscriber sees it.
type Event struct {
	Cursor     string
	Change     vocab.DevlogChange
	OccurredAt time.Time
	Devlog     *ent.Devlog
	Device     *ent.Device
}

// eventRow is a stored event with the device it is about. The log's fields are
// those at the time of the change; the device is as it is now.
type eventRow struct {
	*ent.DevlogEvent
	device *ent.Device
}

// readEvents reads at most batchSize events after a number, of one child or of all
// (nil), in two statements for any number of events and devices.
func readEvents(ctx context.Context, db *store.Store, rootUserID int, childUserID *int, after int64) ([]eventRow, error) {
	query := db.Read().DevlogEvent.Query().
		Where(devlogevent.RootUserID(rootUserID), devlogevent.SeqGT(after)).
		Order(ent.Asc(devlogevent.FieldSeq)).Limit(batchSize)
	if childUserID != nil {
		query.Where(devlogevent.ChildUserID(*childUserID))
	}
	found, err := query.All(ctx)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	deviceIDs := make([]int, len(found))
	for i, e := range found {
		deviceIDs[i] = e.DeviceID
	}
	devices, err := db.Read().Device.Query().Where(device.IDIn(deviceIDs...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	rows := make([]eventRow, len(found))
	for i, e := range found {
		rows[i] = eventRow{DevlogEvent: e}
		for _, d := range devices {
			if d.ID == e.DeviceID {
				rows[i].device = d
			}
		}
	}
	return rows, nil
}

// newEvent builds what a subscriber of all children (nil) or of one sees of a
// stored event.
func newEvent(row eventRow, childUserID *int) *Event {
	// Events of one batch share the device's row, and each sets its own number below:
	// so each gets a copy.
	d := child.VisibleDevice(row.device, row.RootUserID)
	d.LastLogFileID = row.LastLogFileID
	log := &ent.Devlog{
		ID: row.DevlogID, RootUserID: row.RootUserID, ChildUserID: row.ChildUserID, DeviceID: row.DeviceID,
		Status: row.Status, FinishFlag: row.FinishFlag, TreatmentDate: row.TreatmentDate, TreatmentOffset: row.TreatmentOffset,
		LastIntensity: row.LastIntensity, TreatmentTime: row.TreatmentTime, LogFileID: row.LogFileID,
		CreatedAt: row.DevlogCreatedAt, UpdatedAt: row.OccurredAt,
	}
	log.Edges.Device = d
	at := cursor{rootUserID: row.RootUserID, seq: row.Seq, occurredAt: row.OccurredAt}
	if childUserID != nil {
		at.childUserID = *childUserID
	}
	return &Event{Cursor: at.String(), Change: row.Change, OccurredAt: row.OccurredAt, Devlog: log, Device: d}
}
