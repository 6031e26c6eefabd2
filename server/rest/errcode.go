package rest

import (
	"net/http"

	"luxbff/internal/fault"
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
func snuttCodes() map[fault.Kind]snuttCode {
	return map[fault.Kind]snuttCode{
		fault.Unauthenticated:           {http.StatusForbidden, 0x2002},
		fault.TokenIsExpired:            {http.StatusForbidden, 0x2002},
		fault.UserIsNone:                {http.StatusForbidden, 0x2002},
		fault.UserIsDeleted:             {http.StatusForbidden, 0x2002},
		fault.NoSuchLocalID:             {http.StatusForbidden, 0x2004},
		fault.WrongPassword:             {http.StatusForbidden, 0x2005},
		fault.AccountBlocked:            {http.StatusForbidden, 0x2005},
		fault.FacebookTokenRefused:      {http.StatusForbidden, 0x2006},
		fault.ProviderTokenInvalid:      {http.StatusForbidden, 0x2006},
		fault.FacebookParametersMissing: {http.StatusBadRequest, 0x1001},
		fault.EmailCodeWrong:            {http.StatusBadRequest, 0x1010},
		fault.LocalIDMalformed:          {http.StatusForbidden, 0x3000},
		fault.PasswordMalformed:         {http.StatusForbidden, 0x3001},
		fault.LocalIDTaken:              {http.StatusForbidden, 0x3002},
		fault.LocalIDExists:             {http.StatusForbidden, 0x3005},
		fault.FacebookExists:            {http.StatusForbidden, 0x3006},
		fault.NoLocalID:                 {http.StatusForbidden, 0x3007},
		fault.NoFacebook:                {http.StatusForbidden, 0x3008},
		fault.FacebookTaken:             {http.StatusForbidden, 0x3009},
		fault.EmailMalformed:            {http.StatusForbidden, 0x300F},
		fault.EmailVerifiedAlready:      {http.StatusConflict, 0x9000},
		fault.EmailVerifiedElsewhere:    {http.StatusConflict, 0x9001},
		fault.TooManyEmailCodes:         {http.StatusTooManyRequests, 0xA000},
	}
}

// errcode is an error as SNUTT writes it.
func errcode(r *http.Request, e *fault.Error) (int, any) {
	code, own := snuttCodes()[e.Kind]
	switch {
	case e.Kind == fault.Unauthenticated && Bearer(r) == "":
		code = noToken()
	case !own:
		code = snuttCode{status: e.Status()}
	}
	return code.status, snuttError{Errcode: code.errcode, Message: e.Detail()}
}
