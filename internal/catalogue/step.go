package catalogue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/internal/store"
)

// importLock lets one step of all imports run at a time on PostgreSQL: two steps that
// add the same devices in another order would each wait for the other.
const importLock = "devices import"

// The statements that change many devices, each with a list.
const (
	clearUniqueIDs = `UPDATE devices SET unique_id = NULL WHERE id IN (SELECT CAST(value->>0 AS bigint) FROM list)`
	// No MAC has this form, and nobody sees it, as the device gets another in the same
	// transaction.
	parkMACs      = `UPDATE devices SET mac_id = '#' || id WHERE id IN (SELECT CAST(value->>0 AS bigint) FROM list)`
	updateDevices = `UPDATE devices SET mac_id = value->>1, project_id = CAST(value->>2 AS bigint),
		hardware_id = CAST(value->>3 AS bigint), now_firmware_id = CAST(value->>4 AS bigint),
		firmware_version = value->>5, unique_id = value->>6
		FROM list WHERE devices.id = CAST(value->>0 AS bigint)`
)

// step is the work of one transaction.
type step struct {
	added   []entry
	updated []storedDevice // as they shall be
	// clearing and parking are the ids of devices that give away their unique id or MAC.
	// They do so before any line is written, as two devices may exchange theirs and the
	// database checks one row after the other.
	clearing, parking []int
	done              Imported
}

// writeStep writes a batch in one transaction, as the database is then.
func (i *Importer) writeStep(ctx context.Context, batch []entry) (Imported, error) {
	var done Imported
	err := i.cfg.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.LockText(ctx, importLock); err != nil {
			return err
		}
		stored, err := lockStored(ctx, tx, batch)
		if err != nil {
			return err
		}
		s, err := newStep(slices.Clone(batch), stored)
		if err != nil {
			return err
		}
		done = s.done
		return s.exec(ctx, tx, i.cfg.Clock())
	})
	return done, err
}

// newStep decides what becomes of each line.
func newStep(batch []entry, stored storedDevices) (*step, error) {
	s := new(step)
	inBatch := map[string]bool{}
	for i := range batch {
		s.settleUniqueID(&batch[i], stored)
		inBatch[batch[i].serialCode] = true
	}
	for _, e := range batch {
		if holder := stored.otherWithMAC(e); holder != nil {
			// The database would refuse it as well, but without naming the line.
			if !inBatch[holder.serialCode] {
				return nil, &LineError{e.line, takenMAC(holder)}
			}
			s.parking = append(s.parking, holder.id)
		}
		d := stored.bySerialCode[e.serialCode]
		switch {
		case d == nil:
			s.added = append(s.added, e)
		case *d == e.applied(*d):
			s.done.Unchanged++
		default:
			s.updated = append(s.updated, e.applied(*d))
		}
	}
	s.done.Added, s.done.Updated = len(s.added), len(s.updated)
	return s, nil
}

// settleUniqueID has another device give back the unique id of the entry if nobody has
// that device.
func (s *step) settleUniqueID(e *entry, stored storedDevices) {
	if conflict := stored.settleUniqueID(e); conflict != nil {
		s.done.Conflicts = append(s.done.Conflicts, *conflict)
	}
	if other := stored.otherWithUniqueID(*e); other != nil {
		s.clearing = append(s.clearing, other.id)
		other.uniqueID = ""
	}
}

// exec writes the step. A new device may get what another one gives away.
func (s *step) exec(ctx context.Context, tx *store.Tx, now time.Time) error {
	if err := changeDevices(ctx, tx, clearUniqueIDs, idList(s.clearing)); err != nil {
		return err
	}
	if err := changeDevices(ctx, tx, parkMACs, idList(s.parking)); err != nil {
		return err
	}
	updated := make([][]any, len(s.updated))
	for i, d := range s.updated {
		updated[i] = []any{d.id, d.mac, d.projectID, d.hardwareID, d.firmwareID, d.firmwareVersion, nullIfEmpty(d.uniqueID)}
	}
	if err := changeDevices(ctx, tx, updateDevices, updated); err != nil {
		return err
	}
	added := make([]*ent.DeviceCreate, len(s.added))
	for i, e := range s.added {
		added[i] = e.create(tx, now)
	}
	if err := tx.Device.CreateBulk(added...).Exec(ctx); err != nil {
		return fmt.Errorf("add devices: %w", err)
	}
	return nil
}

func changeDevices(ctx context.Context, tx *store.Tx, statement string, list [][]any) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := tx.ExecWithList(ctx, list, statement); err != nil {
		return fmt.Errorf("update devices: %w", err)
	}
	return nil
}

func (e *entry) create(tx *store.Tx, now time.Time) *ent.DeviceCreate {
	create := tx.Device.Create().SetSerialCode(e.serialCode).SetMACID(e.mac).
		SetProjectID(int(e.projectID)).SetHardwareID(int(e.hardwareID)).
		SetNowFirmwareID(int(e.firmwareID)).SetFirmwareVersion(e.firmwareVersion).SetCreatedAt(now)
	if e.uniqueID != "" {
		create.SetUniqueID(e.uniqueID)
	}
	return create
}

// lockStored reads the devices of a batch after it has locked them: whether somebody
// has a device decides what is written to it, and must not change in between.
func lockStored(ctx context.Context, tx *store.Tx, batch []entry) (storedDevices, error) {
	stored := newStoredDevices()
	ids, err := findIDs(ctx, tx, batch)
	if err != nil || len(ids) == 0 {
		return stored, err
	}
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return stored, err
	}
	return stored, stored.read(ctx, tx, idList(ids), selectByID)
}

func findIDs(ctx context.Context, tx *store.Tx, batch []entry) (ids []int, err error) {
	rows, err := tx.QueryWithList(ctx, names(batch), selectIDs)
	if err != nil {
		return nil, fmt.Errorf("find devices: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("find devices: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
