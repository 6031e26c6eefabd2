package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
	"luxbff/server/openapi"
)

// snuttAuthRoutes are the routes by which a SNUTT app signs up, in and out.
func snuttAuthRoutes() []Route {
	return []Route{
		public(Route{
			Method: http.MethodPost, Path: "/auth/register_local", Operation: "registerLocal",
			Summary: "Sign up by a local id",
			Description: "Ids compare without case. The token is long-lived: it is good until the account's credentials " +
				"change.",
			Errors: []apperr.Kind{apperr.LocalIDMalformed, apperr.PasswordMalformed, apperr.LocalIDTaken, apperr.EmailMalformed},
		}, registerLocal),
		public(Route{
			Method: http.MethodPost, Path: "/auth/request_temp", Operation: "registerLocal",
			Summary:     "Make a temporary account",
			Description: "One without any way to sign in but its token, until it gets a local id or a Facebook link.",
		}, requestTemp),
		public(Route{
			Method: http.MethodPost, Path: "/auth/login_local", Operation: "signInLocal",
			Summary:     "Sign in by a local id",
			Description: "Signing in again gives the same token until the credentials change.",
			Errors:      []apperr.Kind{apperr.NoSuchLocalID, apperr.WrongPassword, apperr.AccountBlocked},
		}, loginLocal),
		public(Route{
			Method: http.MethodPost, Path: "/auth/login_fb", Operation: "signInWithFacebook",
			Summary:     "Sign in through Facebook",
			Description: "Makes an account where the Facebook id is new.",
			Errors:      []apperr.Kind{apperr.FacebookParametersMissing, apperr.FacebookTokenRefused, apperr.ProviderTokenInvalid},
		}, loginFacebook),
		public(Route{
			Method: http.MethodPost, Path: "/auth/logout", Operation: "removePushDevice",
			Summary: "Drop a phone at sign-out",
			Description: "Stops notifying the phone; the token stays good. The account is that of user_id or, without one, " +
				"that of the token. An empty registration_id drops nothing.",
			Errors: []apperr.Kind{apperr.Unauthenticated},
		}, logout),
	}
}

type registerLocalRequest struct {
	localRequest
	Email *string `json:"email"`
}

// registeredResponse is a new account and its long-lived token. The id is text, because
// the apps decode a string.
type registeredResponse struct {
	Message string `json:"message"`
	Token   string `json:"token"`
	UserID  string `json:"user_id"`
}

func newRegisteredResponse(t auth.Tokens) registeredResponse {
	return registeredResponse{Message: "ok", Token: t.AccessToken, UserID: strconv.Itoa(t.RootUserID)}
}

func registerLocal(ctx context.Context, a *API, in registerLocalRequest) (registeredResponse, error) {
	made, err := a.Accounts.SignUps.ByLocalID(ctx, account.RegisterLocalParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Email: in.Email, Style: auth.LongLivedToken,
	})
	return newRegisteredResponse(made.Tokens), err
}

func requestTemp(ctx context.Context, a *API, _ nothing) (registeredResponse, error) {
	made, err := a.Accounts.SignUps.Temporary(ctx, auth.LongLivedToken)
	return newRegisteredResponse(made.Tokens), err
}

// signedInResponse is the account and its long-lived token.
type signedInResponse struct {
	Token  string `json:"token"`
	UserID string `json:"user_id"`
}

func newSignedInResponse(t auth.Tokens) signedInResponse {
	return signedInResponse{Token: t.AccessToken, UserID: strconv.Itoa(t.RootUserID)}
}

func loginLocal(ctx context.Context, a *API, in localRequest) (signedInResponse, error) {
	signedIn, err := a.Auth.SignInLocal(ctx, auth.SignInLocalParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Style: auth.LongLivedToken,
	})
	return newSignedInResponse(signedIn.Tokens), err
}

func loginFacebook(ctx context.Context, a *API, in facebookRequest) (signedInResponse, error) {
	signedIn, err := a.Accounts.SignUps.SignInWithFacebook(ctx, in.params())
	return newSignedInResponse(signedIn.Tokens), err
}

type logoutRequest struct {
	UserID         *accountID `json:"user_id"`
	RegistrationID string     `json:"registration_id"`
}

// accountID is the user_id of a sign-out: a number, that number as text, or a text that
// is empty because the app no longer knows it.
type accountID struct{ id *integerText }

// UnmarshalJSON reads all three.
func (a *accountID) UnmarshalJSON(raw []byte) error {
	if string(raw) == `""` {
		return nil
	}
	return json.Unmarshal(raw, &a.id)
}

func (accountID) schema() *openapi.Schema {
	return &openapi.Schema{AnyOf: []*openapi.Schema{typeSchema("integer"), textSchema(`^(-?[0-9]+)?$`, "44")}}
}

// logout takes the account from the body, as the page has it: whoever knows the
// registration id has the phone, and its token may have ended. Apps that don't send the
// account show a token instead.
func logout(ctx context.Context, a *API, in logoutRequest) (messageResponse, error) {
	rootUserID, err := in.rootUserID(ctx)
	if err != nil {
		return messageResponse{}, err
	}
	return snuttOK(a.Accounts.Push.RemoveDevice(ctx, rootUserID, account.PushDeviceParams{RegistrationID: in.RegistrationID}))
}

func (in logoutRequest) rootUserID(ctx context.Context) (int, error) {
	if in.UserID != nil && in.UserID.id != nil {
		return int(*in.UserID.id), nil
	}
	v, err := viewer.From(ctx)
	return v.RootUserID(), err
}
