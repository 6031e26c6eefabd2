package account

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/consent"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Consents keeps what people consent to: push messages and marketing. Surfaces
// call it the policy of a user.
type Consents struct {
	store *store.Store
	now   func() time.Time
}

// Get gives what the account consented to; nil if it was never asked.
func (c *Consents) Get(ctx context.Context, u *ent.User) (*ent.Consent, error) {
	found, err := c.store.Read().Consent.Query().Where(consent.RootUserID(u.ID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a consent: %w", err)
	}
	return found, nil
}

// UpdatePolicyParams change what they name; nil leaves it.
type UpdatePolicyParams struct {
	IsPushAgree      *bool
	IsMarketingAgree *bool
	// PushToken leads out of the documented circle: no token without consent, no
	// consent without token (rule 7 of the contract).
	PushToken *string
	// NeedsPushToken refuses consent to push where no token is known, as LUX does.
	NeedsPushToken bool
}

// Update changes what the viewer consents to. A date is set when its flag
// becomes true and stays afterwards; withdrawing keeps the push token
// (rule 7 of the contract). The consent comes with its account, as the change has left
// both. Errors: UserPolicyNotFound, UserPolicyUpdateFailed.
func (c *Consents) Update(ctx context.Context, v viewer.Viewer, p UpdatePolicyParams) (changed *ent.Consent, err error) {
	if p.PushToken != nil && !isPushToken(*p.PushToken) {
		return nil, apperr.UserPolicyUpdateFailed.WithField("input.token")
	}
	err = c.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if p.PushToken != nil {
			if err := lockPhone(ctx, tx, v.RootUserID(), *p.PushToken); err != nil {
				return err
			}
		}
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		before, err := findConsent(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if changed, err = c.change(ctx, tx, before, p); err != nil {
			return err
		}
		changed.Edges.RootUser = u
		// An error here undoes the change above.
		if p.NeedsPushToken && p.IsPushAgree != nil && *p.IsPushAgree && u.PushToken == nil && p.PushToken == nil {
			return apperr.UserPolicyUpdateFailed.WithField("input.token")
		}
		// No token without consent. Beside a refusal of it a token is passed over: the
		// refusal counts.
		switch {
		case p.PushToken == nil || p.IsPushAgree != nil && !*p.IsPushAgree:
			return nil
		case !changed.IsPushAgree:
			return apperr.UserPolicyUpdateFailed.WithField("input.token")
		}
		return storePushToken(ctx, tx, u, *p.PushToken, c.now())
	})
	return changed, err
}

// findConsent gives UserPolicyNotFound for an account that was never asked.
func findConsent(ctx context.Context, tx *store.Tx, rootUserID int) (*ent.Consent, error) {
	found, err := tx.Consent.Query().Where(consent.RootUserID(rootUserID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.UserPolicyNotFound.New()
	}
	if err != nil {
		return nil, fmt.Errorf("read a consent: %w", err)
	}
	return found, nil
}

func (c *Consents) change(
	ctx context.Context, tx *store.Tx, before *ent.Consent, p UpdatePolicyParams,
) (*ent.Consent, error) {
	update := tx.Consent.UpdateOne(before).
		SetNillableIsPushAgree(p.IsPushAgree).
		SetNillableIsMarketingAgree(p.IsMarketingAgree)
	if turnsTrue(before.IsPushAgree, p.IsPushAgree) {
		update.SetPushAgreeDate(c.now())
	}
	if turnsTrue(before.IsMarketingAgree, p.IsMarketingAgree) {
		update.SetMarketingAgreeDate(c.now())
	}
	after, err := update.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("update a consent: %w", err)
	}
	return after, nil
}

// turnsTrue reports whether a change makes true what was false; nil is no change.
// Only then is the date of the consent set: agreeing again keeps the first one.
func turnsTrue(before bool, change *bool) bool { return !before && change != nil && *change }
