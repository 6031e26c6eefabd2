package rest

import (
	"context"
	"net/http"
	"slices"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// addnox is the surface of the Withnox & Addnox page; both names answer alike.
func addnox(name, prefix string) Surface {
	return Surface{
		Name:    name,
		Prefix:  prefix,
		Routes:  slices.Concat(authRoutes(), addnoxAuthRoutes(), userRoutes(), addnoxUserRoutes()),
		failure: detail,
	}
}

// addnoxUserRoutes are the routes that differ from those of LUX. The page sends
// the reader to get-all-device for ids.
func addnoxUserRoutes() []Route {
	return []Route{
		signedIn(http.MethodGet, "/user/me", "me", addnoxMe, apperr.UserIsNone, apperr.UserIsDeleted),
		signedIn(http.MethodPatch, "/user/policy", "updatePolicy", updatePolicy(false),
			apperr.UserNotFound, apperr.UserPolicyNotFound, apperr.UserPolicyUpdateFailed),
		signedIn(http.MethodPost, "/user/create-real-user", "createChildUser", addnoxCreateRealUser,
			apperr.RealUserCreateFailed, apperr.SerialCodeNotValid, apperr.NotAuthorizedUser, apperr.NotFoundDevice, apperr.AlreadyConnectedDevice),
		signedIn(http.MethodGet, "/device/get-all-device", "childUsers", addnoxGetAllDevice, apperr.UserIsNone),
	}
}

func addnoxMe(_ context.Context, e *API, v viewer.Viewer, _ nothing) (me, error) {
	return showMe(e, v.User), nil
}

// addnoxCreateRealUserIn may leave the unique_id out: the page doesn't know it.
type addnoxCreateRealUserIn struct {
	newChild
	UniqueID *string `json:"unique_id"`
}

type addnoxCreateRealUserOut struct {
	RealUserID    int          `json:"real_user_id"`
	FirstName     string       `json:"first_name"`
	LastName      string       `json:"last_name"`
	Birthdate     date         `json:"birthdate"`
	Gender        vocab.Gender `json:"gender"`
	DeviceID      int          `json:"device_id"`
	NowFirmwareID int          `json:"now_firmware_id"`
	UniqueID      string       `json:"unique_id"`
	SerialCode    string       `json:"serial_code"`
	DeviceAlias   string       `json:"device_alias"`
	MacID         string       `json:"mac_id"`
	LastLogFileID int          `json:"last_log_file_id"`
	CreatedAt     instant      `json:"created_at"`
}

func addnoxCreateRealUser(
	ctx context.Context, e *API, v viewer.Viewer, in addnoxCreateRealUserIn,
) (addnoxCreateRealUserOut, error) {
	made, err := e.Children.Create(ctx, v, in.params(in.UniqueID))
	if err != nil {
		return addnoxCreateRealUserOut{}, err
	}
	d := made.Edges.Device
	return addnoxCreateRealUserOut{
		RealUserID:    made.ID,
		FirstName:     made.FirstName,
		LastName:      made.LastName,
		Birthdate:     date{made.Birthdate},
		Gender:        made.Gender,
		DeviceID:      d.ID,
		NowFirmwareID: d.NowFirmwareID,
		UniqueID:      orZero(d.UniqueID),
		SerialCode:    d.SerialCode,
		DeviceAlias:   d.DeviceAlias,
		MacID:         whole(d.MACID),
		LastLogFileID: d.LastLogFileID,
		CreatedAt:     instant(made.CreatedAt),
	}, nil
}

func addnoxGetAllDevice(ctx context.Context, e *API, v viewer.Viewer, _ nothing) ([]familyMember, error) {
	return family(ctx, e, v, whole)
}

// addnoxAuthRoutes are the authentication routes of Addnox alone.
func addnoxAuthRoutes() []Route {
	return []Route{
		public(http.MethodGet, "/auth/sign-in/check/{email}", "signIn", checkSignUp, apperr.UserNotFound),
		public(http.MethodPost, "/auth/email/pre-signup", "signUp", preSignUp,
			apperr.EmailNotValid, apperr.SameEmailRegistered),
		public(http.MethodPost, "/auth/email/get-id/{email}", "signUp", emailUserID, apperr.UserIDNotResolved),
		withValidToken(http.MethodPost, "/auth/email/signup", "signUp", completeSignUp,
			apperr.NotAuthenticated, apperr.UserNotFound, apperr.EmailNotValid, apperr.PhoneInvalid, apperr.PhoneTaken,
			apperr.UserPreviouslyDeleted, apperr.SignUpFailed).created(),
		public(http.MethodPost, "/auth/social-signin/{provider}", "signInWithFacebook", socialSignIn,
			apperr.SignUpFirst, apperr.SignedUpWithEmail, apperr.SignedUpWithSocial, apperr.ProviderTokenInvalid,
			apperr.ResourceNotFound),
		withValidToken(http.MethodPost, "/auth/social/signup", "signUp", socialSignUp,
			apperr.NotAuthenticated, apperr.SameEmailIsRegistered, apperr.ProviderTokenInvalid, apperr.ResourceNotFound,
			apperr.EmailNotValid, apperr.PhoneInvalid, apperr.PhoneTaken, apperr.UserPreviouslyDeleted, apperr.SignUpFailed),
	}
}

type emailPathIn struct {
	Email string `path:"email"`
}

type messageOut struct {
	Message string `json:"message"`
}

func checkSignUp(ctx context.Context, e *API, in emailPathIn) (messageOut, error) {
	return messageOut{"User already signed up please login"}, e.Accounts.AddnoxSignUps.Check(ctx, in.Email)
}

type preSignUpIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type preSignUpOut struct {
	EmailUserID int    `json:"email_user_id"`
	Email       string `json:"email"`
}

func preSignUp(ctx context.Context, e *API, in preSignUpIn) (preSignUpOut, error) {
	id, err := e.Accounts.AddnoxSignUps.Begin(ctx, account.BeginSignUpParams{Email: in.Email, Password: in.Password})
	return preSignUpOut{id, in.Email}, err
}

type emailUserIDOut struct {
	EmailUserID int `json:"email_user_id"`
}

func emailUserID(ctx context.Context, e *API, in emailPathIn) (emailUserIDOut, error) {
	id, err := e.Accounts.AddnoxSignUps.EmailUserID(ctx, in.Email)
	return emailUserIDOut{id}, err
}

type completeSignUpIn struct {
	EmailUserID  int     `json:"email_user_id"`
	Email        string  `json:"email"`
	RegisterType byEmail `json:"register_type"`
	personIn
}

func completeSignUp(ctx context.Context, e *API, validToken string, in completeSignUpIn) (tokenAnswer, error) {
	got, err := e.Accounts.AddnoxSignUps.Complete(ctx, account.CompleteSignUpParams{
		ValidToken: validToken, EmailUserID: in.EmailUserID, Email: in.Email, Person: in.person(),
	})
	return showTokens(got.Tokens, err)
}

// socialSignInIn is an id_token, or Facebook's access_token.
type socialSignInIn struct {
	Provider    string  `path:"provider"`
	IDToken     *string `json:"id_token"`
	AccessToken *string `json:"access_token"`
}

func (in socialSignInIn) token() string {
	if in.Provider == "facebook" {
		return orZero(in.AccessToken)
	}
	return orZero(in.IDToken)
}

func socialSignIn(ctx context.Context, e *API, in socialSignInIn) (tokenAnswer, error) {
	got, err := e.Auth.SignInSocial(ctx, auth.SocialParams{Provider: in.Provider, Token: in.token()})
	return showTokens(got.Tokens, err)
}

type socialSignUpIn struct {
	Email        string   `json:"email"`
	RegisterType bySocial `json:"register_type"`
	SocialID     string   `json:"social_id"`
	SocialType   string   `json:"social_type"`
	personIn
}

func socialSignUp(ctx context.Context, e *API, validToken string, in socialSignUpIn) (tokenAnswer, error) {
	got, err := e.Accounts.SignUps.BySocial(ctx, account.SocialSignUpParams{
		ValidToken: validToken, Email: in.Email, Person: in.person(),
		SocialParams: auth.SocialParams{Provider: in.SocialType, Token: in.SocialID},
	})
	return showTokens(got.Tokens, err)
}

// bySocial is the register_type of a sign-up through a provider: S and nothing
// else.
type bySocial struct{}

// UnmarshalJSON reads "S".
func (*bySocial) UnmarshalJSON(raw []byte) error {
	return readRegisterType(raw, vocab.RegisteredBySocial)
}
