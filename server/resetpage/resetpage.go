// Package resetpage serves the pages that mails link to: where a person types a new
// password, and where one takes a changed e-mail address back. They work without a script,
// so their policy can forbid all scripts: their addresses hold the token that changes the
// account. Opening a page changes nothing, because programs that look for harmful mail open
// every link. The package holds no rule; it calls internal/account.
package resetpage

import (
	"bytes"
	_ "embed" // of page.html
	"html/template"
	"log/slog"
	"net/http"
	"strconv"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

// The paths of the pages; the account's mails link to them.
const (
	Path       = "/reset-password"
	RevertPath = "/revert-email"
)

// maxFormBytes is far above what a token and the longest password need.
const maxFormBytes = 16 << 10

// contentPolicy lets the page use its own style and send its form to its own origin,
// and nothing else.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var (
	//go:embed page.html
	pageTemplate string
	//go:embed revert.html
	revertTemplate string
)

// Handler serves the pages and takes their forms.
func Handler(accounts *account.Service, log *slog.Logger) http.Handler {
	p := &page{
		accounts: accounts, log: log,
		html:   template.Must(template.New("page").Parse(pageTemplate)),
		revert: template.Must(template.New("revert").Parse(revertTemplate)),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, p.serveForm)
	mux.HandleFunc("POST "+Path, p.resetPassword)
	mux.HandleFunc("GET "+RevertPath, p.serveRevert)
	mux.HandleFunc("POST "+RevertPath, p.revertEmail)
	return mux
}

type page struct {
	accounts *account.Service
	log      *slog.Logger
	// html is the page of a new password, revert that of an address to be taken back.
	html, revert *template.Template
}

// What both pages say of a link or a moment that is not good.
const (
	notComplete = "This link is not complete. Open the one in your e-mail."
	tooMany     = "There were too many tries. Please wait a little and try again."
	wentWrong   = "That went wrong here. Please try again later."
)

// content is what a template shows.
type content struct {
	Token   string // of the link; without one there is no form
	Problem string // in the reader's words; empty for none
	Done    bool
}

func (p *page) serveForm(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		p.write(w, r, p.html, http.StatusBadRequest, content{Problem: notComplete})
		return
	}
	p.write(w, r, p.html, http.StatusOK, content{Token: token})
}

func (p *page) resetPassword(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	err := p.accounts.Recovery.ResetPassword(r.Context(), account.ResetPasswordParams{Token: token, NewPassword: password})
	if err == nil {
		p.write(w, r, p.html, http.StatusOK, content{Done: true})
		return
	}
	p.refuse(w, r, token, err)
}

// refuse answers with the status of the error and says in the reader's words what to do.
// The form stays where typing or waiting helps.
func (p *page) refuse(w http.ResponseWriter, r *http.Request, token string, err error) {
	known := apperr.From(err)
	if cause := known.Unwrap(); cause != nil {
		p.log.Log(r.Context(), known.LogLevel(r.Context()), "reset a password", "error", cause)
	}
	shown := content{Token: token}
	switch known.Kind {
	case apperr.BadRequest:
		shown.Problem = "Choose 8 to 128 characters with a letter and a digit."
	case apperr.CodeInvalid, apperr.CodeExpired:
		shown = content{Problem: "This link was used or is too old. Ask for a new one in the app."}
	case apperr.TooManyRequests:
		shown.Problem = tooMany
	default:
		shown.Problem = wentWrong
	}
	setRetryAfter(w, known)
	p.write(w, r, p.html, known.Status(), shown)
}

func setRetryAfter(w http.ResponseWriter, known *apperr.Error) {
	if wait := known.RetryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	} else if known.Status() == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
}

// write renders the page before it answers, so that a template that fails is a 500
// and no half page.
func (p *page) write(w http.ResponseWriter, r *http.Request, shown *template.Template, status int, c content) {
	var html bytes.Buffer
	if err := shown.Execute(&html, c); err != nil {
		p.log.ErrorContext(r.Context(), "show a page of a mail", "error", err)
		status = http.StatusInternalServerError
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the page's address holds the token
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes()) // all that can fail is a client that has hung up
}
