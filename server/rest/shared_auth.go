package rest

import (
	"context"
	"net/http"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

// sharedAuthRoutes are the authentication routes that LUX and Addnox share.
func sharedAuthRoutes() []Route {
	return []Route{
		public(Route{
			Method: http.MethodPost, Path: "/auth/email/signin", Operation: "signIn",
			Summary: "Sign in by e-mail",
			Description: "Opens a session and answers with its two tokens. Takes a form (application/x-www-form-urlencoded) " +
				"as well. Ten wrong passwords in a row block sign-in for 15 minutes.",
			Errors: []apperr.Kind{
				apperr.PasswordInvalid, apperr.SignUpNotCompleted, apperr.SmsVerificationRequired,
				apperr.UserNotFound, apperr.SignedUpUserIsDeleted, apperr.AccountBlocked,
			},
		}, signIn),
		public(Route{
			Method: http.MethodPost, Path: "/auth/refresh-token", Operation: "refreshToken",
			Summary: "Trade a refresh token for new tokens",
			Description: "Both tokens of the answer are new. If the answer is lost, send the old refresh token again: until a " +
				"token of the answer is used, it gets the same new one. After that the old one ends its session, because " +
				"somebody else may have it.",
			Errors: []apperr.Kind{apperr.TokenIsExpired, apperr.Unauthenticated, apperr.RefreshTokenNotValid},
		}, refreshToken),
		public(Route{
			Method: http.MethodPost, Path: "/auth/send-sms-auth", Operation: "sendSmsCode",
			Summary: "Send a code by SMS",
			Description: "Six digits, good for 3 minutes and 5 tries; a new code replaces the one before. The answer is the " +
				"same whether or not the number has an account. Used for sign-up, for a new phone number and for " +
				"recovery.",
			Errors: []apperr.Kind{apperr.PhoneInvalid, apperr.SendSmsFailed},
		}, sendSmsCode),
		public(Route{
			Method: http.MethodPost, Path: "/auth/phone-number-validation", Operation: "verifySmsCode",
			Summary: "Give the SMS code back",
			Description: "Earns a valid_token: one sign-up of that phone within 10 minutes, as the bearer token of the " +
				"sign-up route.",
			Errors: []apperr.Kind{
				apperr.PhoneInvalid, apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted,
				apperr.PhoneTaken,
			},
		}, verifySmsCode),
		public(Route{
			Method: http.MethodPost, Path: "/auth/send-reset-mail", Operation: "requestPasswordReset",
			Summary: "Send the mail that resets a password",
			Description: "The mail carries a link that is good once, for 30 minutes. The page behind it takes the new " +
				"password, which ends every session.",
			Errors: []apperr.Kind{apperr.SocialAccountHasNoPassword, apperr.UserIDNotFound, apperr.EmailSendFailed},
		}, sendResetMail),
		public(Route{
			Method: http.MethodPost, Path: "/auth/find-id-by-phone", Operation: "findAccount",
			Summary: "Find the account of a phone",
			Description: "For the code that send-sms-auth sent, tells the e-mail of the account and how it signs in: email, " +
				"local, or the name of a social provider.",
			Errors: []apperr.Kind{apperr.CodeExpired, apperr.CodeInvalid, apperr.UserPreviouslyDeleted, apperr.UserIDNotFound},
		}, findIDByPhone),
	}
}

// signUpDescription is that of the sign-up by e-mail on both pages.
const signUpDescription = "Makes the account of the phone that earned the valid_token and opens its first session. A refused " +
	"sign-up leaves the valid_token usable. Addnox takes the email_user_id of pre-signup in place of a " +
	"password."

// tokenResponse is the token answer of auth.md. ID is that of the root user.
type tokenResponse struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
	ID               int    `json:"id"`
	TokenType        string `json:"token_type"`
}

func newTokenResponse(t auth.Tokens) tokenResponse {
	return tokenResponse{
		AccessToken:      t.AccessToken,
		ExpiresIn:        t.ExpiresIn,
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: t.RefreshExpiresIn,
		ID:               t.RootUserID,
		TokenType:        t.TokenType,
	}
}

type signInRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func signIn(ctx context.Context, a *API, in signInRequest) (tokenResponse, error) {
	signedIn, err := a.Auth.SignIn(ctx, auth.SignInParams{Email: in.Username, Password: in.Password})
	return newTokenResponse(signedIn.Tokens), err
}

type refreshTokenRequest struct {
	RefreshToken string `json:"refresh_token"`
}

func refreshToken(ctx context.Context, a *API, in refreshTokenRequest) (tokenResponse, error) {
	tokens, err := a.Auth.Sessions.Refresh(ctx, in.RefreshToken)
	return newTokenResponse(tokens), err
}

type sendSmsCodeRequest struct {
	Phone string `json:"phone"`
}

func sendSmsCode(ctx context.Context, a *API, in sendSmsCodeRequest) (bool, error) {
	err := a.Auth.Codes.SendSMS(ctx, auth.SendSMSParams{Phone: in.Phone})
	return err == nil, err
}

// phoneCodeRequest gives a code back. A missing code is answered like a wrong one, so
// it is optional here.
type phoneCodeRequest struct {
	Phone    string  `json:"phone"`
	Validnum *string `json:"validnum"`
}

type validTokenResponse struct {
	ValidToken string `json:"valid_token"`
}

func verifySmsCode(ctx context.Context, a *API, in phoneCodeRequest) (validTokenResponse, error) {
	validToken, err := a.Auth.Codes.VerifySMS(ctx, auth.VerifySMSParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return validTokenResponse{validToken}, err
}

type resetMailRequest struct {
	Email string `json:"email"`
}

func sendResetMail(ctx context.Context, a *API, in resetMailRequest) (doneResponse, error) {
	err := a.Accounts.Recovery.RequestPasswordReset(ctx, account.RequestPasswordResetParams{Email: in.Email})
	return doneResponse{http.StatusOK, "User reset password email send successfully"}, err
}

type foundResponse struct {
	Email    *string `json:"email"`
	Provider string  `json:"provider"`
}

func findIDByPhone(ctx context.Context, a *API, in phoneCodeRequest) (foundResponse, error) {
	found, err := a.Accounts.Recovery.FindAccount(ctx, account.FindAccountParams{Phone: in.Phone, Code: orZero(in.Validnum)})
	return foundResponse{found.Email, found.Provider}, err
}

// personFields are what the sign-ups of LUX and Addnox have in common.
type personFields struct {
	FirstName        string       `json:"first_name"`
	LastName         string       `json:"last_name"`
	Birthdate        date         `json:"birthdate"`
	Gender           vocab.Gender `json:"gender"`
	Phone            string       `json:"phone"`
	IsPushAgree      flag         `json:"is_push_agree"`
	IsMarketingAgree flag         `json:"is_marketing_agree"`
	NationalCode     string       `json:"national_code"`
}

func (in personFields) person() account.Person {
	return account.Person{
		FirstName:        in.FirstName,
		LastName:         in.LastName,
		Birthdate:        in.Birthdate.Date,
		Gender:           in.Gender,
		Phone:            in.Phone,
		IsPushAgree:      in.IsPushAgree.on,
		IsMarketingAgree: in.IsMarketingAgree.on,
		NationalCode:     in.NationalCode,
	}
}
