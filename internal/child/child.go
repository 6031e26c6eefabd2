// Package child holds the rules of children and their devices: creating, reading,
// changing and deleting children, and checking, registering, unregistering and
// naming the devices that they use. Which devices exist is the business of
// internal/catalogue. It imports neither gqlgen nor net/http.
package child

import (
	"context"
	"fmt"
	"io"
	"time"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/device"
	"luxbff/ent/rejecteddevlog"
	"luxbff/ent/user"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/pubsub"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// MaxChildren is how many children an account may have: more than any family, and few
// enough that an answer may show all of them.
const MaxChildren = 50

// Config is what the package needs from outside.
type Config struct {
	Store  *store.Store
	Hub    *pubsub.Hub // is notified when a child is deleted
	Clock  func() time.Time
	Random io.Reader          // where new unique ids of devices come from
	Limits *ratelimit.Limiter // bounds guesses at the MAC of a device; nil lifts the bound
}

// Service reads and writes children and their devices.
type Service struct {
	store  *store.Store
	hub    *pubsub.Hub
	clock  func() time.Time
	random io.Reader
	limits *ratelimit.Limiter
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, hub: c.Hub, clock: c.Clock, random: c.Random, limits: c.Limits}
}

// CreateParams describe a child and the device that is registered for it.
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

// Create makes a child and registers a device for it: both are stored or neither
// is. Errors: BadRequest, UserIsDeleted, SerialCodeNotValid, NotFoundDevice,
// AlreadyConnectedDevice, TooManyRequests; RealUserCreateFailed for an account that has
// [MaxChildren] already, and when the database refuses the child.
func (s *Service) Create(ctx context.Context, v viewer.Viewer, p CreateParams) (*ent.ChildUser, error) {
	if err := s.checkUpdate(p.asUpdate()); err != nil {
		return nil, err
	}
	if err := p.DeviceParams.check(); err != nil {
		return nil, err
	}
	var created *ent.ChildUser
	err := s.writeWithDevice(ctx, v, p.DeviceParams, func(ctx context.Context, tx *store.Tx) (err error) {
		if err = checkNotDeleted(ctx, tx, v); err != nil {
			return err
		}
		if err = checkRoom(ctx, tx, v); err != nil {
			return err
		}
		created, err = tx.ChildUser.Create().
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
		return s.connect(ctx, tx, created, p.DeviceParams)
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}

// Update changes the data of a child and returns the child with its device, as the change
// left both. Errors: RealUserNotFound, NotAuthorizedUser, BadRequest.
func (s *Service) Update(ctx context.Context, v viewer.Viewer, id int, p UpdateParams) (*ent.ChildUser, error) {
	if err := s.checkUpdate(p); err != nil {
		return nil, err
	}
	var updated *ent.ChildUser
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockAccount(ctx, tx, v); err != nil {
			return err
		}
		found, err := changeOwn(ctx, tx, v, id, apperr.RealUserNotFound)
		if err != nil {
			return err
		}
		updated, err = tx.ChildUser.UpdateOne(found).
			SetNillableFirstName(p.FirstName).
			SetNillableLastName(p.LastName).
			SetNillableBirthdate(p.Birthdate).
			SetNillableGender(p.Gender).
			Save(ctx)
		if err != nil {
			return fmt.Errorf("update child user: %w", err)
		}
		if d := found.Edges.Device; d != nil {
			linkEdges(updated, d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// Delete removes a child with its devlogs, also those that were rejected, and unregisters its
// device. A child that
// has a device is deleted only if uniqueID is the unique id of that device. Errors:
// RealUserNotFound, NotAuthorizedUser, RealUserDeleteFailed.
func (s *Service) Delete(ctx context.Context, v viewer.Viewer, id int, uniqueID string) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockAccount(ctx, tx, v); err != nil {
			return err
		}
		found, err := changeOwn(ctx, tx, v, id, apperr.RealUserNotFound)
		if err != nil {
			return err
		}
		if d := found.Edges.Device; d != nil {
			if d.UniqueID == nil || *d.UniqueID != uniqueID {
				return apperr.RealUserDeleteFailed.WithField("input.uniqueId")
			}
			if err := disconnect(ctx, tx, d.ID); err != nil {
				return err
			}
		}
		// A rejected record may name a child that doesn't exist, so no foreign key leads from
		// it to the child. Package devlog keeps it as JSON that begins with the child's id.
		rejected := rejecteddevlog.And(rejecteddevlog.RootUserID(v.RootUserID()),
			rejecteddevlog.RecordHasPrefix(fmt.Sprintf(`{"childUserId":%d,`, id)))
		if _, err := tx.RejectedDevlog.Delete().Where(rejected).Exec(ctx); err != nil {
			return fmt.Errorf("delete rejected devlogs: %w", err)
		}
		// A feed that is filtered to the child ends when its subscriber looks for
		// events and finds the child gone.
		tx.AfterCommit(func() { s.hub.Notify(v.RootUserID()) })
		return tx.ChildUser.DeleteOneID(id).Exec(ctx)
	})
}

// DeleteAllOfAccount removes the children of an account that is being deleted with
// their devlogs and events, and unregisters their devices, in the caller's
// transaction.
func DeleteAllOfAccount(ctx context.Context, tx *store.Tx, rootUserID int) error {
	ids, err := tx.Device.Query().Where(device.RootUserID(rootUserID)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("find the devices of the account: %w", err)
	}
	if err := disconnect(ctx, tx, ids...); err != nil {
		return err
	}
	_, err = tx.ChildUser.Delete().Where(childuser.RootUserID(rootUserID)).Exec(ctx)
	return err
}

// changeOwn reads a child for a change; see getOwn. The error of a child that the viewer
// cannot change names the input that named the child.
func changeOwn(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, id int, missing apperr.Kind,
) (*ent.ChildUser, error) {
	found, err := getOwn(ctx, tx.Client, v, id, missing)
	return found, apperr.AtField(err, "input.childUserId")
}

// getOwn reads a child of the viewer's with its device. The routes name a child
// that does not exist differently: missing is the error that is returned for it.
func getOwn(
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

// lockAccount makes the writes of one account wait for each other.
func lockAccount(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	return tx.Lock(ctx, user.Table, v.RootUserID())
}

// checkNotDeleted refuses an account that was deleted after its token was checked:
// nobody could ever delete a child that is created now, nor unregister its device.
// Create alone needs it, because every other write starts from a child, and those
// of the account are gone.
func checkNotDeleted(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	exists, err := tx.User.Query().Where(user.ID(v.RootUserID()), user.DeletedAtIsNil()).Exist(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find the account: %w", err)
	case !exists:
		return apperr.UserIsDeleted.New()
	}
	return nil
}

// checkRoom refuses one child too many. The error is the one by which apps know that a
// child was not made. The caller has locked the account.
func checkRoom(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	owned, err := tx.ChildUser.Query().Where(childuser.RootUserID(v.RootUserID())).Limit(MaxChildren).IDs(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("count the children: %w", err)
	case len(owned) == MaxChildren:
		return apperr.RealUserCreateFailed.New().WithReason(
			fmt.Sprintf("An account has at most %d children.", MaxChildren))
	}
	return nil
}

// asUpdate returns the fields of a new child as a change of all of them, so that
// checkUpdate has the rules of both.
func (p CreateParams) asUpdate() UpdateParams {
	return UpdateParams{FirstName: &p.FirstName, LastName: &p.LastName, Birthdate: &p.Birthdate, Gender: &p.Gender}
}

func (s *Service) checkUpdate(p UpdateParams) error {
	switch {
	case p.FirstName != nil && !text.Name(*p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case p.LastName != nil && !text.NameOrEmpty(*p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case p.Birthdate != nil && !p.Birthdate.HasBegun(s.clock()):
		return apperr.BadRequest.WithField("input.birthdate")
	case p.Gender != nil && !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	}
	return nil
}
