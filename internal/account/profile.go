package account

import (
	"cmp"
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// UpdateUserParams change what they name; nil leaves it.
type UpdateUserParams struct {
	FirstName *string
	LastName  *string
	Birthdate *vocab.Date
	Gender    *vocab.Gender
	Email     *string
}

// UpdateUser changes the viewer's own data. A new e-mail address is unverified;
// an account that signs in by the old one does so until the new one is verified.
// Errors: BadRequest, EmailMalformed.
func (s *Service) UpdateUser(ctx context.Context, v viewer.Viewer, p UpdateUserParams) (changed *ent.User, err error) {
	if err := s.checkUpdate(p); err != nil {
		return nil, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		update := tx.User.UpdateOne(u).
			SetNillableFirstName(p.FirstName).
			SetNillableLastName(p.LastName).
			SetNillableBirthdate(p.Birthdate).
			SetNillableGender(p.Gender)
		if p.Email != nil {
			if err := s.changeEmail(ctx, tx, u, update, *p.Email); err != nil {
				return err
			}
		}
		if changed, err = update.Save(ctx); err != nil {
			return fmt.Errorf("update an account: %w", err)
		}
		return nil
	})
	return changed, err
}

func (s *Service) checkUpdate(p UpdateUserParams) error {
	switch {
	case p.FirstName != nil && !text.Name(*p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case p.LastName != nil && !text.NameOrEmpty(*p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case p.Birthdate != nil && !s.bornBy(*p.Birthdate):
		return apperr.BadRequest.WithField("input.birthdate")
	case p.Gender != nil && !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	case p.Email != nil && !validEmail(*p.Email):
		return apperr.EmailMalformed.WithField("input.email")
	}
	return nil
}

// changeEmail stores an address that nobody has verified yet. An account that
// SNUTT made has other ways in, so it lets go of the address it had verified.
func (s *Service) changeEmail(
	ctx context.Context, tx *store.Tx, u *ent.User, update *ent.UserUpdateOne, address string,
) error {
	update.SetEmail(address)
	if u.Email != nil && sameEmail(*u.Email) == sameEmail(address) {
		return nil
	}
	update.SetIsEmailVerified(false)
	if u.RegisterType != vocab.RegisteredLocally {
		return nil
	}
	return s.drop(ctx, tx, identity.RootUserID(u.ID), identity.ProviderEQ(identity.ProviderEmail))
}

// NotificationSettings are what the viewer wants to be notified of; nil leaves
// a setting.
type NotificationSettings struct {
	IsDeviceMuted             *bool
	IsDeviceAlimTalkEnabled   *bool
	IsBasestationAlertEnabled *bool
}

// UpdateNotificationSettings changes the settings. Errors:
// NotificationUpdateFailed when the database refuses them.
func (s *Service) UpdateNotificationSettings(
	ctx context.Context, v viewer.Viewer, p NotificationSettings,
) (changed *ent.User, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		changed, err = tx.User.UpdateOne(u).
			SetNillableIsDeviceMuted(p.IsDeviceMuted).
			SetNillableIsDeviceAlimTalkEnabled(p.IsDeviceAlimTalkEnabled).
			SetNillableIsBasestationAlertEnabled(p.IsBasestationAlertEnabled).
			Save(ctx)
		if err != nil {
			return apperr.NotificationUpdateFailed.Wrap(err)
		}
		return nil
	})
	return changed, err
}

// ChangePhoneParams are a new phone, E.164, and the code that was sent to it.
type ChangePhoneParams struct{ Phone, Code string }

// ChangePhone gives the account another phone. Errors: BadRequest, CodeInvalid,
// CodeExpired, PhoneTaken, UserPreviouslyDeleted.
func (s *Service) ChangePhone(ctx context.Context, v viewer.Viewer, p ChangePhoneParams) (changed *ent.User, err error) {
	if !validPhone(p.Phone) {
		return nil, apperr.BadRequest.WithField("input.phone")
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		var open *ent.VerificationCode
		open, refused, err = s.tryPhoneCode(ctx, tx, p.Phone, p.Code)
		if err != nil || refused != nil {
			return err
		}
		if err := s.closeCode(ctx, tx, open); err != nil {
			return err
		}
		changed, err = s.movePhone(ctx, tx, u, p.Phone)
		return err
	})
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return changed, nil
}

func (s *Service) movePhone(ctx context.Context, tx *store.Tx, u *ent.User, phone string) (*ent.User, error) {
	if u.Phone != nil && *u.Phone == phone {
		return u, nil
	}
	if err := s.phoneFree(ctx, tx.Client, phone, u.ID); err != nil {
		return nil, err
	}
	if err := s.drop(ctx, tx, identity.RootUserID(u.ID), identity.ProviderEQ(identity.ProviderPhone)); err != nil {
		return nil, err
	}
	if err := s.addIdentity(ctx, tx, u.ID, identity.ProviderPhone, phone, nil); err != nil {
		return nil, err
	}
	changed, err := tx.User.UpdateOne(u).SetPhone(phone).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("change a phone: %w", err)
	}
	return changed, nil
}
