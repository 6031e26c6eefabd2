package rest

import (
	"net/http"

	"luxbff/internal/apperr"
)

// snutt gives the surface of the SNUTT user page, which is served at the root and
// under /v1.
func snutt(name, prefix string) Surface {
	return Surface{
		Name:         name,
		Prefix:       prefix,
		Below:        []string{"/user/", "/auth/"},
		Routes:       append(snuttUserRoutes(), snuttAuthRoutes()...),
		errorBody:    snuttErrorBody,
		expiredToken: apperr.TokenIsExpired,
	}
}

// snuttError is an error in the form of SNUTT.
type snuttError struct {
	Errcode int    `json:"errcode"`
	Message string `json:"message"`
}

// snuttCode is the status and the errcode of a kind (snutt.md).
type snuttCode struct{ status, errcode int }

// snuttNoToken is the code of a request without a token. One with a bad token has
// another, though both are [apperr.Unauthenticated].
func snuttNoToken() snuttCode { return snuttCode{http.StatusUnauthorized, 0x2001} }

// snuttCodes lists the kinds for which SNUTT has a code. Any other kind keeps its
// status and has errcode 0.
func snuttCodes() map[apperr.Kind]snuttCode {
	return map[apperr.Kind]snuttCode{
		apperr.Unauthenticated:           {http.StatusForbidden, 0x2002},
		apperr.TokenIsExpired:            {http.StatusForbidden, 0x2002},
		apperr.UserIsNone:                {http.StatusForbidden, 0x2002},
		apperr.UserIsDeleted:             {http.StatusForbidden, 0x2002},
		apperr.NoSuchLocalID:             {http.StatusForbidden, 0x2004},
		apperr.WrongPassword:             {http.StatusForbidden, 0x2005},
		apperr.AccountBlocked:            {http.StatusForbidden, 0x2005},
		apperr.FacebookTokenRefused:      {http.StatusForbidden, 0x2006},
		apperr.ProviderTokenInvalid:      {http.StatusForbidden, 0x2006},
		apperr.FacebookParametersMissing: {http.StatusBadRequest, 0x1001},
		apperr.EmailCodeWrong:            {http.StatusBadRequest, 0x1010},
		apperr.LocalIDMalformed:          {http.StatusForbidden, 0x3000},
		apperr.PasswordMalformed:         {http.StatusForbidden, 0x3001},
		apperr.LocalIDTaken:              {http.StatusForbidden, 0x3002},
		apperr.LocalIDExists:             {http.StatusForbidden, 0x3005},
		apperr.FacebookExists:            {http.StatusForbidden, 0x3006},
		apperr.NoLocalID:                 {http.StatusForbidden, 0x3007},
		apperr.NoFacebook:                {http.StatusForbidden, 0x3008},
		apperr.FacebookTaken:             {http.StatusForbidden, 0x3009},
		apperr.EmailMalformed:            {http.StatusForbidden, 0x300F},
		apperr.EmailVerifiedAlready:      {http.StatusConflict, 0x9000},
		apperr.EmailVerifiedElsewhere:    {http.StatusConflict, 0x9001},
		apperr.TooManyEmailCodes:         {http.StatusTooManyRequests, 0xA000},
	}
}

// snuttErrorBody writes an error in the form of SNUTT.
func snuttErrorBody(r *http.Request, e *apperr.Error) (int, any) {
	code, isListed := snuttCodes()[e.Kind]
	switch {
	case e.Kind == apperr.Unauthenticated && Bearer(r) == "":
		code = snuttNoToken()
	case !isListed:
		code = snuttCode{status: e.Status()}
	}
	return code.status, snuttError{Errcode: code.errcode, Message: e.Detail()}
}

// snuttOK gives the response of a route that has nothing to say.
func snuttOK(err error) (messageResponse, error) { return messageResponse{"ok"}, err }
