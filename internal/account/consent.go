package account

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/consent"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// UpdatePolicyParams change what they name; nil leaves it.
type UpdatePolicyParams struct {
	IsPushAgree      *bool
	IsMarketingAgree *bool
	// PushToken leads out of the documented circle: no token without consent, no
	// consent without token (contract, rule 7).
	PushToken *string
	// NeedsPushToken refuses consent to push where no token is known, as LUX does.
	NeedsPushToken bool
}

// UpdatePolicy changes what the viewer consents to. A date is set when its flag
// becomes true and stays afterwards; withdrawing keeps the push token. Errors:
// UserPolicyNotFound, UserPolicyUpdateFailed.
func (s *Service) UpdatePolicy(ctx context.Context, v viewer.Viewer, p UpdatePolicyParams) (policy *ent.Consent, err error) {
	if p.PushToken != nil && !validPushToken(*p.PushToken) {
		return nil, apperr.UserPolicyUpdateFailed.WithField("input.token")
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		before, err := policyOf(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if policy, err = s.changeConsent(ctx, tx, before, p); err != nil {
			return err
		}
		return s.keepPushToken(ctx, tx, u, policy, p)
	})
	return policy, err
}

// policyOf gives UserPolicyNotFound for an account that was never asked.
func policyOf(ctx context.Context, tx *store.Tx, rootUserID int) (*ent.Consent, error) {
	found, err := tx.Consent.Query().Where(consent.RootUserID(rootUserID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.UserPolicyNotFound.New()
	}
	if err != nil {
		return nil, fmt.Errorf("read a consent: %w", err)
	}
	return found, nil
}

func (s *Service) changeConsent(
	ctx context.Context, tx *store.Tx, before *ent.Consent, p UpdatePolicyParams,
) (*ent.Consent, error) {
	update := tx.Consent.UpdateOne(before).
		SetNillableIsPushAgree(p.IsPushAgree).
		SetNillableIsMarketingAgree(p.IsMarketingAgree)
	if becomes(before.IsPushAgree, p.IsPushAgree) {
		update.SetPushAgreeDate(s.now())
	}
	if becomes(before.IsMarketingAgree, p.IsMarketingAgree) {
		update.SetMarketingAgreeDate(s.now())
	}
	after, err := update.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("update a consent: %w", err)
	}
	return after, nil
}

func becomes(before bool, after *bool) bool { return !before && after != nil && *after }

// keepPushToken stores the token that came along, if the consent stands.
func (s *Service) keepPushToken(
	ctx context.Context, tx *store.Tx, u *ent.User, policy *ent.Consent, p UpdatePolicyParams,
) error {
	if p.NeedsPushToken && p.IsPushAgree != nil && *p.IsPushAgree && u.PushToken == nil && p.PushToken == nil {
		return apperr.UserPolicyUpdateFailed.WithField("input.token")
	}
	if p.PushToken == nil || !policy.IsPushAgree {
		return nil
	}
	return setPushToken(ctx, tx, u, *p.PushToken)
}

func setPushToken(ctx context.Context, tx *store.Tx, u *ent.User, token string) error {
	if err := tx.User.UpdateOne(u).SetPushToken(token).Exec(ctx); err != nil {
		return fmt.Errorf("store a push token: %w", err)
	}
	return nil
}

// SetPushTokenParams is the token that FCM gave the app.
type SetPushTokenParams struct{ Token string }

// SetPushToken stores where the viewer gets push messages. Errors:
// PushPermissionDenied without consent, PushTokenUpdateFailed.
func (s *Service) SetPushToken(ctx context.Context, v viewer.Viewer, p SetPushTokenParams) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		policy, err := policyOf(ctx, tx, u.ID)
		switch {
		case apperr.Is(err, apperr.UserPolicyNotFound), err == nil && !policy.IsPushAgree:
			return apperr.PushPermissionDenied.New()
		case err != nil:
			return err
		case !validPushToken(p.Token):
			return apperr.PushTokenUpdateFailed.WithField("input.token")
		}
		return setPushToken(ctx, tx, u, p.Token)
	})
}
