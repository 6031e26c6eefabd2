// Package smtp sends e-mail through a mail server: it is the [message.Sender] of that
// channel. It imports internal/message and internal/text alone of the project, and knows no rule.
package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/text"
)

// timeout bounds the connecting, and then each command of the sending.
const timeout = 8 * time.Second

// Config is a mail server and what it is asked for.
type Config struct {
	// URL is smtps://USER:PASSWORD@HOST:465, or smtp://USER:PASSWORD@HOST:587 for a server
	// that is asked for TLS by STARTTLS.
	URL string
	// From is the sender, as Luxbff <no-reply@example.com>.
	From string
	// IsPlainAllowed lets mails, though no password, go to a server that offers no
	// STARTTLS, as one on the same machine may.
	IsPlainAllowed bool
	// RootCAs are the authorities that may vouch for the server; nil for those that the
	// system trusts.
	RootCAs *x509.CertPool
}

// Sender sends each message over a connection of its own: mails are few, and a kept
// connection would mostly be one that the server has closed.
type Sender struct {
	host       string
	options    []gomail.Option
	from       *mail.Address
	encryption *tls.Config
	isSMTPS    bool
}

// New makes a sender. No error repeats the address, which holds a password.
func New(cfg Config) (*Sender, error) {
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, errors.New("MAIL_FROM must be an e-mail address, as Luxbff <no-reply@example.com>")
	}
	server, err := url.Parse(cfg.URL)
	if err != nil || server.Hostname() == "" || strings.Trim(server.Path, "/") != "" {
		return nil, errMalformed
	}
	s := &Sender{
		host: server.Hostname(), from: from, isSMTPS: server.Scheme == "smtps",
		encryption: &tls.Config{ServerName: server.Hostname(), RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
	}
	port, policy := 587, gomail.TLSMandatory
	switch {
	case s.isSMTPS:
		port, policy = 465, gomail.TLSOpportunistic // it is encrypted before the first command
	case server.Scheme != "smtp":
		return nil, errMalformed
	case cfg.IsPlainAllowed:
		policy = gomail.TLSOpportunistic
	}
	if server.Port() != "" {
		if port, err = strconv.Atoi(server.Port()); err != nil {
			return nil, errMalformed
		}
	}
	s.options = []gomail.Option{
		gomail.WithHELO(domain(from)), gomail.WithTimeout(timeout), gomail.WithPort(port),
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(s.encryption),
	}
	if password, ok := server.User.Password(); ok {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(server.User.Username()), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, errMalformed
	}
	return s, nil
}

var errMalformed = errors.New("SMTP_URL must be smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587, with special characters of the password encoded as in %40")

// Send sends one mail. A repeat of a message whose outcome got lost has the same
// Message-ID, by which mail programs show it once.
func (s *Sender) Send(ctx context.Context, id int, m message.Message) (message.Accepted, error) {
	letter := gomail.NewMsg()
	letter.FromMailAddress(s.from)
	// The edges take nothing else. What a mail server could read as another recipient or
	// header must not leave, whoever stored it.
	if !text.ValidEmail(m.To) || letter.To(m.To) != nil {
		return message.Accepted{}, fmt.Errorf("smtp: the recipient is no address: %w", message.ErrPermanent)
	}
	title := cmp.Or(m.Title, subject(m.Purpose))
	if strings.ContainsFunc(title, unicode.IsControl) {
		return message.Accepted{}, fmt.Errorf("smtp: the title is more than a line: %w", message.ErrPermanent)
	}
	letter.Subject(title)
	letter.SetDate()
	letter.SetMessageIDWithValue(fmt.Sprintf("%d.message@%s", id, domain(s.from)))
	// Automatic answers, as of somebody on holiday, must not come back.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, cmp.Or(m.HTML, htmlOf(m.Text)))
	return message.Accepted{Provider: "smtp"}, s.hand(ctx, letter)
}

// hand gives the mail to the server. It keeps the connection itself, because the library
// leaves one open on which the server refuses the password, and does not end one with ctx.
func (s *Sender) hand(ctx context.Context, letter *gomail.Msg) error {
	var connection net.Conn
	dial := func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		if s.isSMTPS {
			connection, err = (&tls.Dialer{Config: s.encryption}).DialContext(ctx, network, address)
		} else {
			connection, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		return connection, err
	}
	client, err := gomail.NewClient(s.host, append(slices.Clone(s.options), gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return errMalformed
	}
	defer func() {
		if connection != nil {
			_ = connection.Close()
		}
	}()
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return outcome(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	defer stop()
	if err := client.SendWithSMTPClient(session, letter); err != nil {
		return outcome(err)
	}
	// The server has taken the mail. A QUIT that fails does not change that, and must
	// not have the mail sent again.
	_ = client.CloseWithSMTPClient(session)
	return nil
}

// outcome is what an error means for the message. A server's 5xx about the message or its
// recipient is for good. One that refuses us (no connection, TLS, 53x for the password) may
// be mended by the operator meanwhile. The text of a server may quote the address, so only
// its code is kept.
func outcome(err error) error {
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() == 0 {
		if failed != nil && failed.Reason == gomail.ErrSMTPDataClose { // the server has all of the mail
			return fmt.Errorf("smtp: no answer: %w", message.ErrUncertain)
		}
		return apperr.Text("smtp: " + apperr.Describe(err))
	}
	code := failed.ErrorCode()
	if code >= 500 && code/10 != 53 {
		return fmt.Errorf("smtp: the server answered %d: %w", code, message.ErrPermanent)
	}
	return apperr.Text(fmt.Sprintf("smtp: the server answered %d", code))
}

// subject is for a mail without a title, which a release before those has stored.
func subject(purpose entmessage.Purpose) string {
	switch purpose {
	case entmessage.PurposeEmailCode:
		return "Your verification code"
	case entmessage.PurposePasswordReset:
		return "Choose a new password"
	case entmessage.PurposeAccountReport:
		return "A change of your account"
	}
	return "A message about your account"
}

var linkPattern = regexp.MustCompile(`https?://[^\s]+`)

// htmlOf is the text as a page, in which links can be followed, for a mail without one.
func htmlOf(text string) string {
	escaped := linkPattern.ReplaceAllStringFunc(html.EscapeString(text), func(link string) string {
		return `<a href="` + link + `">` + link + `</a>`
	})
	return "<!doctype html>\n<html><body><p>" + strings.ReplaceAll(escaped, "\n", "<br>\n") + "</p></body></html>\n"
}

func domain(address *mail.Address) string {
	_, domain, _ := strings.Cut(address.Address, "@")
	return domain
}
