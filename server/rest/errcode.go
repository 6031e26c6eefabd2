package rest

import (
	"net/http"

	"luxbff/internal/apperr"
)

// snuttError is an error as SNUTT writes it.
type snuttError struct {
	Errcode int    `json:"errcode"`
	Message string `json:"message"`
}

// snuttCode is the status and the errcode of a kind (snutt.md).
type snuttCode struct{ status, errcode int }

// noToken is told apart from a token that isn't good.
func noToken() snuttCode { return snuttCode{http.StatusUnauthorized, 0x2001} }

// snuttCodes holds what SNUTT has a number of its own for. A kind that isn't
// here keeps its status and has the number of what is unexpected.
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

// errcode is an error as SNUTT writes it.
func errcode(r *http.Request, e *apperr.Error) (int, any) {
	code, own := snuttCodes()[e.Kind]
	switch {
	case e.Kind == apperr.Unauthenticated && Bearer(r) == "":
		code = noToken()
	case !own:
		code = snuttCode{status: e.Status()}
	}
	return code.status, snuttError{Errcode: code.errcode, Message: e.Detail()}
}
