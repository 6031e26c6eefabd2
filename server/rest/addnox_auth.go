package rest

import (
	"cmp"
	"context"
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/text"
)

// addnoxAuthRoutes are the authentication routes of Addnox alone.
func addnoxAuthRoutes() []Route {
	return []Route{
		public(Route{
			Method: http.MethodGet, Path: "/auth/sign-in/check/{email}", Operation: "signIn",
			Summary:     "Ask whether an e-mail has an account",
			Description: "Addnox asks this before it shows the sign-in or the sign-up screen.",
			Errors:      []apperr.Kind{apperr.UserNotFound},
		}, checkSignUp),
		public(Route{
			Method: http.MethodPost, Path: "/auth/email/pre-signup", Operation: "signUp",
			Summary: "Begin a sign-up",
			Description: "Keeps e-mail and password until the sign-up is complete. Begun again with the same password, " +
				"it answers the same email_user_id; with another, it is a sign-up of its own.",
			Errors: []apperr.Kind{apperr.EmailNotValid, apperr.SameEmailRegistered},
		}, preSignUp),
		public(Route{
			Method: http.MethodPost, Path: "/auth/email/get-id/{email}", Operation: "signUp",
			Summary:     "Find a sign-up that was begun",
			Description: "Answers the email_user_id that pre-signup gave, of several the newest.",
			Errors:      []apperr.Kind{apperr.UserIDNotResolved},
		}, emailUserID),
		withValidToken(Route{
			Method: http.MethodPost, Path: "/auth/email/signup", Operation: "signUp", Status: http.StatusCreated,
			Summary:     "Sign up by e-mail",
			Description: signUpDescription,
			Errors: []apperr.Kind{
				apperr.NotAuthenticated, apperr.UserNotFound, apperr.EmailNotValid, apperr.PhoneInvalid,
				apperr.PhoneTaken, apperr.UserPreviouslyDeleted, apperr.SignUpFailed,
			},
		}, completeSignUp),
		public(Route{
			Method: http.MethodPost, Path: "/auth/social-signin/{provider}", Operation: "signInWithProvider",
			Summary: "Sign in through a provider",
			Description: "Takes the id_token of apple, google or kakao, or the access_token of facebook or naver, which may also " +
				"come as id_token. A token has to be issued to our app. An account that signs in otherwise is told how.",
			Errors: []apperr.Kind{
				apperr.SignUpFirst, apperr.SignedUpWithEmail, apperr.SignedUpWithSocial,
				apperr.ProviderTokenInvalid, apperr.ResourceNotFound,
			},
		}, socialSignIn),
		withValidToken(Route{
			Method: http.MethodPost, Path: "/auth/social/signup", Operation: "signUpWithProvider",
			Summary: "Sign up through a provider",
			Description: "As the sign-up by e-mail, with the provider's token as social_id and its name as social_type in " +
				"place of a password.",
			Errors: []apperr.Kind{
				apperr.NotAuthenticated, apperr.SameEmailIsRegistered, apperr.ProviderTokenInvalid,
				apperr.ResourceNotFound, apperr.EmailNotValid, apperr.PhoneInvalid, apperr.PhoneTaken,
				apperr.UserPreviouslyDeleted, apperr.SignUpFailed,
			},
		}, socialSignUp),
	}
}

type emailPathRequest struct {
	Email string `path:"email"`
}

// checkSignUp answers only for an account that exists; for any other e-mail it is an
// error, which is how the page tells the two apart.
func checkSignUp(ctx context.Context, a *API, in emailPathRequest) (messageResponse, error) {
	return messageResponse{"User already signed up please login"}, a.Accounts.AddnoxSignUps.Check(ctx, in.Email)
}

type preSignUpRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type preSignUpResponse struct {
	EmailUserID int    `json:"email_user_id"`
	Email       string `json:"email"`
}

func preSignUp(ctx context.Context, a *API, in preSignUpRequest) (preSignUpResponse, error) {
	id, err := a.Accounts.AddnoxSignUps.Begin(ctx, account.BeginSignUpParams{Email: in.Email, Password: in.Password})
	return preSignUpResponse{id, text.TrimEmail(in.Email)}, err
}

type emailUserIDResponse struct {
	EmailUserID int `json:"email_user_id"`
}

func emailUserID(ctx context.Context, a *API, in emailPathRequest) (emailUserIDResponse, error) {
	id, err := a.Accounts.AddnoxSignUps.EmailUserID(ctx, in.Email)
	return emailUserIDResponse{id}, err
}

type completeSignUpRequest struct {
	EmailUserID  int     `json:"email_user_id"`
	Email        string  `json:"email"`
	RegisterType byEmail `json:"register_type"`
	personFields
}

func completeSignUp(ctx context.Context, a *API, validToken string, in completeSignUpRequest) (tokenResponse, error) {
	signedIn, err := a.Accounts.AddnoxSignUps.Complete(ctx, account.CompleteSignUpParams{
		ValidToken: validToken, EmailUserID: in.EmailUserID, Email: in.Email, Person: in.person(),
	})
	return newTokenResponse(signedIn.Tokens), err
}

// socialSignInRequest holds an id_token, or the access_token of Facebook. Naver, which has
// no id token, gives an access token that comes in either.
type socialSignInRequest struct {
	Provider    string  `path:"provider"`
	IDToken     *string `json:"id_token"`
	AccessToken *string `json:"access_token"`
}

func (in socialSignInRequest) token() string {
	switch in.Provider {
	case "facebook":
		return orZero(in.AccessToken)
	case "naver":
		return cmp.Or(orZero(in.IDToken), orZero(in.AccessToken))
	}
	return orZero(in.IDToken)
}

func socialSignIn(ctx context.Context, a *API, in socialSignInRequest) (tokenResponse, error) {
	signedIn, err := a.Auth.SignInSocial(ctx, auth.SocialParams{Provider: in.Provider, Credential: auth.Credential{Token: in.token()}})
	return newTokenResponse(signedIn.Tokens), err
}

type socialSignUpRequest struct {
	Email        string   `json:"email"`
	RegisterType bySocial `json:"register_type"`
	SocialID     string   `json:"social_id"`
	SocialType   string   `json:"social_type"`
	personFields
}

func socialSignUp(ctx context.Context, a *API, validToken string, in socialSignUpRequest) (tokenResponse, error) {
	signedIn, err := a.Accounts.SignUps.BySocial(ctx, account.SocialSignUpParams{
		ValidToken: validToken, TokenRefused: apperr.NotAuthenticated, Email: in.Email, Person: in.person(),
		SocialParams: auth.SocialParams{Provider: in.SocialType, Credential: auth.Credential{Token: in.SocialID}},
	})
	return newTokenResponse(signedIn.Tokens), err
}
