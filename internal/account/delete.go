package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/consent"
	"luxbff/ent/feedposition"
	"luxbff/ent/message"
	"luxbff/ent/pushdevice"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// DeleteAccountParams say how strict a surface is.
type DeleteAccountParams struct {
	// NeedsSignInType refuses an account that nothing signs in to but its token,
	// as LUX and Addnox do.
	NeedsSignInType bool
}

// DeleteAccount removes the viewer's children and their devlogs, frees its
// devices, e-mail, phone, local id and links for a new account, ends every
// session and forgets personal data. An empty row stays, because a deleted
// account is told apart from one that never was. Errors: SignInTypeNotFound.
func (s *Service) DeleteAccount(ctx context.Context, v viewer.Viewer, p DeleteAccountParams) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		held, err := ofUser(ctx, tx.Client, u.ID)
		if err != nil {
			return err
		}
		if p.NeedsSignInType && len(held) == 0 {
			return apperr.SignInTypeNotFound.New()
		}
		if err := child.RemoveAll(ctx, tx, u.ID); err != nil {
			return fmt.Errorf("remove children: %w", err)
		}
		if err := s.retire(ctx, tx, held); err != nil {
			return err
		}
		if err := forget(ctx, tx, u); err != nil {
			return err
		}
		if err := s.endAllSessions(ctx, tx, u.ID); err != nil {
			return err
		}
		return s.empty(ctx, tx, u)
	})
}

// retire frees the subjects. Digests of them stay, by which a later sign-in or
// sign-up is told that there was an account.
func (s *Service) retire(ctx context.Context, tx *store.Tx, held []*ent.Identity) error {
	for _, one := range held {
		err := tx.Identity.UpdateOne(one).
			SetSubject(s.digests.deleted(one.Provider.String(), one.Subject)).
			ClearDisplayName().
			ClearSecretHash().
			SetDeletedAt(s.now()).
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("retire an identity: %w", err)
		}
	}
	return nil
}

// forget removes the rows that hold what the person said, got or was reached by;
// of those without an account the ones of its phone, which it had verified.
func forget(ctx context.Context, tx *store.Tx, u *ent.User) error {
	phone := ""
	if u.Phone != nil {
		phone = *u.Phone
	}
	codes := verificationcode.Or(verificationcode.RootUserID(u.ID),
		verificationcode.And(verificationcode.RootUserIDIsNil(), verificationcode.Address(phone)))
	messages := message.Or(message.RootUserID(u.ID), message.And(message.RootUserIDIsNil(), message.To(phone)))
	removals := []func(context.Context) (int, error){
		tx.Consent.Delete().Where(consent.RootUserID(u.ID)).Exec,
		tx.PushDevice.Delete().Where(pushdevice.RootUserID(u.ID)).Exec,
		tx.FeedPosition.Delete().Where(feedposition.RootUserID(u.ID)).Exec,
		tx.VerificationCode.Delete().Where(codes).Exec,
		tx.Message.Delete().Where(messages).Exec,
	}
	for _, remove := range removals {
		if _, err := remove(ctx); err != nil {
			return fmt.Errorf("forget personal data: %w", err)
		}
	}
	return nil
}

// empty leaves of the account that it was.
func (s *Service) empty(ctx context.Context, tx *store.Tx, u *ent.User) error {
	err := tx.User.UpdateOne(u).
		ClearFirstName().
		ClearLastName().
		ClearBirthdate().
		ClearGender().
		ClearEmail().
		SetIsEmailVerified(false).
		ClearPhone().
		ClearNationalCode().
		ClearPasswordHash().
		ClearPasswordChangedAt().
		SetWrongPasswords(0).
		ClearBlockedUntil().
		AddCredentialVersion(1).
		ClearPushToken().
		SetIsDeviceMuted(false).
		SetIsDeviceAlimTalkEnabled(false).
		SetIsBasestationAlertEnabled(false).
		SetIsAdmin(false).
		ClearNotificationCheckedAt().
		SetDeletedAt(s.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("empty an account: %w", err)
	}
	return nil
}
