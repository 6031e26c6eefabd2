package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// PushDeviceParams name a phone by the id its push service gave it.
type PushDeviceParams struct{ RegistrationID string }

// AddPushDevice has the viewer notified on a phone. A phone belongs to the
// account that added it last; adding it again changes nothing. Errors:
// BadRequest.
func (s *Service) AddPushDevice(ctx context.Context, v viewer.Viewer, p PushDeviceParams) (added *ent.PushDevice, err error) {
	if !validRegistrationID(p.RegistrationID) {
		return nil, apperr.BadRequest.WithField("input.registrationId")
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		added, err = s.claimPushDevice(ctx, tx, u.ID, p.RegistrationID)
		return err
	})
	return added, err
}

func (s *Service) claimPushDevice(
	ctx context.Context, tx *store.Tx, rootUserID int, registrationID string,
) (*ent.PushDevice, error) {
	known, err := tx.PushDevice.Query().Where(pushdevice.RegistrationID(registrationID)).First(ctx)
	switch {
	case err == nil && known.RootUserID == rootUserID:
		return known, nil
	case err == nil:
		if err := tx.PushDevice.DeleteOne(known).Exec(ctx); err != nil && !ent.IsNotFound(err) {
			return nil, fmt.Errorf("take over a push device: %w", err)
		}
	case !ent.IsNotFound(err):
		return nil, fmt.Errorf("find a push device: %w", err)
	}
	added, err := tx.PushDevice.Create().
		SetRootUserID(rootUserID).
		SetRegistrationID(registrationID).
		SetCreatedAt(s.now()).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store a push device: %w", err)
	}
	return added, nil
}

// RemovePushDevice stops notifying the viewer on a phone; one that isn't there
// is gone already.
func (s *Service) RemovePushDevice(ctx context.Context, v viewer.Viewer, p PushDeviceParams) error {
	return s.DropPushDevice(ctx, v.RootUserID(), p)
}

// DropPushDevice is RemovePushDevice for SNUTT's sign-out, which names its
// account instead of showing a token. Whoever knows the registration id has the
// phone.
func (s *Service) DropPushDevice(ctx context.Context, rootUserID int, p PushDeviceParams) error {
	if !validRegistrationID(p.RegistrationID) {
		return nil // none that could have been added
	}
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PushDevice.Delete().
			Where(pushdevice.RootUserID(rootUserID), pushdevice.RegistrationID(p.RegistrationID)).
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("remove a push device: %w", err)
		}
		return nil
	})
}
