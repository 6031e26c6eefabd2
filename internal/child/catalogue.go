package child

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// catalogueColumns head a catalogue file; unique_id may be left out.
var catalogueColumns = []string{
	"serial_code", "mac", "project_id", "hardware_id", "firmware_id", "firmware_version", "unique_id",
}

// macAddress is a MAC, or another id of letters and digits that a factory gave
// a device instead.
var macAddress = regexp.MustCompile(`^(?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|[0-9A-Za-z]{4,16})$`)

// Imported counts what a catalogue file changed.
type Imported struct{ Added, Updated, Unchanged int }

// LineError names the line of a catalogue file that can't be taken.
type LineError struct {
	Line   int
	Reason string
}

// Error names the line first.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// catalogueEntry is one line of a catalogue file.
type catalogueEntry struct {
	line                        int
	serial, mac                 string
	project, hardware, firmware int
	firmwareVersion             string
	uniqueID                    *string
}

// Import loads a catalogue of devices, all of the file or nothing. A device
// whose serial code is known is updated; who has it doesn't change, nor does the
// unique id of a device that somebody has. Errors: *LineError.
func (s *Service) Import(ctx context.Context, file io.Reader) (Imported, error) {
	entries, err := readCatalogue(file)
	if err != nil {
		return Imported{}, err
	}
	var done Imported
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		done = Imported{}
		for batch := range slices.Chunk(entries, 500) {
			if err := s.load(ctx, tx, batch, &done); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Imported{}, err
	}
	return done, nil
}

func (s *Service) load(ctx context.Context, tx *store.Tx, batch []catalogueEntry, done *Imported) error {
	known, err := knownDevices(ctx, tx, batch)
	if err != nil {
		return err
	}
	var added []*ent.DeviceCreate
	for _, e := range batch {
		if other := known.clash(e); other != nil {
			return &LineError{e.line, "the mac or unique_id is that of device " + other.SerialCode}
		}
		d := known.bySerial[e.serial]
		switch {
		case d == nil:
			added = append(added, e.create(tx, s))
		case e.same(d):
			done.Unchanged++
		default:
			if err := e.update(tx, d).Exec(ctx); err != nil {
				return fmt.Errorf("update device: %w", err)
			}
			done.Updated++
		}
	}
	if err := tx.Device.CreateBulk(added...).Exec(ctx); err != nil {
		return fmt.Errorf("add devices: %w", err)
	}
	done.Added += len(added)
	return nil
}

func (e catalogueEntry) create(tx *store.Tx, s *Service) *ent.DeviceCreate {
	return tx.Device.Create().
		SetSerialCode(e.serial).SetMACID(e.mac).
		SetProjectID(e.project).SetHardwareID(e.hardware).
		SetNowFirmwareID(e.firmware).SetFirmwareVersion(e.firmwareVersion).
		SetNillableUniqueID(e.uniqueID).SetCreatedAt(s.clock())
}

func (e catalogueEntry) update(tx *store.Tx, d *ent.Device) *ent.DeviceUpdate {
	change := tx.Device.Update().Where(device.ID(d.ID)).
		SetMACID(e.mac).SetProjectID(e.project).SetHardwareID(e.hardware).
		SetNowFirmwareID(e.firmware).SetFirmwareVersion(e.firmwareVersion)
	if d.ChildUserID == nil {
		change.SetNillableUniqueID(e.uniqueID)
	}
	return change
}

func (e catalogueEntry) same(d *ent.Device) bool {
	return e.mac == d.MACID && e.project == d.ProjectID && e.hardware == d.HardwareID &&
		e.firmware == d.NowFirmwareID && e.firmwareVersion == d.FirmwareVersion &&
		(e.uniqueID == nil || d.ChildUserID != nil || d.UniqueID != nil && *d.UniqueID == *e.uniqueID)
}

// catalogue is what is stored of the devices that a batch names in any way.
type catalogue struct{ bySerial, byMac, byUniqueID map[string]*ent.Device }

func knownDevices(ctx context.Context, tx *store.Tx, batch []catalogueEntry) (catalogue, error) {
	var serials, macs, uniqueIDs []string
	for _, e := range batch {
		serials, macs = append(serials, e.serial), append(macs, e.mac)
		if e.uniqueID != nil {
			uniqueIDs = append(uniqueIDs, *e.uniqueID)
		}
	}
	ids, err := tx.Device.Query().Where(device.Or(
		device.SerialCodeIn(serials...), device.MACIDIn(macs...), device.UniqueIDIn(uniqueIDs...),
	)).IDs(ctx)
	if err != nil {
		return catalogue{}, fmt.Errorf("find devices: %w", err)
	}
	// Who has a device must not change between the look and the write.
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return catalogue{}, err
	}
	found, err := tx.Device.Query().Where(device.IDIn(ids...)).All(ctx)
	if err != nil {
		return catalogue{}, fmt.Errorf("read devices: %w", err)
	}
	known := catalogue{map[string]*ent.Device{}, map[string]*ent.Device{}, map[string]*ent.Device{}}
	for _, d := range found {
		known.bySerial[d.SerialCode], known.byMac[d.MACID] = d, d
		if d.UniqueID != nil {
			known.byUniqueID[*d.UniqueID] = d
		}
	}
	return known, nil
}

// clash finds another device that has what the entry wants to be its own.
func (c catalogue) clash(e catalogueEntry) *ent.Device {
	if other := c.byMac[e.mac]; other != nil && other.SerialCode != e.serial {
		return other
	}
	if e.uniqueID == nil {
		return nil
	}
	if other := c.byUniqueID[*e.uniqueID]; other != nil && other.SerialCode != e.serial {
		return other
	}
	return nil
}

func readCatalogue(file io.Reader) ([]catalogueEntry, error) {
	lines := csv.NewReader(file)
	lines.FieldsPerRecord = -1
	lines.TrimLeadingSpace = true
	header, err := lines.Read()
	if err != nil {
		return nil, csvError(err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if n := len(header); n < len(catalogueColumns)-1 || n > len(catalogueColumns) ||
		!slices.Equal(header, catalogueColumns[:n]) {
		return nil, &LineError{1, "the header must be " + strings.Join(catalogueColumns, ",") +
			", where unique_id may be left out"}
	}
	var entries []catalogueEntry
	seen := map[string]int{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		line, _ := lines.FieldPos(0)
		e, err := parseEntry(line, fields, len(header))
		if err != nil {
			return nil, err
		}
		if err := e.once(seen); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
}

// csvError names the line of a file that is no CSV; one that ends before its
// header is empty.
func csvError(err error) error {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return &LineError{broken.Line, broken.Err.Error()}
	}
	if errors.Is(err, io.EOF) {
		return &LineError{1, "the file is empty"}
	}
	return fmt.Errorf("read the catalogue: %w", err)
}

func parseEntry(line int, fields []string, columns int) (catalogueEntry, error) {
	e := catalogueEntry{line: line}
	if len(fields) != columns {
		return e, &LineError{line, fmt.Sprintf("%d fields instead of %d", len(fields), columns)}
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	e.serial, e.mac, e.firmwareVersion = fields[0], canonicalMac(fields[1]), fields[5]
	for column, number := range map[int]*int{2: &e.project, 3: &e.hardware, 4: &e.firmware} {
		n, err := strconv.Atoi(fields[column])
		if err != nil || n < 0 || n > math.MaxInt32 {
			return e, &LineError{line, catalogueColumns[column] + " is not a number of 0 or more"}
		}
		*number = n
	}
	if columns == len(catalogueColumns) && fields[6] != "" {
		e.uniqueID = &fields[6]
	}
	return e, e.check()
}

func (e catalogueEntry) check() error {
	switch {
	case !serialCode.MatchString(e.serial):
		return &LineError{e.line, "serial_code is not 4 to 32 letters and digits"}
	case !macAddress.MatchString(e.mac):
		return &LineError{e.line, "mac is not a MAC as 00:80:E1:27:4C:84"}
	case e.firmwareVersion == "" || !text.Clean(e.firmwareVersion, 32):
		return &LineError{e.line, "firmware_version is not 1 to 32 characters"}
	case e.uniqueID != nil && !validUniqueID(*e.uniqueID):
		return &LineError{e.line, "unique_id is not at most 255 characters"}
	}
	return nil
}

// once refuses a second line about the same device.
func (e catalogueEntry) once(seen map[string]int) error {
	names := []string{"serial_code " + e.serial, "mac " + e.mac}
	if e.uniqueID != nil {
		names = append(names, "unique_id "+*e.uniqueID)
	}
	for _, name := range names {
		if before, twice := seen[name]; twice {
			return &LineError{e.line, fmt.Sprintf("%s stands in line %d already", name, before)}
		}
		seen[name] = e.line
	}
	return nil
}

// canonicalMac spells a MAC in capitals; another id stays as it is.
func canonicalMac(mac string) string {
	if strings.Contains(mac, ":") {
		return strings.ToUpper(mac)
	}
	return mac
}
