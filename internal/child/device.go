package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

const maxAlias = 100 // characters

var errNoInput = errors.New("the status of a check is no input")

// DeviceParams name a device of the catalogue. MacID is the full MAC or its
// last four hex digits in capitals. Without a UniqueID the device keeps the one
// it has, or gets a new one.
type DeviceParams struct {
	SerialCode string
	MacID      string
	UniqueID   *string
}

// CheckStatus answers whether the viewer may connect a device.
type CheckStatus string

// The two good answers of check-device (LUX device page).
const (
	ConnectionConfirmed CheckStatus = "CONNECTION_CONFIRMED"
	Registerable        CheckStatus = "REGISTERABLE"
)

// MarshalGQL writes the GraphQL name.
func (s CheckStatus) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(s))) }

// UnmarshalGQL refuses to be read: no input has the type.
func (s *CheckStatus) UnmarshalGQL(any) error { return errNoInput }

// Check finds a device by its unique id: mine, or free for me. Errors:
// NotFoundDevice, AlreadyConnectedDevice.
func (s *Service) Check(ctx context.Context, v viewer.Viewer, uniqueID string) (CheckStatus, *ent.Device, error) {
	if !text.UniqueID(uniqueID) {
		return "", nil, apperr.NotFoundDevice.New()
	}
	found, err := s.store.Read().Device.Query().Where(device.UniqueID(uniqueID)).WithChildUser().Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return "", nil, apperr.NotFoundDevice.New()
	case err != nil:
		return "", nil, fmt.Errorf("find device: %w", err)
	case found.ChildUserID == nil:
		return Registerable, Catalogued(found), nil
	case *found.RootUserID != v.RootUserID():
		return "", nil, apperr.AlreadyConnectedDevice.New()
	}
	return ConnectionConfirmed, found, nil
}

// Register gives a device to a child. For the child that has it already only
// its unique id changes. Errors: BadRequest, SerialCodeNotValid, NotFoundUser,
// NotAuthorizedUser, NotFoundDevice, AlreadyConnectedDevice.
func (s *Service) Register(ctx context.Context, v viewer.Viewer, childID int, p DeviceParams) (*ent.Device, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var registered *ent.Device
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockFamily(ctx, tx, v); err != nil {
			return err
		}
		found, err := own(ctx, tx.Client, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		err = s.register(ctx, tx, found, p)
		registered = found.Edges.Device
		return err
	})
	if err != nil {
		return nil, err
	}
	return registered, nil
}

// Unregister frees the device of a child; the device keeps its unique id.
// Errors: NotFoundUser, NotAuthorizedUser, NotFoundDevice.
func (s *Service) Unregister(ctx context.Context, v viewer.Viewer, childID int, uniqueID string) (*ent.Device, error) {
	var freed *ent.Device
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockFamily(ctx, tx, v); err != nil {
			return err
		}
		found, err := own(ctx, tx.Client, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		d := found.Edges.Device
		if d == nil || d.UniqueID == nil || *d.UniqueID != uniqueID {
			return apperr.NotFoundDevice.New()
		}
		freed = Catalogued(d)
		return free(ctx, tx, d.ID)
	})
	if err != nil {
		return nil, err
	}
	return freed, nil
}

// Rename sets the alias of the device of a child; it may be empty. Errors:
// BadRequest, NotFoundUser, NotAuthorizedUser, NotFoundDevice,
// NotConnectedDevice.
func (s *Service) Rename(
	ctx context.Context, v viewer.Viewer, childID, deviceID int, alias string,
) (*ent.Device, error) {
	if !text.Clean(alias, maxAlias) {
		return nil, apperr.BadRequest.WithField("input.deviceAlias")
	}
	var renamed *ent.Device
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockFamily(ctx, tx, v); err != nil {
			return err
		}
		found, err := own(ctx, tx.Client, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		renamed = found.Edges.Device
		if renamed == nil || renamed.ID != deviceID {
			return notConnected(ctx, tx, deviceID)
		}
		attach(found, renamed)
		renamed.DeviceAlias = alias
		return tx.Device.UpdateOneID(deviceID).SetDeviceAlias(alias).Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	return renamed, nil
}

// Catalogued is what is shown of a device that is not the viewer's: the facts
// of the catalogue, and nothing of who had it.
func Catalogued(d *ent.Device) *ent.Device {
	shown := *d
	shown.RootUserID, shown.ChildUserID, shown.LastChildUserID = nil, nil, nil
	shown.DeviceAlias, shown.LastLogFileID, shown.RegisteredAt = "", 0, nil
	shown.Edges = ent.DeviceEdges{}
	return &shown
}

// Moved is what an account is shown of a device that one of its logs came from
// and that the log's child has no more. What another account calls it now isn't
// part of that.
func Moved(d *ent.Device, rootUserID int) *ent.Device {
	shown := Catalogued(d)
	if d.RootUserID != nil && *d.RootUserID != rootUserID {
		shown.UniqueID = nil
	}
	return shown
}

func (p DeviceParams) check() error {
	switch {
	case !text.SerialCode(p.SerialCode):
		return apperr.SerialCodeNotValid.WithField("input.serialCode")
	case p.UniqueID != nil && !text.UniqueID(*p.UniqueID):
		return apperr.BadRequest.WithField("input.uniqueId")
	}
	return nil
}

func (p DeviceParams) fits(mac string) bool {
	digits := strings.ReplaceAll(mac, ":", "")
	return strings.EqualFold(p.MacID, mac) || len(digits) >= 4 && p.MacID == digits[len(digits)-4:]
}

// register gives the device to the child in the caller's transaction, which
// holds the family's lock.
func (s *Service) register(ctx context.Context, tx *store.Tx, to *ent.ChildUser, p DeviceParams) error {
	d, bearer, err := claim(ctx, tx, p)
	if err != nil {
		return err
	}
	if d.ChildUserID != nil && *d.ChildUserID != to.ID || to.Edges.Device != nil && to.Edges.Device.ID != d.ID {
		return apperr.AlreadyConnectedDevice.New()
	}
	if err := takeOver(ctx, tx, bearer); err != nil {
		return err
	}
	uniqueID, err := s.uniqueID(d, p)
	if err != nil {
		return err
	}
	change := d.Update().SetUniqueID(uniqueID)
	if d.ChildUserID == nil {
		change.SetChildUserID(to.ID).SetRootUserID(to.RootUserID).SetRegisteredAt(s.clock())
		if d.LastChildUserID == nil || *d.LastChildUserID != to.ID {
			change.SetLastChildUserID(to.ID).SetRegistration(d.Registration + 1).SetLastLogFileID(0)
		}
	}
	registered, err := change.Save(ctx)
	if err != nil {
		return fmt.Errorf("register device: %w", err)
	}
	attach(to, registered)
	return nil
}

// claim locks the device that the params name and the other device, if any,
// that bears the unique id they bring.
func claim(ctx context.Context, tx *store.Tx, p DeviceParams) (d, bearer *ent.Device, err error) {
	d, err = tx.Device.Query().Where(device.SerialCode(p.SerialCode)).Only(ctx)
	if ent.IsNotFound(err) || err == nil && !p.fits(d.MACID) {
		return nil, nil, apperr.NotFoundDevice.New()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find device: %w", err)
	}
	ids := []int{d.ID}
	if p.UniqueID != nil {
		bearers, err := tx.Device.Query().
			Where(device.UniqueID(*p.UniqueID), device.IDNEQ(d.ID)).IDs(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("find bearer: %w", err)
		}
		ids = append(ids, bearers...)
	}
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return nil, nil, err
	}
	locked, err := tx.Device.Query().Where(device.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load devices: %w", err)
	}
	for _, one := range locked {
		if one.ID == d.ID {
			d = one
		} else if one.UniqueID != nil && *one.UniqueID == *p.UniqueID {
			bearer = one
		}
	}
	return d, bearer, nil
}

// takeOver frees a unique id from an unregistered device that still bears it.
func takeOver(ctx context.Context, tx *store.Tx, bearer *ent.Device) error {
	switch {
	case bearer == nil:
		return nil
	case bearer.ChildUserID != nil:
		return apperr.AlreadyConnectedDevice.New()
	}
	return tx.Device.UpdateOne(bearer).ClearUniqueID().Exec(ctx)
}

func (s *Service) uniqueID(d *ent.Device, p DeviceParams) (string, error) {
	if p.UniqueID != nil {
		return *p.UniqueID, nil
	}
	if d.UniqueID != nil {
		return *d.UniqueID, nil
	}
	made, err := uuid.NewRandomFromReader(s.random)
	return made.String(), err
}

func attach(to *ent.ChildUser, d *ent.Device) {
	to.Edges.Device = d
	d.Edges.ChildUser = to
}

// notConnected tells a device that another child or nobody has from one that
// does not exist.
func notConnected(ctx context.Context, tx *store.Tx, deviceID int) error {
	known, err := tx.Device.Query().Where(device.ID(deviceID)).Exist(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find device: %w", err)
	case known:
		return apperr.NotConnectedDevice.New()
	}
	return apperr.NotFoundDevice.New()
}

// free clears who has the devices. The unique id, who had it last and where its
// logs stood stay, for the same child to come back to.
func free(ctx context.Context, tx *store.Tx, ids ...int) error {
	slices.Sort(ids)
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return err
	}
	err := tx.Device.Update().Where(device.IDIn(ids...)).
		ClearChildUserID().ClearRootUserID().ClearRegisteredAt().SetDeviceAlias("").
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("free devices: %w", err)
	}
	return nil
}

func freeAll(ctx context.Context, tx *store.Tx, rootUserID int) error {
	ids, err := tx.Device.Query().Where(device.RootUserID(rootUserID)).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	return free(ctx, tx, ids...)
}
