package graph

import (
	"luxbff/graph/model"
	"luxbff/internal/account"
	"luxbff/internal/auth"
)

// tokens shows what a sign-in gave.
func tokens(t auth.Tokens) *model.Tokens {
	return &model.Tokens{
		AccessToken:      t.AccessToken,
		ExpiresIn:        t.ExpiresIn,
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: t.RefreshExpiresIn,
		TokenType:        t.TokenType,
	}
}

// newTokens shows the tokens that took the place of others, if any did.
func newTokens(renewed account.Renewed) *model.Tokens {
	if renewed.Tokens == nil {
		return nil
	}
	return tokens(*renewed.Tokens)
}
