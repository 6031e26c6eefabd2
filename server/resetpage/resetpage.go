// Package resetpage serves the page that a reset mail links to, where a person types
// the new password. It works without a script, so its policy can forbid all scripts:
// its address holds the token that changes the password. The package holds no rule;
// it calls internal/account.
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

// Path is the path of the page; the account's mails link to it.
const Path = "/reset-password"

// maxFormBytes is far above what a token and the longest password need.
const maxFormBytes = 16 << 10

// contentPolicy lets the page use its own style and send its form to its own origin,
// and nothing else.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed page.html
var pageTemplate string

// Handler serves the page and takes its form.
func Handler(accounts *account.Service, log *slog.Logger) http.Handler {
	p := &page{accounts: accounts, log: log, html: template.Must(template.New("page").Parse(pageTemplate))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, p.serveForm)
	mux.HandleFunc("POST "+Path, p.resetPassword)
	return mux
}

type page struct {
	accounts *account.Service
	log      *slog.Logger
	html     *template.Template
}

// content is what the template shows.
type content struct {
	Token   string // of the link; without one there is no form
	Problem string // in the reader's words; empty for none
	Done    bool
}

func (p *page) serveForm(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		p.write(w, r, http.StatusBadRequest, content{Problem: "This link is not complete. Open the one in your e-mail."})
		return
	}
	p.write(w, r, http.StatusOK, content{Token: token})
}

func (p *page) resetPassword(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	err := p.accounts.Recovery.ResetPassword(r.Context(), account.ResetPasswordParams{Token: token, NewPassword: password})
	if err == nil {
		p.write(w, r, http.StatusOK, content{Done: true})
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
		shown.Problem = "There were too many tries. Please wait a little and try again."
	default:
		shown.Problem = "That went wrong here. Please try again later."
	}
	if wait := known.RetryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	} else if known.Status() == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	p.write(w, r, known.Status(), shown)
}

// write renders the page before it answers, so that a template that fails is a 500
// and no half page.
func (p *page) write(w http.ResponseWriter, r *http.Request, status int, c content) {
	var html bytes.Buffer
	if err := p.html.Execute(&html, c); err != nil {
		p.log.ErrorContext(r.Context(), "show the reset page", "error", err)
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
