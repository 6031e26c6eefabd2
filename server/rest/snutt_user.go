package rest

import (
	"context"
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// snuttUserRoutes are the routes of the signed-in SNUTT user.
func snuttUserRoutes() []Route {
	return []Route{
		signedIn(Route{
			Method: http.MethodGet, Path: "/user/info", Operation: "me",
			Summary:     "The signed-in account",
			Description: "When it was made, and by which names it signs in.",
		}, userInfo),
		signedIn(Route{
			Method: http.MethodPut, Path: "/user/info", Operation: "updateUser",
			Summary:     "Change the e-mail address",
			Description: "The new address is unverified. Absent or null, the old one stays.",
			Errors:      []apperr.Kind{apperr.EmailMalformed},
		}, updateUserInfo),
		signedIn(Route{
			Method: http.MethodPut, Path: "/user/password", Operation: "changePassword",
			Summary:     "Change the password",
			Description: "Ends every session; the token of the answer takes the place of the old one, which stops at once.",
			Errors:      []apperr.Kind{apperr.NoLocalID, apperr.WrongPassword, apperr.AccountBlocked, apperr.PasswordMalformed},
		}, changePassword),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/password", Operation: "createLocalCredential",
			Summary: "Add a local id",
			Description: "To an account that has none. Where the account has a password, the one sent has to be that one. " +
				"The token of the answer takes the place of the old one.",
			Errors: []apperr.Kind{
				apperr.LocalIDExists, apperr.LocalIDMalformed, apperr.PasswordMalformed, apperr.LocalIDTaken,
				apperr.WrongPassword, apperr.AccountBlocked,
			},
		}, createLocalCredential),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/facebook", Operation: "connectFacebook",
			Summary:     "Link a Facebook account",
			Description: "The token of the answer takes the place of the old one.",
			Errors: []apperr.Kind{
				apperr.FacebookParametersMissing, apperr.FacebookTokenRefused, apperr.ProviderTokenInvalid,
				apperr.FacebookExists, apperr.FacebookTaken,
			},
		}, connectFacebook),
		signedIn(Route{
			Method: http.MethodDelete, Path: "/user/facebook", Operation: "disconnectFacebook",
			Summary:     "Remove the Facebook link",
			Description: "Of an account that has a password to sign in by.",
			Errors:      []apperr.Kind{apperr.NoLocalID, apperr.NoFacebook},
		}, disconnectFacebook),
		signedIn(Route{
			Method: http.MethodGet, Path: "/user/facebook", Operation: "me",
			Summary:     "Show the Facebook link",
			Description: "Whether there is one, and the name it bears.",
		}, facebookStatus),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/device/{registration_id}", Operation: "addPushDevice",
			Summary:     "Add a phone to be notified",
			Description: "A phone belongs to the account that added it last.",
		}, addPushDevice),
		signedIn(Route{
			Method: http.MethodDelete, Path: "/user/device/{registration_id}", Operation: "removePushDevice",
			Summary:     "Remove a phone",
			Description: "One that isn't there is gone already.",
		}, removePushDevice),
		signedIn(Route{
			Method: http.MethodDelete, Path: "/user/account", Operation: "deleteAccount",
			Summary:     "Delete the account",
			Description: "For good; its local id, e-mail and Facebook link are free for a new account.",
		}, snuttDeleteAccount),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/email/verification", Operation: "sendEmailVerification",
			Summary: "Send a code by e-mail",
			Description: "To the address given, which becomes the account's, unverified; to the account's own when absent. " +
				"Good for 3 minutes and 5 tries.",
			Errors: []apperr.Kind{
				apperr.EmailMalformed, apperr.EmailVerifiedAlready, apperr.EmailVerifiedElsewhere,
				apperr.TooManyEmailCodes, apperr.EmailSendFailed,
			},
		}, sendEmailVerification),
		signedIn(Route{
			Method: http.MethodPost, Path: "/user/email/verification/code", Operation: "verifyEmail",
			Summary:     "Give the e-mail code back",
			Description: "Verifies the address that the code was sent to.",
			Errors:      []apperr.Kind{apperr.EmailCodeWrong, apperr.EmailVerifiedElsewhere},
		}, verifyEmail),
		signedIn(Route{
			Method: http.MethodGet, Path: "/user/email/verification", Operation: "me",
			Summary:     "Ask whether the e-mail is verified",
			Description: "True once the code came back.",
		}, emailStatus),
	}
}

// renewedTokenResponse is the long-lived token in place of the one that stopped.
type renewedTokenResponse struct {
	Token string `json:"token"`
}

func newRenewedTokenResponse(renewed account.Renewed) renewedTokenResponse {
	return renewedTokenResponse{Token: renewed.Tokens.AccessToken}
}

type userInfoResponse struct {
	IsAdmin               bool     `json:"isAdmin"`
	RegDate               instant  `json:"regDate"`
	NotificationCheckedAt *instant `json:"notificationCheckedAt"`
	Email                 *string  `json:"email"`
	LocalID               *string  `json:"local_id"`
	FbName                *string  `json:"fb_name"`
}

func userInfo(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (userInfoResponse, error) {
	names, err := a.Accounts.Credentials.SignInNames(ctx, v.User)
	return userInfoResponse{
		IsAdmin:               v.User.IsAdmin,
		RegDate:               instant(v.User.CreatedAt),
		NotificationCheckedAt: (*instant)(v.User.NotificationCheckedAt),
		Email:                 v.User.Email,
		LocalID:               names.LocalID,
		FbName:                names.Facebook.Name,
	}, err
}

type emailRequest struct {
	Email *string `json:"email"`
}

func updateUserInfo(ctx context.Context, a *API, v viewer.Viewer, in emailRequest) (messageResponse, error) {
	_, err := a.Accounts.Profiles.Update(ctx, v, account.UpdateUserParams{Email: in.Email})
	return snuttOK(err)
}

type changePasswordRequest struct {
	NewPassword *string `json:"new_password"`
	OldPassword *string `json:"old_password"`
}

func changePassword(ctx context.Context, a *API, v viewer.Viewer, in changePasswordRequest) (renewedTokenResponse, error) {
	renewed, err := a.Accounts.Credentials.ChangePassword(ctx, v, account.ChangePasswordParams{
		OldPassword: orZero(in.OldPassword), NewPassword: orZero(in.NewPassword), Style: auth.LongLivedToken,
	})
	if err != nil {
		return renewedTokenResponse{}, err
	}
	return newRenewedTokenResponse(renewed), nil
}

// localRequest is a local id and a password. Both are optional here, because SNUTT
// answers a missing one with the error of a wrong one.
type localRequest struct {
	ID       *string `json:"id"`
	Password *string `json:"password"`
}

func createLocalCredential(ctx context.Context, a *API, v viewer.Viewer, in localRequest) (renewedTokenResponse, error) {
	renewed, err := a.Accounts.Credentials.CreateLocal(ctx, v, account.CreateLocalCredentialParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Style: auth.LongLivedToken,
	})
	if err != nil {
		return renewedTokenResponse{}, err
	}
	return newRenewedTokenResponse(renewed), nil
}

// facebookRequest is optional throughout: SNUTT has an error of its own for a missing
// member.
type facebookRequest struct {
	FbID    *string `json:"fb_id"`
	FbToken *string `json:"fb_token"`
}

func (in facebookRequest) params() account.FacebookParams {
	return account.FacebookParams{
		FacebookID: orZero(in.FbID), FacebookToken: orZero(in.FbToken), Style: auth.LongLivedToken,
	}
}

func connectFacebook(ctx context.Context, a *API, v viewer.Viewer, in facebookRequest) (renewedTokenResponse, error) {
	renewed, err := a.Accounts.Credentials.ConnectFacebook(ctx, v, in.params())
	if err != nil {
		return renewedTokenResponse{}, err
	}
	return newRenewedTokenResponse(renewed), nil
}

func disconnectFacebook(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (renewedTokenResponse, error) {
	renewed, err := a.Accounts.Credentials.DisconnectFacebook(ctx, v, auth.LongLivedToken)
	if err != nil {
		return renewedTokenResponse{}, err
	}
	return newRenewedTokenResponse(renewed), nil
}

type facebookResponse struct {
	Name     *string `json:"name"`
	Attached bool    `json:"attached"`
}

func facebookStatus(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (facebookResponse, error) {
	names, err := a.Accounts.Credentials.SignInNames(ctx, v.User)
	return facebookResponse{names.Facebook.Name, names.Facebook.Attached}, err
}

type pushDeviceRequest struct {
	RegistrationID string `path:"registration_id"`
}

func addPushDevice(ctx context.Context, a *API, v viewer.Viewer, in pushDeviceRequest) (messageResponse, error) {
	_, err := a.Accounts.Push.AddDevice(ctx, v, account.PushDeviceParams{RegistrationID: in.RegistrationID})
	return snuttOK(err)
}

func removePushDevice(ctx context.Context, a *API, v viewer.Viewer, in pushDeviceRequest) (messageResponse, error) {
	return snuttOK(a.Accounts.Push.RemoveDevice(ctx, v.RootUserID(), account.PushDeviceParams{RegistrationID: in.RegistrationID}))
}

func snuttDeleteAccount(ctx context.Context, a *API, v viewer.Viewer, _ nothing) (messageResponse, error) {
	return snuttOK(a.Accounts.Delete(ctx, v, account.DeleteAccountParams{}))
}

func sendEmailVerification(ctx context.Context, a *API, v viewer.Viewer, in emailRequest) (messageResponse, error) {
	err := a.Accounts.Emails.SendVerification(ctx, v, account.SendEmailVerificationParams{Email: in.Email})
	return snuttOK(err)
}

type emailCodeRequest struct {
	Code *string `json:"code"`
}

type emailStatusResponse struct {
	IsEmailVerified bool `json:"is_email_verified"`
}

func verifyEmail(ctx context.Context, a *API, v viewer.Viewer, in emailCodeRequest) (emailStatusResponse, error) {
	_, err := a.Accounts.Emails.Verify(ctx, v, account.VerifyEmailParams{Code: orZero(in.Code)})
	return emailStatusResponse{IsEmailVerified: err == nil}, err
}

func emailStatus(_ context.Context, _ *API, v viewer.Viewer, _ nothing) (emailStatusResponse, error) {
	return emailStatusResponse{v.User.IsEmailVerified}, nil
}
