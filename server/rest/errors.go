package rest

import (
	"net/http"
	"strconv"

	"luxbff/internal/apperr"
	"luxbff/server/httpbody"
)

// writeError sends an error in the form of the surface. Its cause, if it has one, is
// only logged: it may name tables or providers.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, s Surface, err error) {
	known := apperr.From(err)
	if cause := known.Unwrap(); cause != nil {
		a.Log.Log(r.Context(), known.LogLevel(r.Context()), "request failed",
			"route", r.Pattern, "code", known.Code(), "error", cause)
	}
	if a.CountError != nil && s.Name != "" && !apperr.IsHungUp(r.Context(), err) {
		a.CountError(s.Name, known.Code())
	}
	if known.Kind == apperr.ProviderUnavailable {
		known = apperr.Internal.New() // the pages have one answer for all that is not the caller's
	}
	// An upload that is refused for its token was not read at all.
	httpbody.Discard(r)
	status, body := s.errorBody(r, known)
	if wait := known.RetryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	} else if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if status == http.StatusUnsupportedMediaType {
		w.Header().Set("Accept-Encoding", httpbody.AcceptedEncoding)
	}
	write(w, status, body)
}

// errorReason says when an error of the kind is sent. The OpenAPI document shows it
// beside the error's text; a test fails for a documented error without one.
func errorReason(kind apperr.Kind) string {
	return map[apperr.Kind]string{
		apperr.Internal:                   "anything unexpected; the cause is in the server's log",
		apperr.Unavailable:                "the server can't reach its database for a moment, or too many passwords wait to be hashed: try again",
		apperr.BadRequest:                 "wrong JSON, a wrong type, a missing or an impossible value",
		apperr.PayloadTooLarge:            "the body has more than " + strconv.Itoa(maxBody) + " bytes, as sent or inflated",
		apperr.UnsupportedMediaType:       "a Content-Encoding other than gzip and zstd, or more than one",
		apperr.Unauthenticated:            "no token, or one that isn't good",
		apperr.TokenIsExpired:             "an old token: refresh it",
		apperr.UserIsNone:                 "there never was such an account",
		apperr.UserIsDeleted:              "the account was deleted",
		apperr.NotAuthorizedUser:          "the child is another account's",
		apperr.ResourceNotFound:           "an unknown provider",
		apperr.TooManyRequests:            "too many calls: wait for Retry-After seconds",
		apperr.UpgradeRequired:            "this version of the app is older than the operator allows: update the app",
		apperr.UserNotFound:               "no such account, or no sign-up was begun",
		apperr.UserPolicyNotFound:         "the account was never asked for consent",
		apperr.UserPolicyUpdateFailed:     "consent to push without a push token, a malformed one, or one without consent",
		apperr.PushPermissionDenied:       "no consent to push",
		apperr.PushTokenUpdateFailed:      "the token is not 32 to 4096 printable ASCII characters without spaces",
		apperr.RealUserCreateFailed:       "the account has 50 children already, or a fault of the server; nothing was stored",
		apperr.RealUserNotFound:           "no such child",
		apperr.RealUserDeleteFailed:       "the unique_id is not that of the child's device",
		apperr.SerialCodeNotValid:         "not 4 to 32 letters and digits",
		apperr.NotFoundDevice:             "not in the catalogue, not that child's, or the MAC or unique_id doesn't fit",
		apperr.AlreadyConnectedDevice:     "another child has the device, or the child has another one",
		apperr.CodeExpired:                "three minutes have passed",
		apperr.CodeInvalid:                "a wrong code, one that was used or replaced, or the sixth try",
		apperr.UserPreviouslyDeleted:      "the number of a deleted account is held back for a time",
		apperr.PhoneTaken:                 "another account has the number",
		apperr.NotificationUpdateFailed:   "a fault of the server; nothing was stored",
		apperr.SignInTypeNotFound:         "an account without any way to sign in",
		apperr.DeviceNotFound:             "no such child, or it has no device",
		apperr.NotConnectedDevice:         "the device is not registered to that child",
		apperr.NotFoundUser:               "no such child",
		apperr.UpdateDeviceLogFailed:      "a fault of the server; nothing was stored, send again",
		apperr.CreateDeviceLogFailed:      "a fault of the server; nothing was stored, send again",
		apperr.PhoneNotFound:              "the account has no phone number",
		apperr.AlimtalkSendFailed:         "no sender is configured",
		apperr.PasswordInvalid:            "a wrong password",
		apperr.SignUpNotCompleted:         "the sign-up was begun and is not complete",
		apperr.SmsVerificationRequired:    "the account has no verified phone",
		apperr.SignedUpUserIsDeleted:      "the account of the e-mail was deleted",
		apperr.AccountBlocked:             "ten wrong passwords in a row: blocked for 15 minutes",
		apperr.RefreshTokenNotValid:       "used before, or of a session that has ended",
		apperr.PhoneInvalid:               "not a number in E.164, nor one of the country of the account or the sign-up; or of a country that is not served",
		apperr.SendSmsFailed:              "no sender is configured",
		apperr.EmailNotValid:              "empty, or not an e-mail address",
		apperr.SignUpTokenInvalid:         "the valid_token is missing, used, old or another phone's",
		apperr.SameEmailIsRegistered:      "another account has the e-mail",
		apperr.SameEmailRegistered:        "another account has the e-mail",
		apperr.SignUpFailed:               "a fault of the server; nothing was stored",
		apperr.UserIDNotResolved:          "no sign-up was begun for the e-mail",
		apperr.NotAuthenticated:           "the valid_token is missing, used, old or another phone's",
		apperr.SignUpFirst:                "the provider's account is new here",
		apperr.SignedUpWithEmail:          "the e-mail's account signs in by password",
		apperr.SignedUpWithSocial:         "the e-mail's account signs in through the provider named",
		apperr.ProviderTokenInvalid:       "the provider refuses the token, or is not configured",
		apperr.SocialAccountHasNoPassword: "the account signs in through a provider",
		apperr.UserIDNotFound:             "no account has it",
		apperr.EmailSendFailed:            "no sender is configured",
		apperr.NoSuchLocalID:              "no such id",
		apperr.WrongPassword:              "a wrong password, also a missing old one",
		apperr.FacebookTokenRefused:       "Facebook refuses the token, or it is of another Facebook id",
		apperr.FacebookParametersMissing:  "fb_id or fb_token is missing",
		apperr.LocalIDMalformed:           "not 4 to 32 letters and digits",
		apperr.PasswordMalformed:          "not 6 to 20 non-blank characters with a letter and a digit",
		apperr.LocalIDTaken:               "another account has the id; ids compare without case",
		apperr.LocalIDExists:              "the account has a local id already",
		apperr.FacebookExists:             "the account has a link already",
		apperr.NoLocalID:                  "the account has no local id",
		apperr.NoFacebook:                 "the account has no link",
		apperr.FacebookTaken:              "another account has the link",
		apperr.EmailMalformed:             "not an e-mail address",
		apperr.EmailCodeWrong:             "a wrong, old or never requested code",
		apperr.EmailVerifiedAlready:       "there is nothing to verify",
		apperr.EmailVerifiedElsewhere:     "another account has verified the address",
		apperr.IdempotencyKeyNotValid:     "the Idempotency-Key is not 16 to 255 visible ASCII characters",
		apperr.IdempotencyKeyReused:       "the Idempotency-Key was sent with another request",
		apperr.IdempotencyKeyInUse:        "the request with this Idempotency-Key still runs: wait for Retry-After seconds",
		apperr.IdempotencyAnswerLost:      "the request with this Idempotency-Key has stored something, and its answer is lost",
		apperr.TooManyEmailCodes:          "a sixth code in a row: wait three minutes",
	}[kind]
}
