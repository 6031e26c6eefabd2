package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

// policy gives what the account consented to, read once for each row of the account, as
// [Resolver.family] is.
func (r *Resolver) policy(ctx context.Context, of *ent.User) (policy *ent.Consent, err error) {
	if of.Edges.Consent == nil {
		of.Edges.Consent, err = r.accounts.Consents.Get(ctx, of)
	}
	return of.Edges.Consent, err
}

// pushDevices gives the phones of the account, read once for each row of it.
func (r *Resolver) pushDevices(ctx context.Context, of *ent.User) (devices []*ent.PushDevice, err error) {
	if of.Edges.PushDevices == nil {
		of.Edges.PushDevices, err = r.accounts.Push.Devices(ctx, of)
	}
	return of.Edges.PushDevices, err
}

func newTokens(t auth.Tokens) *model.Tokens {
	return &model.Tokens{
		AccessToken:      t.AccessToken,
		ExpiresIn:        t.ExpiresIn,
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: t.RefreshExpiresIn,
		TokenType:        t.TokenType,
	}
}

// newRenewedTokens gives nil, null in the schema, if the viewer's own tokens stay
// good after the change of credentials.
func newRenewedTokens(renewed account.Renewed) *model.Tokens {
	if renewed.Tokens == nil {
		return nil
	}
	return newTokens(*renewed.Tokens)
}
