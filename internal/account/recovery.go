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
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// Recovery helps people who have forgotten by which e-mail they sign in, or
// their password.
type Recovery struct {
	auth    *auth.Service
	store   *store.Store
	reports *reports
	limits  *ratelimit.Limiter
	now     func() time.Time
}

// validnumField is the path of the input of findAccount and changePhone that holds the
// code.
const validnumField = "input.validnum"

// FindAccountParams are a phone, as [auth.Codes.SendSMS] takes it, and the code that was sent to it.
type FindAccountParams struct{ Phone, Code string }

// FoundAccount is how its owner signs in to an account.
type FoundAccount struct {
	// Email is an address that the account is found by, nil for an account without one.
	Email *string
	// Provider is email, local or a social provider's name.
	Provider string
}

// FindAccount says which account the holder of a phone has. Errors: BadRequest,
// CodeInvalid, CodeExpired, UserPreviouslyDeleted, UserIDNotFound,
// TooManyRequests.
func (r *Recovery) FindAccount(ctx context.Context, p FindAccountParams) (found FoundAccount, err error) {
	if err := r.limits.Guess(ctx); err != nil {
		return FoundAccount{}, err
	}
	phone, ok := r.auth.Codes.PhoneOf(ctx, p.Phone)
	if !ok {
		return FoundAccount{}, apperr.BadRequest.WithField("input.phone")
	}
	p.Phone = phone
	var refused error // returned after the commit, which counts the wrong try
	err = r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var open *ent.VerificationCode
		open, refused, err = r.auth.Codes.TryPhone(ctx, tx, auth.PhoneTry{
			Phone: p.Phone, Code: p.Code, Purpose: vocab.ForRecovery, Field: validnumField,
		})
		if err != nil || refused != nil {
			return err
		}
		// A phone without an account leaves the code open: it may still sign up.
		if found, err = r.findByPhone(ctx, tx, p.Phone); err != nil {
			return err
		}
		return r.auth.Codes.Close(ctx, tx, open)
	})
	if err := cmp.Or(err, refused); err != nil {
		return FoundAccount{}, err
	}
	return found, nil
}

func (r *Recovery) findByPhone(ctx context.Context, tx *store.Tx, phone string) (FoundAccount, error) {
	holder, err := r.auth.Identities.Find(ctx, tx.Client, identity.ProviderPhone, phone)
	if err != nil {
		return FoundAccount{}, err
	}
	if holder == nil {
		deleted := r.auth.Identities.CheckRejoin(ctx, tx.Client, phone)
		return FoundAccount{}, cmp.Or(deleted, error(apperr.UserIDNotFound.WithField("input.phone")))
	}
	u := holder.Edges.RootUser // a phone is stored with its account, so there is one
	provider, err := r.auth.Identities.SignInMethod(ctx, tx.Client, u)
	if err != nil {
		return FoundAccount{}, err
	}
	address, err := r.signInEmail(ctx, tx, u)
	return FoundAccount{Email: address, Provider: provider}, err
}

// signInEmail gives the address by which the account is found, as it was typed if that is
// known. The address of the account's data may be another: one that is not verified yet.
func (r *Recovery) signInEmail(ctx context.Context, tx *store.Tx, u *ent.User) (*string, error) {
	held, err := r.auth.Identities.OfUser(ctx, tx.Client, u.ID, identity.ProviderEmail)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	if u.Email != nil && text.NormalizeEmail(*u.Email) == held[0].Subject {
		return u.Email, nil
	}
	return &held[0].Subject, nil
}

// RequestPasswordResetParams name the account by its e-mail, in any case.
type RequestPasswordResetParams struct{ Email string }

// RequestPasswordReset mails a link with a one-time token, good for 30 minutes;
// it replaces the one before. Errors: UserIDNotFound, SocialAccountHasNoPassword,
// EmailSendFailed, TooManyRequests.
func (r *Recovery) RequestPasswordReset(ctx context.Context, p RequestPasswordResetParams) error {
	if err := r.limits.Message(ctx, text.NormalizeEmail(p.Email), "input.email"); err != nil {
		return err
	}
	return r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		holder, err := r.findHolder(ctx, tx, p.Email)
		if err != nil {
			return err
		}
		// Under the lock the address is found again: a change that went before has ended all
		// links, and must end this one as well.
		u, err := auth.LockUser(ctx, tx, *holder.RootUserID)
		if err != nil {
			return err
		}
		if holder, err = r.findHolder(ctx, tx, p.Email); err != nil {
			return err
		}
		return r.auth.Codes.SendResetLink(ctx, tx, u, holder.Subject, true)
	})
}

// findHolder finds the account that signs in by an e-mail and has a password to reset.
func (r *Recovery) findHolder(ctx context.Context, tx *store.Tx, email string) (*ent.Identity, error) {
	holder, err := r.auth.Identities.Find(ctx, tx.Client, identity.ProviderEmail, email)
	switch {
	case err != nil:
		return nil, err
	case holder == nil:
		return nil, apperr.UserIDNotFound.WithField("input.email")
	case holder.Edges.RootUser.PasswordHash == nil:
		return nil, apperr.SocialAccountHasNoPassword.WithField("input.email")
	}
	return holder, nil
}

// ResetPasswordParams are the token of the link and the password to set.
type ResetPasswordParams struct{ Token, NewPassword string }

// ResetPassword sets a password by the token of a reset mail and ends every
// session and every token. Whoever has the mailbox owns the address: one that was never
// verified is verified by it, and the local id and the links that somebody else may have
// added are taken away; of one that was verified, the links of the last three days.
// Errors: BadRequest (a weak password), CodeInvalid, CodeExpired, TooManyRequests.
func (r *Recovery) ResetPassword(ctx context.Context, p ResetPasswordParams) error {
	if err := r.limits.Guess(ctx); err != nil {
		return err
	}
	if !auth.IsStrongPassword(p.NewPassword) {
		return apperr.BadRequest.WithField("input.newPassword")
	}
	// A token that isn't good is refused before the slow hash.
	found, err := r.auth.Codes.FindReset(ctx, r.store.Read(), p.Token)
	if err != nil {
		return err
	}
	hash, err := r.auth.Passwords.Hash(ctx, auth.AccountKey(*found.RootUserID), p.NewPassword)
	if err != nil {
		return err
	}
	return r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		reset, err := r.auth.Codes.FindReset(ctx, tx.Client, p.Token)
		if err != nil {
			return err
		}
		u, err := auth.LockUser(ctx, tx, *reset.RootUserID)
		if err != nil {
			return err
		}
		// Another call may have used the token while this one waited for the lock.
		if reset, err = r.auth.Codes.FindReset(ctx, tx.Client, p.Token); err != nil {
			return err
		}
		if err := r.auth.Codes.Close(ctx, tx, reset); err != nil {
			return err
		}
		if err := r.reports.addUnlimited(ctx, tx, u, template.PasswordReset, template.AdviseReset); err != nil {
			return err
		}
		if u, err = r.claimAddress(ctx, tx, u, reset.Address); err != nil {
			return err
		}
		// The report of a link says that a reset ends what a thief can do.
		if err := r.auth.Identities.RemoveLinksSince(ctx, tx, u, r.now().Add(-auth.ReportLifetime)); err != nil {
			return err
		}
		_, err = r.auth.Passwords.Change(ctx, tx, u, hash)
		return err
	})
}

// claimAddress gives the account to whoever has read the mail to the address. Nobody had
// proved that it is theirs if it was never verified, as no sign-up of LUX and Addnox asks
// for that: then it becomes the account's, verified, and the only way in. The phone stays:
// it opens no account, and LUX signs nobody in without one.
func (r *Recovery) claimAddress(ctx context.Context, tx *store.Tx, u *ent.User, address string) (*ent.User, error) {
	holder, err := r.auth.Identities.Find(ctx, tx.Client, identity.ProviderEmail, address)
	switch {
	case err != nil:
		return nil, err
	case holder == nil || *holder.RootUserID != u.ID: // the account has given the address up
		return nil, apperr.CodeInvalid.WithField("input.token")
	}
	if hasVerified(u, address) {
		return u, nil
	}
	if err := r.auth.Identities.RemoveAllButEmail(ctx, tx, u.ID); err != nil {
		return nil, err
	}
	update := tx.User.UpdateOne(u).SetIsEmailVerified(true).ClearPreviousVerifiedEmail()
	if isOther(u, address) {
		update.SetEmail(address)
	}
	changed, err := update.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify an address: %w", err)
	}
	return changed, nil
}
