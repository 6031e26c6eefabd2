package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/consent"
	"luxbff/ent/feedposition"
	"luxbff/ent/idempotencykey"
	"luxbff/ent/installation"
	"luxbff/ent/message"
	"luxbff/ent/pushdevice"
	"luxbff/ent/rejecteddevlog"
	"luxbff/ent/verificationcode"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// DeleteAccountParams say how strict a surface is.
type DeleteAccountParams struct {
	// NeedsSignInType refuses an account that nothing signs in to but its token,
	// as LUX and Addnox do.
	NeedsSignInType bool
}

// Delete removes the viewer's children and their devlogs, frees its devices,
// e-mail, phone, local id and links for a new account, ends every session and
// deletes personal data. An empty row stays, because the contract tells a deleted
// account from one that never was. Errors: SignInTypeNotFound.
func (s *Service) Delete(ctx context.Context, v viewer.Viewer, p DeleteAccountParams) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		// Identities are read before anything is removed: they say whether the account
		// has a way to sign in.
		held, err := s.auth.Identities.OfUser(ctx, tx.Client, u.ID)
		if err != nil {
			return err
		}
		if p.NeedsSignInType && len(held) == 0 {
			return apperr.SignInTypeNotFound.New()
		}
		if err := child.DeleteAllOfAccount(ctx, tx, u.ID); err != nil {
			return fmt.Errorf("remove children: %w", err)
		}
		if err := deletePersonalRows(ctx, tx, u); err != nil {
			return err
		}
		if err := s.reports.addUnlimited(ctx, tx, u, template.AccountDeleted, template.AdviseAfterDeletion); err != nil {
			return err
		}
		if err := s.auth.Identities.MarkDeleted(ctx, tx, held); err != nil {
			return err
		}
		if err := s.auth.Sessions.EndAll(ctx, tx, u.ID); err != nil {
			return err
		}
		return s.blankUser(ctx, tx, u)
	})
}

// deletePersonalRows deletes the rows that hold what the person said, received
// or was reached by. Codes and messages from before the sign-up have no account;
// those to its phone, which the account had verified, are the person's as well.
func deletePersonalRows(ctx context.Context, tx *store.Tx, u *ent.User) error {
	phone := ""
	if u.Phone != nil {
		phone = *u.Phone
	}
	// Only codes by SMS are from before a sign-up. With their purpose they are found by the
	// address; without it, by having no account, among those of all phones.
	codesToPhone := verificationcode.And(verificationcode.PurposeEQ(verificationcode.PurposePhone),
		verificationcode.Address(phone), verificationcode.RootUserIDIsNil())
	messages := message.Or(message.RootUserID(u.ID), message.And(message.RootUserIDIsNil(), message.To(phone)))
	// Messages that are not sent yet go as well. The report of the deletion, which comes
	// after this, is deleted once it is sent.
	removals := []func(context.Context) (int, error){
		tx.Consent.Delete().Where(consent.RootUserID(u.ID)).Exec,
		tx.Installation.Delete().Where(installation.RootUserID(u.ID)).Exec,
		tx.PushDevice.Delete().Where(pushdevice.RootUserID(u.ID)).Exec,
		tx.RejectedDevlog.Delete().Where(rejecteddevlog.RootUserID(u.ID)).Exec,
		tx.IdempotencyKey.Delete().Where(idempotencykey.RootUserID(u.ID)).Exec,
		tx.FeedPosition.Delete().Where(feedposition.RootUserID(u.ID)).Exec,
		tx.VerificationCode.Delete().Where(verificationcode.RootUserID(u.ID)).Exec,
		tx.VerificationCode.Delete().Where(codesToPhone).Exec,
		tx.Message.Delete().Where(messages).Exec,
	}
	for _, remove := range removals {
		if _, err := remove(ctx); err != nil {
			return fmt.Errorf("delete personal data: %w", err)
		}
	}
	return nil
}

// blankUser clears the row of the account but for its id and its times. The
// credential version rises, which ends the long-lived token.
func (s *Service) blankUser(ctx context.Context, tx *store.Tx, u *ent.User) error {
	err := tx.User.UpdateOne(u).
		ClearFirstName().
		ClearLastName().
		ClearBirthdate().
		ClearGender().
		ClearEmail().
		SetIsEmailVerified(false).
		ClearPreviousVerifiedEmail().
		ClearPhone().
		ClearNationalCode().
		ClearPasswordHash().
		ClearPasswordChangedAt().
		SetWrongPasswords(0).
		ClearBlockedUntil().
		AddCredentialVersion(1).
		ClearPushToken().
		ClearPushTokenSetAt().
		SetIsDeviceMuted(false).
		SetIsDeviceAlimTalkEnabled(false).
		SetIsBasestationAlertEnabled(false).
		SetIsAdmin(false).
		ClearNotificationCheckedAt().
		SetDeletedAt(s.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("blank an account: %w", err)
	}
	return nil
}
