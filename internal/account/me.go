package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/consent"
	"luxbff/ent/identity"
	"luxbff/ent/pushdevice"
)

// passwordMonths is when a password is old (contract, rule 8).
const passwordMonths = 3

// NeedsPasswordChange reports whether the password is older than three months;
// never for an account without one.
func (s *Service) NeedsPasswordChange(u *ent.User) bool {
	return u.PasswordChangedAt != nil && s.now().After(u.PasswordChangedAt.AddDate(0, passwordMonths, 0))
}

// NeedsPersonalInfoUpdate reports whether first name, birthdate, gender or phone
// is missing.
func NeedsPersonalInfoUpdate(u *ent.User) bool {
	return u.FirstName == nil || u.Birthdate == nil || u.Gender == nil || u.Phone == nil
}

// IsPhoneNumberChecked reports whether the account has a phone: each was
// verified before it was taken.
func IsPhoneNumberChecked(u *ent.User) bool { return u.Phone != nil }

// Policy is what the account consented to; nil if it was never asked.
func (s *Service) Policy(ctx context.Context, u *ent.User) (*ent.Consent, error) {
	found, err := s.store.Read().Consent.Query().Where(consent.RootUserID(u.ID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a consent: %w", err)
	}
	return found, nil
}

// Link is how an account is attached to a provider.
type Link struct {
	Attached bool
	// Name is the account's name at the provider, nil without one.
	Name *string
}

// SignInNames are the names by which an account signs in besides its e-mail.
type SignInNames struct {
	// LocalID is as typed, nil without one.
	LocalID  *string
	Facebook Link
}

// SignInNames reads the local id and the Facebook link, in one statement.
func (s *Service) SignInNames(ctx context.Context, u *ent.User) (SignInNames, error) {
	found, err := ofUser(ctx, s.store.Read(), u.ID, identity.ProviderLocal, identity.ProviderFacebook)
	if err != nil {
		return SignInNames{}, err
	}
	var names SignInNames
	for _, one := range found {
		switch one.Provider {
		case identity.ProviderLocal:
			names.LocalID = one.DisplayName
		case identity.ProviderFacebook:
			names.Facebook = Link{Attached: true, Name: one.DisplayName}
		}
	}
	return names, nil
}

// PushDevices are the phones that asked to be notified, oldest first.
func (s *Service) PushDevices(ctx context.Context, u *ent.User) ([]*ent.PushDevice, error) {
	found, err := s.store.Read().PushDevice.Query().
		Where(pushdevice.RootUserID(u.ID)).
		Order(ent.Asc(pushdevice.FieldID)).
		All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read push devices: %w", err)
	}
	return found, nil
}
