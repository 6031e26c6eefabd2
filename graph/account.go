package graph

import (
	"luxbff/graph/model"
	"luxbff/internal/account"
)

// tokens shows what a sign-in gave.
func tokens(t account.Tokens) *model.Tokens {
	return &model.Tokens{
		AccessToken:      t.AccessToken,
		ExpiresIn:        t.ExpiresIn,
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: t.RefreshExpiresIn,
		TokenType:        t.TokenType,
	}
}
