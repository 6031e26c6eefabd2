package child

import (
	"context"
	"fmt"
	"io"
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

var errOutputOnly = apperr.Text("the status of a check is no input")

// DeviceParams name a device of the catalogue. MacID is the full MAC or, as LUX
// apps send it, its last four hex digits in capitals. Without a UniqueID the device
// keeps the one it has, or gets a new one.
type DeviceParams struct {
	SerialCode string
	MacID      string
	UniqueID   *string
}

// CheckStatus says how the viewer may use a device that exists.
type CheckStatus string

// The two answers of check-device that are no errors (LUX device page).
const (
	ConnectionConfirmed CheckStatus = "CONNECTION_CONFIRMED" // a child of the viewer's has it
	Registerable        CheckStatus = "REGISTERABLE"         // nobody has it
)

// MarshalGQL writes the GraphQL name.
func (s CheckStatus) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(s))) }

// UnmarshalGQL always fails. gqlgen asks for it, though no input of the schema has
// the type.
func (s *CheckStatus) UnmarshalGQL(any) error { return errOutputOnly }

// CheckDevice finds a device by its unique id and says whether the viewer has it
// already or may register it. The device comes without the child that has it. An id that no
// device has counts against the limits. Errors: NotFoundDevice, AlreadyConnectedDevice
// (another account has it), TooManyRequests.
func (s *Service) CheckDevice(ctx context.Context, v viewer.Viewer, uniqueID string) (CheckStatus, *ent.Device, error) {
	if !text.UniqueID(uniqueID) {
		return "", nil, apperr.NotFoundDevice.New()
	}
	refund, err := s.limits.UniqueID(v.RootUserID())
	if err != nil {
		return "", nil, err
	}
	found, err := s.store.Read().Device.Query().Where(device.UniqueID(uniqueID)).Only(ctx)
	if !ent.IsNotFound(err) {
		refund()
	}
	switch {
	case ent.IsNotFound(err):
		return "", nil, apperr.NotFoundDevice.New()
	case err != nil:
		return "", nil, fmt.Errorf("find device: %w", err)
	case found.ChildUserID == nil:
		return Registerable, CatalogueFacts(found), nil
	case *found.RootUserID != v.RootUserID():
		return "", nil, apperr.AlreadyConnectedDevice.New()
	}
	return ConnectionConfirmed, found, nil
}

// CheckDeviceBeside is [Service.CheckDevice] for an answer that shows these children of
// the viewer as well. A device of one of them is that child's, as it was read with it; one
// that a child got only since is shown as it was before, when nobody had it.
func (s *Service) CheckDeviceBeside(
	ctx context.Context, v viewer.Viewer, children []*ent.ChildUser, uniqueID string,
) (CheckStatus, *ent.Device, error) {
	for _, c := range children {
		if d := c.Edges.Device; d != nil && d.UniqueID != nil && *d.UniqueID == uniqueID {
			return ConnectionConfirmed, d, nil
		}
	}
	status, found, err := s.CheckDevice(ctx, v, uniqueID)
	if err == nil && status == ConnectionConfirmed {
		return Registerable, CatalogueFacts(found), nil
	}
	return status, found, err
}

// RegisterDevice connects a device to a child. If it is connected to that child
// already, only its unique id changes. Errors: BadRequest, SerialCodeNotValid,
// NotFoundUser, NotAuthorizedUser, NotFoundDevice, AlreadyConnectedDevice,
// TooManyRequests.
func (s *Service) RegisterDevice(ctx context.Context, v viewer.Viewer, childID int, p DeviceParams) (*ent.Device, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var registered *ent.Device
	err := s.writeWithDevice(ctx, v, p, func(ctx context.Context, tx *store.Tx) error {
		found, err := changeOwn(ctx, tx, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		err = s.connect(ctx, tx, found, p)
		registered = found.Edges.Device
		return err
	})
	if err != nil {
		return nil, err
	}
	return registered, nil
}

// UnregisterDevice disconnects the device of a child and returns what anybody may
// see of it then. The device keeps its unique id. Errors: NotFoundUser,
// NotAuthorizedUser, NotFoundDevice.
func (s *Service) UnregisterDevice(ctx context.Context, v viewer.Viewer, childID int, uniqueID string) (*ent.Device, error) {
	var unregistered *ent.Device
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockAccount(ctx, tx, v); err != nil {
			return err
		}
		found, err := changeOwn(ctx, tx, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		d := found.Edges.Device
		if d == nil || d.UniqueID == nil || *d.UniqueID != uniqueID {
			return apperr.NotFoundDevice.WithField("input.uniqueId")
		}
		unregistered = CatalogueFacts(d)
		return disconnect(ctx, tx, d.ID)
	})
	if err != nil {
		return nil, err
	}
	return unregistered, nil
}

// UpdateDeviceAlias sets the name that a family gives to the device of a child,
// which may be empty and otherwise is a name as any other. Errors: BadRequest,
// NotFoundUser, NotAuthorizedUser, NotFoundDevice, NotConnectedDevice.
func (s *Service) UpdateDeviceAlias(
	ctx context.Context, v viewer.Viewer, childID, deviceID int, alias string,
) (*ent.Device, error) {
	if !text.NameOrEmpty(alias) {
		return nil, apperr.BadRequest.WithField("input.deviceAlias")
	}
	var updated *ent.Device
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockAccount(ctx, tx, v); err != nil {
			return err
		}
		found, err := changeOwn(ctx, tx, v, childID, apperr.NotFoundUser)
		if err != nil {
			return err
		}
		updated = found.Edges.Device
		if updated == nil || updated.ID != deviceID {
			return notConnectedError(ctx, tx, deviceID)
		}
		linkEdges(found, updated)
		updated.DeviceAlias = alias
		return tx.Device.UpdateOneID(deviceID).SetDeviceAlias(alias).Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// CatalogueFacts returns what anybody may see of a device: the facts of the
// catalogue and its unique id, and nothing of who has it or had it. The given
// device stays as it is.
func CatalogueFacts(d *ent.Device) *ent.Device {
	facts := *d
	facts.RootUserID, facts.ChildUserID, facts.LastChildUserID = nil, nil, nil
	facts.DeviceAlias, facts.LastLogFileID, facts.RegisteredAt = "", 0, nil
	facts.Edges = ent.DeviceEdges{}
	return &facts
}

// VisibleDevice returns what an account may see of a device that wrote one of its
// devlogs, in a copy. A device that one of its children has is shown as it stands, also
// below the log of another child that had it before; any other by the facts of the
// catalogue. If another account has the device now, the unique id is left out: that
// account's app may have set it.
func VisibleDevice(d *ent.Device, rootUserID int) *ent.Device {
	if d.RootUserID != nil && *d.RootUserID == rootUserID {
		own := *d
		if c := d.Edges.ChildUser; c != nil {
			linkEdges(c, &own)
		}
		return &own
	}
	facts := CatalogueFacts(d)
	if d.RootUserID != nil {
		facts.UniqueID = nil
	}
	return facts
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

// matchesMAC reports whether MacID is the MAC in any case, or its last four digits
// in capitals.
func (p DeviceParams) matchesMAC(mac string) bool {
	digits := strings.ReplaceAll(mac, ":", "")
	return strings.EqualFold(p.MacID, mac) || len(digits) >= 4 && p.MacID == digits[len(digits)-4:]
}

// writeWithDevice runs a write that connects the device of the params, with the account
// locked. A write that finds no such device was a guess, which counts against the limits;
// any other costs nothing.
func (s *Service) writeWithDevice(
	ctx context.Context, v viewer.Viewer, p DeviceParams, write func(context.Context, *store.Tx) error,
) error {
	refund, err := s.limits.Device(v.RootUserID(), p.SerialCode)
	if err != nil {
		return err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockAccount(ctx, tx, v); err != nil {
			return err
		}
		return write(ctx, tx)
	})
	if !apperr.Is(err, apperr.NotFoundDevice) {
		refund()
	}
	return err
}

// connect registers the device for the child, in the caller's transaction. The
// caller has locked the account, so that the child can't get two devices at once.
func (s *Service) connect(ctx context.Context, tx *store.Tx, to *ent.ChildUser, p DeviceParams) error {
	d, holder, err := lockDevices(ctx, tx, p)
	if err != nil {
		return err
	}
	// A child has one device and a device has one child.
	switch {
	case d.ChildUserID != nil && *d.ChildUserID != to.ID:
		return apperr.AlreadyConnectedDevice.WithField("input.serialCode")
	case to.Edges.Device != nil && to.Edges.Device.ID != d.ID:
		return apperr.AlreadyConnectedDevice.WithField("input.childUserId")
	}
	// A unique id names one device: it moves here from a device that nobody has.
	if holder != nil {
		if holder.ChildUserID != nil {
			return apperr.AlreadyConnectedDevice.WithField("input.uniqueId")
		}
		if err := tx.Device.UpdateOne(holder).ClearUniqueID().Exec(ctx); err != nil {
			return fmt.Errorf("take the unique id: %w", err)
		}
	}
	uniqueID, err := s.uniqueID(d, p)
	if err != nil {
		return err
	}
	change := d.Update().SetUniqueID(uniqueID)
	if d.ChildUserID == nil {
		change.SetChildUserID(to.ID).SetRootUserID(to.RootUserID).SetRegisteredAt(s.clock())
		// A child that gets its own device back goes on where it was. For another
		// child the numbers of log files start again.
		if d.LastChildUserID == nil || *d.LastChildUserID != to.ID {
			change.SetLastChildUserID(to.ID).SetRegistration(d.Registration + 1).SetLastLogFileID(0)
		}
	}
	registered, err := change.Save(ctx)
	if err != nil {
		return fmt.Errorf("register device: %w", err)
	}
	linkEdges(to, registered)
	return nil
}

// lockDevices locks and reads the device that the params name and the holder of
// their unique id: another device that has it, nil if none does. Both are found
// first, then locked in the order of their ids, so that two requests never wait for
// each other, and read again, because they may have changed before they were
// locked. Errors: NotFoundDevice, the same for a serial code of no device as for another
// MAC, because a stranger must not find out which serial codes exist.
func lockDevices(ctx context.Context, tx *store.Tx, p DeviceParams) (d, holder *ent.Device, err error) {
	d, err = tx.Device.Query().Where(device.SerialCode(p.SerialCode)).Only(ctx)
	switch {
	case err != nil && !ent.IsNotFound(err):
		return nil, nil, fmt.Errorf("find device: %w", err)
	case err != nil || !p.matchesMAC(d.MACID):
		return nil, nil, apperr.NotFoundDevice.WithField("input.serialCode").
			WithReason("No device has this serial code with this MAC.")
	}
	ids := []int{d.ID}
	if p.UniqueID != nil {
		holders, err := tx.Device.Query().
			Where(device.UniqueID(*p.UniqueID), device.IDNEQ(d.ID)).IDs(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("find the holder of the unique id: %w", err)
		}
		ids = append(ids, holders...)
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
			holder = one
		}
	}
	return d, holder, nil
}

// uniqueID chooses the unique id of a device that is registered: what the app
// sends, or what the device has, or a new UUID.
func (s *Service) uniqueID(d *ent.Device, p DeviceParams) (string, error) {
	if p.UniqueID != nil {
		return *p.UniqueID, nil
	}
	if d.UniqueID != nil {
		return *d.UniqueID, nil
	}
	created, err := uuid.NewRandomFromReader(s.random)
	return created.String(), err
}

// linkEdges sets the edges of a child and its device to each other. The GraphQL
// schema can be asked for either from the other.
func linkEdges(c *ent.ChildUser, d *ent.Device) {
	c.Edges.Device = d
	d.Edges.ChildUser = c
}

// notConnectedError is why a device is not the child's: it doesn't exist, or
// another child or nobody has it.
func notConnectedError(ctx context.Context, tx *store.Tx, deviceID int) error {
	known, err := tx.Device.Query().Where(device.ID(deviceID)).Exist(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find device: %w", err)
	case known:
		return apperr.NotConnectedDevice.WithField("input.deviceId")
	}
	return apperr.NotFoundDevice.WithField("input.deviceId")
}

// disconnect clears who has the devices. The unique id, who had the device last
// and its last log file id stay, so that the same child can come back to them.
func disconnect(ctx context.Context, tx *store.Tx, ids ...int) error {
	if len(ids) == 0 {
		return nil
	}
	if err := tx.Lock(ctx, device.Table, ids...); err != nil {
		return err
	}
	err := tx.Device.Update().Where(device.IDIn(ids...)).
		ClearChildUserID().ClearRootUserID().ClearRegisteredAt().SetDeviceAlias("").
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("disconnect devices: %w", err)
	}
	return nil
}
