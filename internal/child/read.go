package child

import (
	"context"
	"database/sql"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// selectChildren reads children with their devices in one statement, written by
// hand because the home screen waits for it: a fifth of the time ent needs.
const selectChildren = `SELECT c.id, c.root_user_id, c.first_name, c.last_name, c.birthdate, c.gender, c.created_at,
	d.id, d.serial_code, d.mac_id, d.project_id, d.hardware_id, d.now_firmware_id, d.firmware_version,
	d.unique_id, d.device_alias, d.registration, d.last_log_file_id, d.registered_at, d.created_at
	FROM child_users c LEFT JOIN devices d ON d.child_user_id = c.id`

// List gives the viewer's children, oldest first, each with its device, in one
// statement for any number of them.
func (s *Service) List(ctx context.Context, v viewer.Viewer) ([]*ent.ChildUser, error) {
	return s.query(ctx, selectChildren+` WHERE c.root_user_id = $1 ORDER BY c.id`, v.RootUserID())
}

// Get gives one child with its device. Errors: RealUserNotFound,
// NotAuthorizedUser.
func (s *Service) Get(ctx context.Context, v viewer.Viewer, id int) (*ent.ChildUser, error) {
	found, err := s.query(ctx, selectChildren+` WHERE c.id = $1`, id)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, apperr.RealUserNotFound.New()
	case found[0].RootUserID != v.RootUserID():
		return nil, apperr.NotAuthorizedUser.New()
	}
	return found[0], nil
}

// Device gives the device of a child. Errors: DeviceNotFound (no such child, or
// it has no device), NotAuthorizedUser.
func (s *Service) Device(ctx context.Context, v viewer.Viewer, childID int) (*ent.Device, error) {
	found, err := s.Get(ctx, v, childID)
	if apperr.Is(err, apperr.RealUserNotFound) || err == nil && found.Edges.Device == nil {
		return nil, apperr.DeviceNotFound.New()
	}
	if err != nil {
		return nil, err
	}
	return found.Edges.Device, nil
}

func (s *Service) query(ctx context.Context, query string, args ...any) ([]*ent.ChildUser, error) {
	rows, err := s.store.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read child users: %w", err)
	}
	defer func() { _ = rows.Close() }()
	children := []*ent.ChildUser{}
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan child user: %w", err)
		}
		children = append(children, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read child users: %w", err)
	}
	return children, nil
}

// deviceColumns receive the joined device, all null where there is none.
type deviceColumns struct {
	id, projectID, hardwareID, firmwareID, registration, lastLogFileID sql.NullInt64
	serialCode, macID, firmwareVersion, uniqueID, alias                sql.NullString
	registeredAt, createdAt                                            sql.NullTime
}

func scan(rows *store.Rows) (*ent.ChildUser, error) {
	var c ent.ChildUser
	var d deviceColumns
	var birthdate, gender string
	err := rows.Scan(&c.ID, &c.RootUserID, &c.FirstName, &c.LastName, &birthdate, &gender, &c.CreatedAt,
		&d.id, &d.serialCode, &d.macID, &d.projectID, &d.hardwareID, &d.firmwareID, &d.firmwareVersion,
		&d.uniqueID, &d.alias, &d.registration, &d.lastLogFileID, &d.registeredAt, &d.createdAt)
	if err != nil {
		return nil, err
	}
	c.Birthdate, c.Gender = vocab.Date(birthdate), vocab.Gender(gender)
	if d.id.Valid {
		attach(&c, d.device(&c))
	}
	return &c, nil
}

func (d *deviceColumns) device(of *ent.ChildUser) *ent.Device {
	found := &ent.Device{
		ID: int(d.id.Int64), SerialCode: d.serialCode.String, MACID: d.macID.String,
		ProjectID: int(d.projectID.Int64), HardwareID: int(d.hardwareID.Int64),
		NowFirmwareID: int(d.firmwareID.Int64), FirmwareVersion: d.firmwareVersion.String,
		DeviceAlias: d.alias.String, RootUserID: &of.RootUserID, ChildUserID: &of.ID, LastChildUserID: &of.ID,
		Registration: int(d.registration.Int64), LastLogFileID: int(d.lastLogFileID.Int64),
		CreatedAt: d.createdAt.Time,
	}
	if d.uniqueID.Valid {
		found.UniqueID = &d.uniqueID.String
	}
	if d.registeredAt.Valid {
		found.RegisteredAt = &d.registeredAt.Time
	}
	return found
}
