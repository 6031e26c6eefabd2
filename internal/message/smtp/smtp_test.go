package smtp_test

import (
	"crypto/x509"
	"errors"
	"mime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/smtp"
	"luxbff/internal/testutil/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// login is AUTH PLAIN with the name and password of trusting.
const login = "AUTH PLAIN AHVzZXIAcEBzcw=="

const from = "Luxbff <no-reply@luxbff.example.com>"

func reset() message.Message {
	return message.Message{
		Channel: entmessage.ChannelEmail, Purpose: entmessage.PurposePasswordReset, To: "parent@example.com",
		Text: "Open this link: https://luxbff.example.com/reset-password?token=a&b=<c>",
	}
}

func newSender(t *testing.T, address string) *smtp.Sender {
	t.Helper()
	return newSenderTo(t, smtp.Config{URL: address, From: from, IsPlainAllowed: true})
}

func newSenderTo(t *testing.T, cfg smtp.Config) *smtp.Sender {
	t.Helper()
	sender, err := smtp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// trusting makes a sender that trusts the server's certificate and has a password.
func trusting(t *testing.T, scheme string, server *smtptest.Server) *smtp.Sender {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CertificatePEM) {
		t.Fatal("the stand-in has no certificate")
	}
	return newSenderTo(t, smtp.Config{URL: scheme + "://user:p%40ss@" + server.Addr, From: from, RootCAs: roots})
}

func TestMailHasTextAndPage(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	sender := newSender(t, "smtp://"+server.Addr)
	for range 2 { // the second as after an answer that got lost
		if _, err := sender.Send(t.Context(), 7, reset()); err != nil {
			t.Fatal(err)
		}
	}
	mails := server.Mails()
	if len(mails) != 2 || mails[0].From != "no-reply@luxbff.example.com" || mails[0].To != "parent@example.com" {
		t.Fatalf("the server has %+v", mails)
	}
	header, text, page := mails[0].Parts(t)
	again, _, _ := mails[1].Parts(t)
	if id := header.Get("Message-ID"); id != "<7.message@luxbff.example.com>" || again.Get("Message-ID") != id {
		t.Errorf("Message-ID %q, and of the repeat %q", id, again.Get("Message-ID"))
	}
	if header.Get("Subject") != "Choose a new password" || header.Get("Auto-Submitted") != "auto-generated" || header.Get("Date") == "" {
		t.Errorf("headers %v", header)
	}
	if text != reset().Text {
		t.Errorf("text %q", text)
	}
	const link = "https://luxbff.example.com/reset-password?token=a&amp;b=&lt;c&gt;"
	if !strings.Contains(page, `<a href="`+link+`">`+link+"</a>") || strings.Contains(page, "<c>") {
		t.Errorf("page %q", page)
	}
}

// TestNothingIsInjected: a recipient or a title that says more than that is refused for good,
// and the server is not even connected to.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	sender := newSender(t, "smtp://"+server.Addr)
	change := func(set func(*message.Message)) message.Message {
		m := reset()
		set(&m)
		return m
	}
	var bad []message.Message
	for _, to := range []string{
		"a@b.example\r\nBcc: victim@c.example", "a@b.example\nRCPT TO:<victim@c.example>", "a@b.example\x00", "a@b.example, victim@c.example",
		"Parent <a@b.example>", "<a@b.example>", "group:a@b.example;", `"a\r\n"@b.example`, "a@b.example> SIZE=1", "",
	} {
		bad = append(bad, change(func(m *message.Message) { m.To = to }))
	}
	for _, title := range []string{"Reset\r\nBcc: victim@c.example", "Reset\nX: y", "Reset\x00", "Reset\r"} {
		bad = append(bad, change(func(m *message.Message) { m.Title = title }))
	}
	for _, m := range bad {
		if _, err := sender.Send(t.Context(), 1, m); !errors.Is(err, message.ErrPermanent) || strings.Contains(err.Error(), "victim") {
			t.Errorf("to %q, title %q: %v", m.To, m.Title, err)
		}
	}
	if mails := server.Mails(); len(mails) != 0 {
		t.Errorf("the server has %+v", mails)
	}
}

// TestMailHasItsTitleAndPage where it brings them.
func TestMailHasItsTitleAndPage(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	m := reset()
	m.Title, m.HTML = "비밀번호 재설정", "<!doctype html><p>링크</p>"
	if _, err := newSender(t, "smtp://"+server.Addr).Send(t.Context(), 1, m); err != nil {
		t.Fatal(err)
	}
	header, text, page := server.Next().Parts(t)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != m.Title || text != m.Text || page != m.HTML {
		t.Errorf("subject %q, text %q, page %q, %v", subject, text, page, err)
	}
}

func TestEveryPurposeHasASubject(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	sender := newSender(t, "smtp://"+server.Addr)
	for _, purpose := range []entmessage.Purpose{entmessage.PurposeEmailCode, entmessage.PurposeAccountReport, ""} {
		m := reset()
		m.Purpose = purpose
		if _, err := sender.Send(t.Context(), 1, m); err != nil {
			t.Fatal(err)
		}
		if header, _, _ := server.Next().Parts(t); header.Get("Subject") == "" {
			t.Errorf("no subject for %q", purpose)
		}
	}
}

// TestOutcomes: what a server says decides whether the mail is tried again.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	const sent, again, once, never = "sent", "again", "once more", "never"
	for name, c := range map[string]struct{ verb, reply, want string }{
		"accepted":                        {"", "", sent},
		"no such user":                    {"RCPT", "550 5.1.1 parent@example.com: no such user", never},
		"mailbox is full":                 {"RCPT", "452 4.2.2 parent@example.com is full", again},
		"greylisted":                      {"RCPT", "451 4.7.1 try again", again},
		"the mail is refused":             {".", "554 5.7.1 spam", never},
		"busy":                            {".", "421 4.3.2 shutting down", again},
		"the password is refused":         {"AUTH", "535 5.7.8 wrong password for no-reply", again},
		"a password is wanted":            {"MAIL", "530 5.7.0 authentication required", again},
		"it hangs up at once":             {"EHLO", "hang up", again},
		"it hangs up before the mail":     {"DATA", "hang up", again},
		"it hangs up after it took it":    {".", "hang up", once},
		"it answers garbage then":         {".", "parent@example.com?", once},
		"its farewell fails":              {"QUIT", "hang up", sent},
		"its farewell is an error":        {"QUIT", "421 4.3.2 shutting down", sent},
		"what it answers is none of SMTP": {"RCPT", "parent@example.com?", again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := smtptest.Start(t, smtptest.STARTTLS)
			sender := trusting(t, "smtp", server)
			if c.verb != "" {
				server.Reply(c.verb, c.reply)
			}
			_, err := sender.Send(t.Context(), 1, reset())
			got := again
			switch {
			case err == nil:
				got = sent
			case errors.Is(err, message.ErrPermanent):
				got = never
			case errors.Is(err, message.ErrUncertain):
				got = once
			}
			if got != c.want || (err == nil) != (c.want == sent) {
				t.Errorf("%v: %s, want %s", err, got, c.want)
			}
			if c.want == sent && (len(server.Mails()) != 1 || !server.Mails()[0].Encrypted || server.Mails()[0].Login != login) {
				t.Errorf("the server has %+v", server.Mails())
			}
			if err != nil && (strings.Contains(err.Error(), "parent@") || strings.Contains(err.Error(), "no-reply")) {
				t.Errorf("the error repeats an address: %v", err)
			}
		})
	}
}

func TestServerThatSpeaksTLSAtOnce(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.Implicit)
	if _, err := trusting(t, "smtps", server).Send(t.Context(), 1, reset()); err != nil {
		t.Fatal(err)
	}
	if mails := server.Mails(); len(mails) != 1 || !mails[0].Encrypted || mails[0].Login != login {
		t.Errorf("the server has %+v", mails)
	}
	if _, err := newSender(t, "smtps://user:pass@"+server.Addr).Send(t.Context(), 1, reset()); err == nil || len(server.Mails()) > 1 {
		t.Errorf("a stranger's certificate: %v", err)
	}
}

func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	_, err := newSender(t, "smtp://127.0.0.1:1").Send(t.Context(), 1, reset())
	if err == nil || errors.Is(err, message.ErrPermanent) {
		t.Errorf("%v", err)
	}
}

// TestNothingGoesOutInTheClear: a server that offers no STARTTLS gets neither the mail nor
// the password.
func TestNothingGoesOutInTheClear(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	sender := newSenderTo(t, smtp.Config{URL: "smtp://user:pass@" + server.Addr, From: from})
	if _, err := sender.Send(t.Context(), 1, reset()); err == nil || errors.Is(err, message.ErrPermanent) || len(server.Mails()) > 0 {
		t.Errorf("%v, and the server has %v", err, server.Mails())
	}
	// A password is sent over no connection that is not encrypted, whatever is allowed.
	if _, err := newSender(t, "smtp://user:pass@"+server.Addr).Send(t.Context(), 1, reset()); err == nil || len(server.Mails()) > 0 {
		t.Errorf("a password in the clear: %v, and the server has %v", err, server.Mails())
	}
	// One whose certificate nobody vouches for is no better.
	server = smtptest.Start(t, smtptest.STARTTLS)
	if _, err := newSender(t, "smtp://user:pass@"+server.Addr).Send(t.Context(), 1, reset()); err == nil || len(server.Mails()) > 0 {
		t.Errorf("a stranger's certificate: %v, and the server has %v", err, server.Mails())
	}
}

func TestRecipientsThatAreNone(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	sender := newSender(t, "smtp://"+server.Addr)
	for _, to := range []string{"", "parent", "parent@example.com\r\nBcc: other@example.com", "a@example.com, b@example.com"} {
		m := reset()
		m.To = to
		if _, err := sender.Send(t.Context(), 1, m); !errors.Is(err, message.ErrPermanent) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if len(server.Mails()) > 0 {
		t.Errorf("it sent %v", server.Mails())
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"smtp://mail.example.com", "smtps://mail.example.com", "smtps://user:p%40ss@mail.example.com:465", "smtp://[::1]:25",
	} {
		if _, err := smtp.New(smtp.Config{URL: address, From: from}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, c := range []struct{ address, from string }{
		{"", from},
		{"mail.example.com", from},
		{"http://secret@mail.example.com", from},
		{"smtp://:25", from},
		{"smtp://user:sec%zzret@mail.example.com", from},
		{"smtp://user:secret@mail.example.com:70000", from},
		{"smtp://user:secret@mail.example.com/path", from},
		{"smtp://mail.example.com", ""},
		{"smtp://mail.example.com", "secret"},
	} {
		if _, err := smtp.New(smtp.Config{URL: c.address, From: c.from}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", c, err)
		}
	}
}
