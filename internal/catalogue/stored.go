package catalogue

import (
	"context"
	"fmt"

	"luxbff/internal/store"
)

// storedDevice is what the catalogue says of a device in the database, and whether
// somebody has it.
type storedDevice struct {
	id                                int
	serialCode, mac                   string
	projectID, hardwareID, firmwareID int32
	firmwareVersion                   string
	uniqueID                          string // empty for none
	isTaken                           bool
}

// storedDevices are the devices in the database that share a serial code, a MAC
// id or a unique id with a line of a batch.
type storedDevices struct{ bySerialCode, byMAC, byUniqueID map[string]*storedDevice }

func newStoredDevices() storedDevices {
	return storedDevices{map[string]*storedDevice{}, map[string]*storedDevice{}, map[string]*storedDevice{}}
}

// listQuerier is the pool of readers or a transaction.
type listQuerier interface {
	QueryWithList(ctx context.Context, list any, query string, args ...any) (*store.Rows, error)
}

// The three names of a device are each found by an index. CROSS JOIN has SQLite begin with
// the list, of which it knows no size.
const (
	selectDevices = `SELECT devices.id, serial_code, mac_id, project_id, hardware_id, now_firmware_id, firmware_version,
		COALESCE(unique_id, ''), child_user_id IS NOT NULL FROM list CROSS JOIN devices WHERE `
	selectBySerialCode = selectDevices + `serial_code = value->>0`
	selectByOtherNames = selectDevices + `mac_id = value->>1 UNION ` + selectDevices + `unique_id = value->>2`
	selectByID         = selectDevices + `devices.id = CAST(value->>0 AS bigint)`
	selectIDs          = `SELECT devices.id FROM list CROSS JOIN devices WHERE serial_code = value->>0
		UNION SELECT devices.id FROM list CROSS JOIN devices WHERE mac_id = value->>1
		UNION SELECT devices.id FROM list CROSS JOIN devices WHERE unique_id = value->>2`
)

// names is the list by which the devices of a batch are found.
func names(batch []entry) [][]any {
	list := make([][]any, len(batch))
	for i, e := range batch {
		list[i] = []any{e.serialCode, e.mac, nullIfEmpty(e.uniqueID)}
	}
	return list
}

func nullIfEmpty(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// readStored reads the devices of a batch outside of a transaction. A MAC or unique id
// that its own device has is had by no other, so only those of other lines are looked
// for: most files repeat what is stored.
func readStored(ctx context.Context, db listQuerier, batch []entry) (storedDevices, error) {
	stored := newStoredDevices()
	if err := stored.read(ctx, db, names(batch), selectBySerialCode); err != nil {
		return stored, err
	}
	var moved []entry
	for _, e := range batch {
		d := stored.bySerialCode[e.serialCode]
		if d == nil || d.mac != e.mac || e.uniqueID != "" && d.uniqueID != e.uniqueID {
			moved = append(moved, e)
		}
	}
	if len(moved) == 0 {
		return stored, nil
	}
	return stored, stored.read(ctx, db, names(moved), selectByOtherNames)
}

func idList(ids []int) [][]any {
	list := make([][]any, len(ids))
	for i, id := range ids {
		list[i] = []any{id}
	}
	return list
}

// read adds the devices that the query finds.
func (s storedDevices) read(ctx context.Context, db listQuerier, list [][]any, query string) error {
	rows, err := db.QueryWithList(ctx, list, query)
	if err != nil {
		return fmt.Errorf("read devices: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		d := new(storedDevice)
		err := rows.Scan(&d.id, &d.serialCode, &d.mac, &d.projectID, &d.hardwareID, &d.firmwareID, &d.firmwareVersion,
			&d.uniqueID, &d.isTaken)
		if err != nil {
			return fmt.Errorf("read devices: %w", err)
		}
		s.bySerialCode[d.serialCode], s.byMAC[d.mac] = d, d
		if d.uniqueID != "" {
			s.byUniqueID[d.uniqueID] = d
		}
	}
	return rows.Err()
}

// otherWithMAC is another device that has the MAC of the entry, nil if there is none.
func (s storedDevices) otherWithMAC(e entry) *storedDevice {
	if d := s.byMAC[e.mac]; d != nil && d.serialCode != e.serialCode {
		return d
	}
	return nil
}

// otherWithUniqueID is another device that has the unique id which the entry would
// write; nil if there is none, or if the entry writes none because somebody has its
// device.
func (s storedDevices) otherWithUniqueID(e entry) *storedDevice {
	own := s.bySerialCode[e.serialCode]
	if e.uniqueID == "" || own != nil && own.isTaken {
		return nil
	}
	if d := s.byUniqueID[e.uniqueID]; d != nil && d.serialCode != e.serialCode {
		return d
	}
	return nil
}

// settleUniqueID takes the unique id from an entry if somebody has the device that bears
// it, and reports that.
func (s storedDevices) settleUniqueID(e *entry) *LineError {
	other := s.otherWithUniqueID(*e)
	if other == nil || !other.isTaken {
		return nil
	}
	reason := fmt.Sprintf("stored without the unique_id %s, which device %s has, and somebody has that device", e.uniqueID, other.serialCode)
	e.uniqueID = ""
	return &LineError{e.line, reason}
}

// applied is the device as the entry leaves it.
func (e *entry) applied(d storedDevice) storedDevice {
	d.mac, d.projectID, d.hardwareID = e.mac, e.projectID, e.hardwareID
	d.firmwareID, d.firmwareVersion = e.firmwareID, e.firmwareVersion
	if e.uniqueID != "" && !d.isTaken {
		d.uniqueID = e.uniqueID
	}
	return d
}
