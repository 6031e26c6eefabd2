package rest

import (
	"context"
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// snutt is the surface of the SNUTT user page, at the root and under /v1.
func snutt(name, prefix string) Surface {
	return Surface{
		Name:    name,
		Prefix:  prefix,
		Below:   []string{"/user/", "/auth/"},
		Routes:  append(snuttUserRoutes(), snuttAuthRoutes()...),
		failure: errcode,
	}
}

func snuttUserRoutes() []Route {
	return []Route{
		signedIn(http.MethodGet, "/user/info", "me", userInfo),
		signedIn(http.MethodPut, "/user/info", "updateUser", updateUserInfo, apperr.EmailMalformed),
		signedIn(http.MethodPut, "/user/password", "changePassword", changePassword,
			apperr.NoLocalID, apperr.WrongPassword, apperr.AccountBlocked, apperr.PasswordMalformed),
		signedIn(http.MethodPost, "/user/password", "createLocalCredential", createLocalCredential,
			apperr.LocalIDExists, apperr.LocalIDMalformed, apperr.PasswordMalformed, apperr.LocalIDTaken),
		signedIn(http.MethodPost, "/user/facebook", "connectFacebook", connectFacebook,
			apperr.FacebookParametersMissing, apperr.FacebookTokenRefused, apperr.ProviderTokenInvalid,
			apperr.FacebookExists, apperr.FacebookTaken),
		signedIn(http.MethodDelete, "/user/facebook", "disconnectFacebook", disconnectFacebook,
			apperr.NoLocalID, apperr.NoFacebook),
		signedIn(http.MethodGet, "/user/facebook", "me", facebookStatus),
		signedIn(http.MethodPost, "/user/device/{registration_id}", "addPushDevice", addPushDevice),
		signedIn(http.MethodDelete, "/user/device/{registration_id}", "removePushDevice", removePushDevice),
		signedIn(http.MethodDelete, "/user/account", "deleteAccount", snuttDeleteAccount),
		signedIn(http.MethodPost, "/user/email/verification", "sendEmailVerification", sendEmailVerification,
			apperr.EmailMalformed, apperr.EmailVerifiedAlready, apperr.EmailVerifiedElsewhere, apperr.TooManyEmailCodes,
			apperr.EmailSendFailed),
		signedIn(http.MethodPost, "/user/email/verification/code", "verifyEmail", verifyEmail,
			apperr.EmailCodeWrong, apperr.EmailVerifiedElsewhere),
		signedIn(http.MethodGet, "/user/email/verification", "me", emailStatus),
	}
}

func snuttAuthRoutes() []Route {
	return []Route{
		public(http.MethodPost, "/auth/register_local", "registerLocal", registerLocal,
			apperr.LocalIDMalformed, apperr.PasswordMalformed, apperr.LocalIDTaken, apperr.EmailMalformed),
		public(http.MethodPost, "/auth/request_temp", "registerLocal", requestTemp),
		public(http.MethodPost, "/auth/login_local", "signInLocal", loginLocal,
			apperr.NoSuchLocalID, apperr.WrongPassword, apperr.AccountBlocked),
		public(http.MethodPost, "/auth/login_fb", "signInWithFacebook", loginFacebook,
			apperr.FacebookParametersMissing, apperr.FacebookTokenRefused, apperr.ProviderTokenInvalid),
		public(http.MethodPost, "/auth/logout", "removePushDevice", logout),
	}
}

// snuttOK is the answer of a route that has nothing to show.
func snuttOK(err error) (messageOut, error) { return messageOut{"ok"}, err }

// renewed is the token in place of the one that stopped.
type renewed struct {
	Token string `json:"token"`
}

func showRenewed(done account.Renewed, err error) (renewed, error) {
	if err != nil {
		return renewed{}, err
	}
	return renewed{done.Tokens.AccessToken}, nil
}

type userInfoOut struct {
	IsAdmin               bool     `json:"isAdmin"`
	RegDate               instant  `json:"regDate"`
	NotificationCheckedAt *instant `json:"notificationCheckedAt"`
	Email                 *string  `json:"email"`
	LocalID               *string  `json:"local_id"`
	FbName                *string  `json:"fb_name"`
}

func userInfo(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (userInfoOut, error) {
	names, err := e.Accounts.Credentials.SignInNames(ctx, v.User)
	return userInfoOut{
		IsAdmin:               v.User.IsAdmin,
		RegDate:               instant(v.User.CreatedAt),
		NotificationCheckedAt: (*instant)(v.User.NotificationCheckedAt),
		Email:                 v.User.Email,
		LocalID:               names.LocalID,
		FbName:                names.Facebook.Name,
	}, err
}

type emailIn struct {
	Email *string `json:"email"`
}

func updateUserInfo(ctx context.Context, e *API, v viewer.Viewer, in emailIn) (messageOut, error) {
	_, err := e.Accounts.Profiles.Update(ctx, v, account.UpdateUserParams{Email: in.Email})
	return snuttOK(err)
}

type changePasswordIn struct {
	NewPassword *string `json:"new_password"`
	OldPassword *string `json:"old_password"`
}

func changePassword(ctx context.Context, e *API, v viewer.Viewer, in changePasswordIn) (renewed, error) {
	return showRenewed(e.Accounts.Credentials.ChangePassword(ctx, v, account.ChangePasswordParams{
		OldPassword: orZero(in.OldPassword), NewPassword: orZero(in.NewPassword), Style: auth.LongLivedToken,
	}))
}

// localIn is an id and a password. One left out is one that isn't right.
type localIn struct {
	ID       *string `json:"id"`
	Password *string `json:"password"`
}

func createLocalCredential(ctx context.Context, e *API, v viewer.Viewer, in localIn) (renewed, error) {
	return showRenewed(e.Accounts.Credentials.CreateLocal(ctx, v, account.CreateLocalCredentialParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Style: auth.LongLivedToken,
	}))
}

type facebookIn struct {
	FbID    *string `json:"fb_id"`
	FbToken *string `json:"fb_token"`
}

func (in facebookIn) params() account.FacebookParams {
	return account.FacebookParams{
		FacebookID: orZero(in.FbID), FacebookToken: orZero(in.FbToken), Style: auth.LongLivedToken,
	}
}

func connectFacebook(ctx context.Context, e *API, v viewer.Viewer, in facebookIn) (renewed, error) {
	return showRenewed(e.Accounts.Credentials.ConnectFacebook(ctx, v, in.params()))
}

func disconnectFacebook(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (renewed, error) {
	return showRenewed(e.Accounts.Credentials.DisconnectFacebook(ctx, v, auth.LongLivedToken))
}

type facebookOut struct {
	Name     *string `json:"name"`
	Attached bool    `json:"attached"`
}

func facebookStatus(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (facebookOut, error) {
	names, err := e.Accounts.Credentials.SignInNames(ctx, v.User)
	return facebookOut{names.Facebook.Name, names.Facebook.Attached}, err
}

type pushDeviceIn struct {
	RegistrationID string `path:"registration_id"`
}

func addPushDevice(ctx context.Context, e *API, v viewer.Viewer, in pushDeviceIn) (messageOut, error) {
	_, err := e.Accounts.Push.AddDevice(ctx, v, account.PushDeviceParams{RegistrationID: in.RegistrationID})
	return snuttOK(err)
}

func removePushDevice(ctx context.Context, e *API, v viewer.Viewer, in pushDeviceIn) (messageOut, error) {
	return snuttOK(e.Accounts.Push.RemoveDevice(ctx, v.RootUserID(), account.PushDeviceParams{RegistrationID: in.RegistrationID}))
}

func snuttDeleteAccount(ctx context.Context, e *API, v viewer.Viewer, _ nothing) (messageOut, error) {
	return snuttOK(e.Accounts.Delete(ctx, v, account.DeleteAccountParams{}))
}

func sendEmailVerification(ctx context.Context, e *API, v viewer.Viewer, in emailIn) (messageOut, error) {
	err := e.Accounts.Emails.SendVerification(ctx, v, account.SendEmailVerificationParams{Email: in.Email})
	return snuttOK(err)
}

type emailCodeIn struct {
	Code *string `json:"code"`
}

type emailStatusOut struct {
	IsEmailVerified bool `json:"is_email_verified"`
}

func verifyEmail(ctx context.Context, e *API, v viewer.Viewer, in emailCodeIn) (emailStatusOut, error) {
	_, err := e.Accounts.Emails.Verify(ctx, v, account.VerifyEmailParams{Code: orZero(in.Code)})
	return emailStatusOut{IsEmailVerified: err == nil}, err
}

func emailStatus(_ context.Context, _ *API, v viewer.Viewer, _ nothing) (emailStatusOut, error) {
	return emailStatusOut{v.User.IsEmailVerified}, nil
}

type registerLocalIn struct {
	localIn
	Email *string `json:"email"`
}

// registered is a new account and its long-lived token.
type registered struct {
	Message string `json:"message"`
	Token   string `json:"token"`
	UserID  int    `json:"user_id"`
}

func showRegistered(t auth.Tokens, err error) (registered, error) {
	return registered{"ok", t.AccessToken, t.RootUserID}, err
}

func registerLocal(ctx context.Context, e *API, in registerLocalIn) (registered, error) {
	got, err := e.Accounts.SignUps.ByLocalID(ctx, account.RegisterLocalParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Email: in.Email, Style: auth.LongLivedToken,
	})
	return showRegistered(got.Tokens, err)
}

func requestTemp(ctx context.Context, e *API, _ nothing) (registered, error) {
	got, err := e.Accounts.SignUps.Temporary(ctx, auth.LongLivedToken)
	return showRegistered(got.Tokens, err)
}

// signedInOut is an account's long-lived token.
type signedInOut struct {
	Token  string `json:"token"`
	UserID int    `json:"user_id"`
}

func loginLocal(ctx context.Context, e *API, in localIn) (signedInOut, error) {
	got, err := e.Auth.SignInLocal(ctx, auth.SignInLocalParams{
		LocalID: orZero(in.ID), Password: orZero(in.Password), Style: auth.LongLivedToken,
	})
	return signedInOut{got.Tokens.AccessToken, got.Tokens.RootUserID}, err
}

func loginFacebook(ctx context.Context, e *API, in facebookIn) (signedInOut, error) {
	got, err := e.Accounts.SignUps.SignInWithFacebook(ctx, in.params())
	return signedInOut{got.Tokens.AccessToken, got.Tokens.RootUserID}, err
}

type logoutIn struct {
	UserID         int    `json:"user_id"`
	RegistrationID string `json:"registration_id"`
}

func logout(ctx context.Context, e *API, in logoutIn) (messageOut, error) {
	device := account.PushDeviceParams{RegistrationID: in.RegistrationID}
	return snuttOK(e.Accounts.Push.RemoveDevice(ctx, in.UserID, device))
}
