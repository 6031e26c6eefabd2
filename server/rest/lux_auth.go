package rest

import (
	"context"
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

// luxAuthRoutes are the authentication routes of LUX alone.
func luxAuthRoutes() []Route {
	return []Route{
		withValidToken(Route{
			Method: http.MethodPost, Path: "/auth/email/signup", Operation: "signUp",
			Summary:     "Sign up by e-mail",
			Description: signUpDescription,
			Errors: []apperr.Kind{
				apperr.EmailNotValid, apperr.SignUpTokenInvalid, apperr.SameEmailIsRegistered, apperr.PhoneInvalid,
				apperr.PhoneTaken, apperr.UserPreviouslyDeleted, apperr.SignUpFailed,
			},
		}, signUp),
	}
}

type signUpRequest struct {
	Email        string  `json:"email"`
	Password     string  `json:"password"`
	RegisterType byEmail `json:"register_type"`
	personFields
}

func signUp(ctx context.Context, a *API, validToken string, in signUpRequest) (tokenResponse, error) {
	signedIn, err := a.Accounts.SignUps.ByEmail(ctx, account.SignUpParams{
		ValidToken: validToken, Email: in.Email, Password: in.Password, Person: in.person(),
	})
	return newTokenResponse(signedIn.Tokens), err
}
