package resetpage

import (
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

func (p *page) serveRevert(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		p.write(w, r, p.revert, http.StatusBadRequest, content{Problem: notComplete})
		return
	}
	p.write(w, r, p.revert, http.StatusOK, content{Token: token})
}

func (p *page) revertEmail(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	token := r.PostFormValue("token")
	err := p.accounts.Emails.Revert(r.Context(), account.RevertEmailParams{Token: token})
	if err == nil {
		p.write(w, r, p.revert, http.StatusOK, content{Done: true})
		return
	}
	p.refuseRevert(w, r, token, err)
}

// refuseRevert is [page.refuse] of the other page.
func (p *page) refuseRevert(w http.ResponseWriter, r *http.Request, token string, err error) {
	known := apperr.From(err)
	if cause := known.Unwrap(); cause != nil {
		p.log.Log(r.Context(), known.LogLevel(r.Context()), "take an address back", "error", cause)
	}
	shown := content{Token: token}
	switch known.Kind {
	case apperr.CodeInvalid, apperr.CodeExpired:
		shown = content{Problem: "This link was used or is too old. Please write to our support."}
	case apperr.EmailVerifiedElsewhere:
		shown = content{Problem: "Another account has this address by now. Please write to our support."}
	case apperr.TooManyRequests:
		shown.Problem = tooMany
	default:
		shown.Problem = wentWrong
	}
	setRetryAfter(w, known)
	p.write(w, r, p.revert, known.Status(), shown)
}
