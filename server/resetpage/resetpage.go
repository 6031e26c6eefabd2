// Package resetpage serves the page that a reset mail links to: it takes the new
// password in a browser, without a script. It holds no rule; it calls
// internal/account.
package resetpage

import (
	"bytes"
	_ "embed" // the page
	"html/template"
	"log/slog"
	"net/http"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
)

// Path is where the page stands.
const Path = "/reset-password"

// maxForm is far above a token and the longest password.
const maxForm = 16 << 10

// policy lets the page do nothing but look like itself and send its form here.
const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed page.html
var source string

// Handler serves the page and takes its form.
func Handler(accounts *account.Service, log *slog.Logger) http.Handler {
	p := &page{accounts: accounts, log: log, html: template.Must(template.New("page").Parse(source))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, p.show)
	mux.HandleFunc("POST "+Path, p.reset)
	return mux
}

type page struct {
	accounts *account.Service
	log      *slog.Logger
	html     *template.Template
}

// state is what the page shows.
type state struct {
	Token   string
	Problem string
	Done    bool
}

func (p *page) show(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		p.write(w, r, http.StatusBadRequest, state{Problem: "This link is not complete. Open the one in your e-mail."})
		return
	}
	p.write(w, r, http.StatusOK, state{Token: token})
}

func (p *page) reset(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	err := p.accounts.Recovery.ResetPassword(r.Context(), account.ResetPasswordParams{Token: token, NewPassword: password})
	switch {
	case err == nil:
		p.write(w, r, http.StatusOK, state{Done: true})
	case apperr.Is(err, apperr.BadRequest):
		p.write(w, r, http.StatusBadRequest, state{
			Token: token, Problem: "Choose 8 to 128 characters with a letter and a digit.",
		})
	case apperr.Is(err, apperr.CodeInvalid), apperr.Is(err, apperr.CodeExpired):
		p.write(w, r, http.StatusBadRequest, state{Problem: "This link was used or is too old. Ask for a new one in the app."})
	default:
		p.log.ErrorContext(r.Context(), "reset a password", "error", err)
		p.write(w, r, http.StatusInternalServerError, state{Token: token, Problem: "That went wrong here. Please try again later."})
	}
}

func (p *page) write(w http.ResponseWriter, r *http.Request, status int, s state) {
	var html bytes.Buffer
	if err := p.html.Execute(&html, s); err != nil {
		p.log.ErrorContext(r.Context(), "show the reset page", "error", err)
		status = http.StatusInternalServerError
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address holds the token
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
}
