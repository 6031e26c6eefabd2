package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

// authRoutes are the authentication routes that LUX and Addnox share.
func authRoutes() []Route {
	return []Route{
		public(http.MethodPost, "/auth/email/signin", "signIn", signIn,
			apperr.PasswordInvalid, apperr.SignUpNotCompleted, apperr.SmsVerificationRequired, apperr.UserNotFound,
			apperr.SignedUpUserIsDeleted, apperr.AccountBlocked),
		public(http.MethodPost, "/auth/refresh-token", "refreshToken", refreshToken,
			apperr.TokenIsExpired, apperr.Unauthenticated, apperr.RefreshTokenNotValid),
		public(http.MethodPost, "/auth/send-sms-auth", "sendSmsCode", sendSmsCode,
			apperr.PhoneInvalid, apperr.SendSmsFailed),
		public(http.MethodPost, "/auth/phone-number-validation", "verifySmsCode", verifySmsCode,
			apperr.PhoneInvalid, apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted, apperr.PhoneTaken),
		public(http.MethodPost, "/auth/send-reset-mail", "requestPasswordReset", sendResetMail,
			apperr.SocialAccountHasNoPassword, apperr.UserIDNotFound, apperr.EmailSendFailed),
		public(http.MethodPost, "/auth/find-id-by-phone", "findAccount", findIDByPhone,
			apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted, apperr.UserIDNotFound),
	}
}

// luxAuthRoutes are those of LUX alone.
func luxAuthRoutes() []Route {
	return []Route{
		withValidToken(http.MethodPost, "/auth/email/signup", "signUp", signUp,
			apperr.EmailNotValid, apperr.SignUpTokenInvalid, apperr.SameEmailIsRegistered, apperr.PhoneInvalid,
			apperr.PhoneTaken, apperr.UserPreviouslyDeleted, apperr.SignUpFailed),
	}
}

// tokenAnswer is the token answer of auth.md. ID is the root user's.
type tokenAnswer struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
	ID               int    `json:"id"`
	TokenType        string `json:"token_type"`
}

func showTokens(t auth.Tokens, err error) (tokenAnswer, error) {
	return tokenAnswer{
		AccessToken:      t.AccessToken,
		ExpiresIn:        t.ExpiresIn,
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: t.RefreshExpiresIn,
		ID:               t.RootUserID,
		TokenType:        t.TokenType,
	}, err
}

type signInIn struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func signIn(ctx context.Context, e *API, in signInIn) (tokenAnswer, error) {
	got, err := e.Auth.SignIn(ctx, auth.SignInParams{Email: in.Username, Password: in.Password})
	return showTokens(got.Tokens, err)
}

type refreshTokenIn struct {
	RefreshToken string `json:"refresh_token"`
}

func refreshToken(ctx context.Context, e *API, in refreshTokenIn) (tokenAnswer, error) {
	return showTokens(e.Auth.Sessions.Refresh(ctx, in.RefreshToken))
}

type sendSmsCodeIn struct {
	Phone string `json:"phone"`
}

func sendSmsCode(ctx context.Context, e *API, in sendSmsCodeIn) (bool, error) {
	err := e.Auth.Codes.SendSMS(ctx, in.Phone)
	return err == nil, err
}

// phoneCodeIn is a code given back. Leaving it out is a wrong code.
type phoneCodeIn struct {
	Phone    string  `json:"phone"`
	Validnum *string `json:"validnum"`
}

type validTokenOut struct {
	ValidToken string `json:"valid_token"`
}

func verifySmsCode(ctx context.Context, e *API, in phoneCodeIn) (validTokenOut, error) {
	got, err := e.Auth.Codes.VerifySMS(ctx, auth.VerifySMSParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return validTokenOut{got}, err
}

type resetMailIn struct {
	Email string `json:"email"`
}

func sendResetMail(ctx context.Context, e *API, in resetMailIn) (done, error) {
	err := e.Accounts.Recovery.RequestPasswordReset(ctx, account.RequestPasswordResetParams{Email: in.Email})
	return done{http.StatusOK, "User reset password email send successfully"}, err
}

type foundOut struct {
	Email    *string `json:"email"`
	Provider string  `json:"provider"`
}

func findIDByPhone(ctx context.Context, e *API, in phoneCodeIn) (foundOut, error) {
	found, err := e.Accounts.Recovery.FindAccount(ctx, account.FindAccountParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return foundOut{found.Email, found.Provider}, err
}

// personIn is what the sign-ups of LUX and Addnox have in common.
type personIn struct {
	FirstName        string       `json:"first_name"`
	LastName         string       `json:"last_name"`
	Birthdate        date         `json:"birthdate"`
	Gender           vocab.Gender `json:"gender"`
	Phone            string       `json:"phone"`
	IsPushAgree      bool         `json:"is_push_agree"`
	IsMarketingAgree bool         `json:"is_marketing_agree"`
	NationalCode     string       `json:"national_code"`
}

func (in personIn) person() account.Person {
	return account.Person{
		FirstName:        in.FirstName,
		LastName:         in.LastName,
		Birthdate:        in.Birthdate.Date,
		Gender:           in.Gender,
		Phone:            in.Phone,
		IsPushAgree:      in.IsPushAgree,
		IsMarketingAgree: in.IsMarketingAgree,
		NationalCode:     in.NationalCode,
	}
}

type signUpIn struct {
	Email        string  `json:"email"`
	Password     string  `json:"password"`
	RegisterType byEmail `json:"register_type"`
	personIn
}

func signUp(ctx context.Context, e *API, validToken string, in signUpIn) (tokenAnswer, error) {
	got, err := e.Accounts.SignUps.ByEmail(ctx, account.SignUpParams{
		ValidToken: validToken, Email: in.Email, Password: in.Password, Person: in.person(),
	})
	return showTokens(got.Tokens, err)
}

var errRegisterType = errors.New("another register_type than the route's")

// byEmail is the register_type of a sign-up by e-mail: E and nothing else.
type byEmail struct{}

// UnmarshalJSON reads "E".
func (*byEmail) UnmarshalJSON(raw []byte) error {
	return readRegisterType(raw, vocab.RegisteredByEmail)
}

func readRegisterType(raw []byte, want vocab.RegisterType) error {
	var got vocab.RegisterType
	if err := json.Unmarshal(raw, &got); err != nil || got != want {
		return errRegisterType
	}
	return nil
}
