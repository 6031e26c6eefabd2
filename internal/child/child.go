// Package child holds the rules of children and their devices: create, list,
// register, unregister, check, rename, update and delete. It imports neither
// gqlgen nor net/http.
package child

import (
	"context"
	"fmt"
	"io"
	"time"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/user"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// Config is what the package needs from outside. Random feeds new unique ids.
type Config struct {
	Store  *store.Store
	Hub    *pubsub.Hub
	Clock  func() time.Time
	Random io.Reader
}

// Service answers for children and devices.
type Service struct {
	store  *store.Store
	hub    *pubsub.Hub
	clock  func() time.Time
	random io.Reader
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, hub: c.Hub, clock: c.Clock, random: c.Random}
}

// CreateParams describe a child and the device it starts with.
type CreateParams struct {
	FirstName string
	LastName  string // may be empty
	Birthdate vocab.Date
	Gender    vocab.Gender
	DeviceParams
}

// UpdateParams changes what is not nil.
type UpdateParams struct {
	FirstName *string
	LastName  *string
	Birthdate *vocab.Date
	Gender    *vocab.Gender
}

// Create makes a child with its device, both or neither. Errors: BadRequest,
// UserIsDeleted, SerialCodeNotValid, NotFoundDevice, AlreadyConnectedDevice;
// RealUserCreateFailed when the database refuses the child.
func (s *Service) Create(ctx context.Context, v viewer.Viewer, p CreateParams) (*ent.ChildUser, error) {
	if err := s.checkPerson(p.person()); err != nil {
		return nil, err
	}
	if err := p.DeviceParams.check(); err != nil {
		return nil, err
	}
	var made *ent.ChildUser
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err = lockFamily(ctx, tx, v); err != nil {
			return err
		}
		if err = alive(ctx, tx, v); err != nil {
			return err
		}
		made, err = tx.ChildUser.Create().
			SetRootUserID(v.RootUserID()).
			SetFirstName(p.FirstName).
			SetLastName(p.LastName).
			SetBirthdate(p.Birthdate).
			SetGender(p.Gender).
			SetCreatedAt(s.clock()).
			Save(ctx)
		if err != nil {
			return apperr.RealUserCreateFailed.Wrap(err)
		}
		return s.register(ctx, tx, made, p.DeviceParams)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Update changes a child's own data. Errors: RealUserNotFound,
// NotAuthorizedUser, BadRequest.
func (s *Service) Update(ctx context.Context, v viewer.Viewer, id int, p UpdateParams) (*ent.ChildUser, error) {
	if err := s.checkPerson(p); err != nil {
		return nil, err
	}
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := own(ctx, tx.Client, v, id, apperr.RealUserNotFound); err != nil {
			return err
		}
		return tx.ChildUser.UpdateOneID(id).
			SetNillableFirstName(p.FirstName).
			SetNillableLastName(p.LastName).
			SetNillableBirthdate(p.Birthdate).
			SetNillableGender(p.Gender).
			Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, v, id)
}

// Delete removes a child with its devlogs and frees its device. A child that
// has a device goes only when uniqueID names it. Errors: RealUserNotFound,
// NotAuthorizedUser, RealUserDeleteFailed.
func (s *Service) Delete(ctx context.Context, v viewer.Viewer, id int, uniqueID string) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockFamily(ctx, tx, v); err != nil {
			return err
		}
		found, err := own(ctx, tx.Client, v, id, apperr.RealUserNotFound)
		if err != nil {
			return err
		}
		if d := found.Edges.Device; d != nil {
			if d.UniqueID == nil || *d.UniqueID != uniqueID {
				return apperr.RealUserDeleteFailed.New()
			}
			if err := free(ctx, tx, d.ID); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { s.hub.Notify(v.RootUserID()) })
		return tx.ChildUser.DeleteOneID(id).Exec(ctx)
	})
}

// RemoveAll frees the devices of an account that is being deleted and removes
// its children with all that hangs on them, in the caller's transaction.
func RemoveAll(ctx context.Context, tx *store.Tx, rootUserID int) error {
	if err := freeAll(ctx, tx, rootUserID); err != nil {
		return err
	}
	_, err := tx.ChildUser.Delete().Where(childuser.RootUserID(rootUserID)).Exec(ctx)
	return err
}

// own loads a child with its device when it is the viewer's. Missing is what
// the action's page calls a child that does not exist.
func own(
	ctx context.Context, client *ent.Client, v viewer.Viewer, id int, missing apperr.Kind,
) (*ent.ChildUser, error) {
	found, err := client.ChildUser.Query().Where(childuser.ID(id)).WithDevice().Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, missing.New()
	case err != nil:
		return nil, fmt.Errorf("load child user: %w", err)
	case found.RootUserID != v.RootUserID():
		return nil, apperr.NotAuthorizedUser.New()
	}
	return found, nil
}

// lockFamily makes the writes of one account wait for each other.
func lockFamily(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	return tx.Lock(ctx, user.Table, v.RootUserID())
}

// alive refuses an account that was deleted since its token was checked: a child
// made now would hold its device for ever. Every other write needs a child, and
// the account's are gone.
func alive(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	is, err := tx.User.Query().Where(user.ID(v.RootUserID()), user.DeletedAtIsNil()).Exist(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find the account: %w", err)
	case !is:
		return apperr.UserIsDeleted.New()
	}
	return nil
}

func (p CreateParams) person() UpdateParams {
	return UpdateParams{FirstName: &p.FirstName, LastName: &p.LastName, Birthdate: &p.Birthdate, Gender: &p.Gender}
}

func (s *Service) checkPerson(p UpdateParams) error {
	switch {
	case p.FirstName != nil && !text.Name(*p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case p.LastName != nil && !text.NameOrEmpty(*p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case p.Birthdate != nil && !p.Birthdate.Past(s.clock()):
		return apperr.BadRequest.WithField("input.birthdate")
	case p.Gender != nil && !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	}
	return nil
}
