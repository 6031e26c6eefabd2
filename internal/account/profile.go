package account

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// Profiles changes the data of an account, and says what of it is missing or
// old.
type Profiles struct {
	auth    *auth.Service
	store   *store.Store
	reports *reports
	now     func() time.Time
}

// NeedsPasswordChange reports whether the password is older than three months;
// never for an account without one (rule 8 of the contract).
func (p *Profiles) NeedsPasswordChange(u *ent.User) bool {
	return u.PasswordChangedAt != nil && p.now().After(threeMonthsAfter(*u.PasswordChangedAt))
}

// threeMonthsAfter gives the same day and time three months later, or the last day of
// that month where it is shorter: after 30 November comes 28 or 29 February, where
// time.AddDate would go on into March.
func threeMonthsAfter(at time.Time) time.Time {
	year, month, day := at.Date()
	const before = 0 // the day before the first of a month is the last of the month before
	lastDay := time.Date(year, month+4, before, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(year, month+3, min(day, lastDay), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
}

// NeedsPersonalInfoUpdate reports whether first name, birthdate, gender or phone
// is missing (rule 8 of the contract).
func NeedsPersonalInfoUpdate(u *ent.User) bool {
	return u.FirstName == nil || u.Birthdate == nil || u.Gender == nil || u.Phone == nil
}

// IsPhoneNumberChecked reports whether the account has a phone: an account takes
// none that was not verified.
func IsPhoneNumberChecked(u *ent.User) bool { return u.Phone != nil }

// UpdateUserParams change what they name; nil leaves it.
type UpdateUserParams struct {
	FirstName *string
	LastName  *string
	Birthdate *vocab.Date
	Gender    *vocab.Gender
	Email     *string
}

// Update changes the viewer's own data. A new e-mail address is unverified, but for the
// one that the account had verified before; an account that signs in by the old one does
// so until the new one is verified.
// Errors: BadRequest, EmailMalformed, TooManyRequests.
func (p *Profiles) Update(ctx context.Context, v viewer.Viewer, change UpdateUserParams) (changed *ent.User, err error) {
	change.Email = trimmed(change.Email)
	if err := checkUpdate(change, p.now()); err != nil {
		return nil, err
	}
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		update := tx.User.UpdateOne(u).
			SetNillableFirstName(change.FirstName).
			SetNillableLastName(change.LastName).
			SetNillableBirthdate(change.Birthdate).
			SetNillableGender(change.Gender)
		if change.Email != nil {
			if err := p.changeEmail(ctx, tx, u, update, *change.Email); err != nil {
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

// checkUpdate has the rules of [checkPerson], for the fields that are there.
func checkUpdate(p UpdateUserParams, now time.Time) error {
	switch {
	case p.FirstName != nil && !text.Name(*p.FirstName):
		return apperr.BadRequest.WithField("input.firstName")
	case p.LastName != nil && !text.NameOrEmpty(*p.LastName):
		return apperr.BadRequest.WithField("input.lastName")
	case p.Birthdate != nil && !p.Birthdate.HasBegun(now):
		return apperr.BadRequest.WithField("input.birthdate")
	case p.Gender != nil && !p.Gender.Valid():
		return apperr.BadRequest.WithField("input.gender")
	case p.Email != nil && !text.ValidEmail(*p.Email):
		return apperr.EmailMalformed.WithField("input.email")
	}
	return nil
}

// changeEmail stores an address that is not verified yet. The account is found by the old
// one until then. But an account that does not sign in by e-mail gives up an address that
// it had verified, as SNUTT has it.
func (p *Profiles) changeEmail(
	ctx context.Context, tx *store.Tx, u *ent.User, update *ent.UserUpdateOne, address string,
) error {
	update.SetEmail(address)
	normalized := text.NormalizeEmail(address)
	// The same address in another case stays as it is.
	if u.Email != nil && text.NormalizeEmail(*u.Email) == normalized {
		return nil
	}
	if err := p.reports.addEmail(ctx, tx, u, address); err != nil {
		return err
	}
	if err := p.auth.Codes.CloseResets(ctx, tx, u.ID); err != nil {
		return err
	}
	if u.PreviousVerifiedEmail != nil && *u.PreviousVerifiedEmail == normalized {
		return p.restoreEmail(ctx, tx, u, update, address)
	}
	if !u.IsEmailVerified {
		return nil
	}
	update.SetIsEmailVerified(false).SetPreviousVerifiedEmail(text.NormalizeEmail(*u.Email))
	if u.RegisterType == vocab.RegisteredByEmail {
		return nil
	}
	if needs, err := p.auth.Identities.NeedsEmail(ctx, tx.Client, u); err != nil || needs {
		return err
	}
	return p.auth.Identities.Remove(ctx, tx, u.ID, identity.ProviderEmail)
}

// restoreEmail gives an account the address back that it had verified before the one it
// has. It is verified still, unless another account has taken it meanwhile.
func (p *Profiles) restoreEmail(
	ctx context.Context, tx *store.Tx, u *ent.User, update *ent.UserUpdateOne, address string,
) error {
	taken, err := p.auth.Identities.TakeEmail(ctx, tx, u.ID, address)
	if err != nil || !taken {
		return err
	}
	update.SetIsEmailVerified(true).ClearPreviousVerifiedEmail()
	return p.auth.Codes.CloseReverts(ctx, tx, u.ID, address)
}

// NotificationSettings are what the viewer wants to be notified of; nil leaves
// a setting.
type NotificationSettings struct {
	IsDeviceMuted             *bool
	IsDeviceAlimTalkEnabled   *bool
	IsBasestationAlertEnabled *bool
}

// UpdateNotifications changes the settings. Errors: NotificationUpdateFailed
// when the database refuses them.
func (p *Profiles) UpdateNotifications(
	ctx context.Context, v viewer.Viewer, settings NotificationSettings,
) (changed *ent.User, err error) {
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		changed, err = tx.User.UpdateOne(u).
			SetNillableIsDeviceMuted(settings.IsDeviceMuted).
			SetNillableIsDeviceAlimTalkEnabled(settings.IsDeviceAlimTalkEnabled).
			SetNillableIsBasestationAlertEnabled(settings.IsBasestationAlertEnabled).
			Save(ctx)
		if err != nil {
			return apperr.NotificationUpdateFailed.Wrap(err)
		}
		return nil
	})
	return changed, err
}

// ChangePhoneParams are a new phone, in E.164 or as in the account's country, and the code that was sent to it.
type ChangePhoneParams struct{ Phone, Code string }

// ChangePhone gives the account another phone. Errors: BadRequest, CodeInvalid,
// CodeExpired, PhoneTaken, UserPreviouslyDeleted, TooManyRequests.
func (p *Profiles) ChangePhone(
	ctx context.Context, v viewer.Viewer, to ChangePhoneParams,
) (changed *ent.User, err error) {
	phone, ok := p.auth.Codes.Phone(to.Phone, v.User.NationalCode)
	if !ok {
		return nil, apperr.BadRequest.WithField("input.phone")
	}
	to.Phone = phone
	var refused error // returned after the commit, which counts the wrong try
	err = p.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		var open *ent.VerificationCode
		open, refused, err = p.auth.Codes.TryPhone(ctx, tx, auth.PhoneTry{
			Phone: to.Phone, Code: to.Code, Purpose: vocab.ForChangePhone, Field: validnumField,
		})
		if err != nil || refused != nil {
			return err
		}
		if err := p.auth.Codes.Close(ctx, tx, open); err != nil {
			return err
		}
		changed, err = p.replacePhone(ctx, tx, u, to.Phone)
		return err
	})
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return changed, nil
}

// replacePhone frees the old phone at once: another account may take it.
func (p *Profiles) replacePhone(ctx context.Context, tx *store.Tx, u *ent.User, phone string) (*ent.User, error) {
	if u.Phone != nil && *u.Phone == phone {
		return u, nil
	}
	if err := p.auth.Identities.CheckPhoneFree(ctx, tx.Client, phone, u.ID); err != nil {
		return nil, err
	}
	if err := p.reports.add(ctx, tx, u, template.PhoneChanged); err != nil {
		return nil, err
	}
	if err := p.auth.Identities.Remove(ctx, tx, u.ID, identity.ProviderPhone); err != nil {
		return nil, err
	}
	if err := p.auth.Identities.Add(ctx, tx, u.ID, identity.ProviderPhone, phone, nil); err != nil {
		return nil, err
	}
	changed, err := tx.User.UpdateOne(u).SetPhone(phone).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("change a phone: %w", err)
	}
	return changed, nil
}
