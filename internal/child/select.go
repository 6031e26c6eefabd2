package child

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/column"
	"luxbff/ent/device"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

// The statements that read children with their devices are written by hand
// because the home screen waits for them: ent needs two statements where these
// need one, and five times as long. The columns are those of the entities, so
// that a new one is read without a change here.
var (
	selectChildren = "SELECT " + column.Values("c", childuser.Columns) + ", " + column.Values("d", deviceColumns) +
		" FROM child_users c LEFT JOIN devices d ON d.child_user_id = c.id"
	selectChildrenOfAccount = selectChildren + " WHERE c.root_user_id = $1 ORDER BY c.id"
	selectChildByID         = selectChildren + " WHERE c.id = $1"
)

// deviceColumns leaves out who has the device: that is the child it is joined to,
// which is then also the last that had it.
var deviceColumns = column.Except(device.Columns,
	device.FieldRootUserID, device.FieldChildUserID, device.FieldLastChildUserID)

// List returns the viewer's children, oldest first, each with its device, in one
// statement for any number of them.
func (s *Service) List(ctx context.Context, v viewer.Viewer) ([]*ent.ChildUser, error) {
	return s.queryChildren(ctx, selectChildrenOfAccount, v.RootUserID())
}

// MakeFamily links children that were read together to each other, through the account
// above them. What is asked of one of them in a list can then be read for all at once,
// and a device that went from one to another is found with the one that has it.
func MakeFamily(root *ent.User, children []*ent.ChildUser) {
	root.Edges.ChildUsers = children
	for _, c := range children {
		c.Edges.RootUser = root
	}
}

// Family gives the children that were read together with a child, itself among them.
func Family(of *ent.ChildUser) []*ent.ChildUser {
	if of.Edges.RootUser == nil {
		return []*ent.ChildUser{of}
	}
	return of.Edges.RootUser.Edges.ChildUsers
}

// Get returns one child with its device. Errors: RealUserNotFound,
// NotAuthorizedUser.
func (s *Service) Get(ctx context.Context, v viewer.Viewer, id int) (*ent.ChildUser, error) {
	found, err := s.queryChildren(ctx, selectChildByID, id)
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

// Device returns the device of a child. Errors: DeviceNotFound (no such child, or
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

// DeviceByID returns a device that one of the viewer's children has, with that child. One that
// nobody has is not found by its number alone, which anybody can guess. Errors:
// NotFoundDevice, NotAuthorizedUser (another account's).
func (s *Service) DeviceByID(ctx context.Context, v viewer.Viewer, id int) (*ent.Device, error) {
	found, err := s.store.Read().Device.Query().Where(device.ID(id)).WithChildUser().Only(ctx)
	switch {
	case ent.IsNotFound(err), err == nil && found.RootUserID == nil:
		return nil, apperr.NotFoundDevice.New()
	case err != nil:
		return nil, fmt.Errorf("read device: %w", err)
	case *found.RootUserID != v.RootUserID():
		return nil, apperr.NotAuthorizedUser.New()
	}
	return VisibleDevice(found, v.RootUserID()), nil
}

// linkDevice links the device that was joined to a child to it. The columns of one that isn't
// there are null, which leaves its id at 0.
func linkDevice(c *ent.ChildUser, d *ent.Device) {
	if d.ID != 0 {
		d.RootUserID, d.ChildUserID, d.LastChildUserID = &c.RootUserID, &c.ID, &c.ID
		linkEdges(c, d)
	}
}

// queryChildren reads what a query that begins with selectChildren finds.
func (s *Service) queryChildren(ctx context.Context, query string, args ...any) ([]*ent.ChildUser, error) {
	rows, err := s.store.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read child users: %w", err)
	}
	defer func() { _ = rows.Close() }()
	children := []*ent.ChildUser{}
	targets := make([]any, 0, len(childuser.Columns)+len(deviceColumns))
	for rows.Next() {
		c, d := &ent.ChildUser{}, &ent.Device{}
		targets = c.AppendTargets(targets[:0], childuser.Columns)
		targets = d.AppendTargets(targets, deviceColumns)
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("scan child user: %w", err)
		}
		linkDevice(c, d)
		children = append(children, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read child users: %w", err)
	}
	return children, nil
}
