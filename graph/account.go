package graph

import (
	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

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
