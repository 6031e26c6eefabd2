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
	"luxbff/internal/viewer"
)

// Event is one change of a devlog as a subscriber sees it.
type Event struct {
	Cursor     string
	Change     vocab.DevlogChange
	OccurredAt time.Time
	Devlog     *ent.Devlog
	Device     *ent.Device
}

// eventRow is a stored event with what it is about. The log's fields are those at the time
// of the change; child and device are as they are now.
type eventRow struct {
	*ent.DevlogEvent
	child  *ent.ChildUser // nil if it was deleted after the event was read
	device *ent.Device
}

// readEvents reads at most batchSize events after a number, of one child or of all (nil).
// It takes two statements for any number of events, one where the child is given, and up to
// two more where none of these children has a device any more.
func (s *Service) readEvents(ctx context.Context, v viewer.Viewer, of *ent.ChildUser, after int64) ([]eventRow, error) {
	query := s.store.Read().DevlogEvent.Query().
		Where(devlogevent.RootUserID(v.RootUserID()), devlogevent.SeqGT(after)).
		Order(ent.Asc(devlogevent.FieldSeq)).Limit(batchSize)
	if of != nil {
		query.Where(devlogevent.ChildUserID(of.ID))
	}
	found, err := query.All(ctx)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	rows := make([]eventRow, len(found))
	for i, e := range found {
		rows[i] = eventRow{DevlogEvent: e}
	}
	return s.addObjects(ctx, v, of, rows)
}

// addObjects adds what the events are about. The children are read after the events: none
// is missing but those deleted meanwhile.
func (s *Service) addObjects(ctx context.Context, v viewer.Viewer, of *ent.ChildUser, rows []eventRow) ([]eventRow, error) {
	children := []*ent.ChildUser{of}
	if of == nil {
		var err error
		if children, err = s.children.List(ctx, v); err != nil {
			return nil, err
		}
	}
	for i, e := range rows {
		rows[i] = eventRow{DevlogEvent: e.DevlogEvent}
		for _, c := range children {
			if c.ID == e.ChildUserID {
				rows[i].child = c
			}
			if d := c.Edges.Device; d != nil && d.ID == e.DeviceID {
				rows[i].device = d
			}
		}
	}
	return rows, s.addDevices(ctx, rows)
}

// completeRows adds to events that were read with the start point what is missing: the
// objects of all, where one of the devices is no longer with the child.
func (s *Service) completeRows(ctx context.Context, v viewer.Viewer, rows []eventRow) ([]eventRow, error) {
	for _, row := range rows {
		if row.device == nil {
			return s.addObjects(ctx, v, nil, rows)
		}
	}
	return rows, nil
}

// addDevices sets the devices that none of the children has which were read.
func (s *Service) addDevices(ctx context.Context, rows []eventRow) error {
	var otherIDs []int
	for _, row := range rows {
		if row.device == nil {
			otherIDs = append(otherIDs, row.DeviceID)
		}
	}
	if len(otherIDs) == 0 {
		return nil
	}
	others, err := s.store.Read().Device.Query().Where(device.IDIn(otherIDs...)).WithChildUser().All(ctx)
	if err != nil {
		return fmt.Errorf("read devices: %w", err)
	}
	for i, row := range rows {
		for _, d := range others {
			if row.device == nil && d.ID == row.DeviceID {
				rows[i].device = d
			}
		}
	}
	return nil
}

// newEvent builds what a subscriber of all children (nil) or of one sees of a stored
// event. All that it leads to is loaded, so that nothing of it can fail when it is sent,
// whatever is deleted or moved by then.
func newEvent(row eventRow, childUserID *int) *Event {
	c, d := row.objects()
	d.LastLogFileID = row.LastLogFileID
	log := &ent.Devlog{
		ID: row.DevlogID, RootUserID: row.RootUserID, ChildUserID: row.ChildUserID, DeviceID: row.DeviceID,
		Status: row.Status, FinishFlag: row.FinishFlag,
		TreatmentDate: row.TreatmentDate, TreatmentOffset: row.TreatmentOffset,
		LastIntensity: row.LastIntensity, TreatmentTime: row.TreatmentTime, LogFileID: row.LogFileID,
		CreatedAt: row.DevlogCreatedAt, UpdatedAt: row.OccurredAt, ChangeSeq: row.Seq,
	}
	log.Edges.ChildUser, log.Edges.Device = c, d
	c.Edges.Devlogs = []*ent.Devlog{log} // the child's history shows this log as it is here
	at := cursor{rootUserID: row.RootUserID, seq: row.Seq, occurredAt: row.OccurredAt}
	if childUserID != nil {
		at.childUserID = *childUserID
	}
	return &Event{Cursor: at.String(), Change: row.Change, OccurredAt: row.OccurredAt, Devlog: log, Device: d}
}

// objects returns the child and the device of an event in copies that lead to each other
// and to no other copy: events of one batch share the rows, and each shows its own number.
func (row eventRow) objects() (*ent.ChildUser, *ent.Device) {
	shared := *row.device
	if owner := shared.Edges.ChildUser; owner != nil {
		copied := *owner
		shared.Edges.ChildUser = &copied
	}
	d := child.VisibleDevice(&shared, row.RootUserID)
	if owner := d.Edges.ChildUser; owner != nil && owner.ID == row.ChildUserID {
		return owner, d
	}
	// The device is no longer with the child, which may have another.
	c := *row.child
	if other := c.Edges.Device; other != nil {
		copied := *other
		c.Edges.Device, copied.Edges.ChildUser = &copied, &c
	}
	return &c, d
}
