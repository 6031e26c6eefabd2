package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/smtptest"
	"luxbff/internal/testutil/storetest"
)

// TestMessagesCommands: an operator sees what was sent, without addresses and secrets, and
// has sent again what can be.
func TestMessagesCommands(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	db := storetest.OpenAt(t, url)
	now := time.Now()
	for _, m := range []struct {
		channel entmessage.Channel
		purpose entmessage.Purpose
		to      string
		text    string
		state   entmessage.State
	}{
		{"sms", "sign_up_code", "+821012345678", "", "dead"},
		{"sms", "impedance_alert", "+821012345678", "An electrode is loose.", "dead"},
		{"email", "email_code", "parent@example.com", "The code is 123456.", "pending"},
		{"push", "new_sign_in", "dQw4w9WgXcQ:APA91b", "", "sent"},
	} {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			create := tx.Message.Create().SetChannel(m.channel).SetPurpose(m.purpose).SetTo(m.to).SetText(m.text).SetState(m.state).SetDueAt(now).SetCreatedAt(now)
			if m.state == entmessage.StateDead {
				create.SetLastError("twilio: not delivered, code 30003").SetProvider("twilio").SetProviderID("SM1")
			}
			return create.Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args  string
		well  bool
		wants []string // patterns
		lacks string
	}{
		{"list", true, []string{`(?s)4 .*push .*dQw4w9….*3 .*email .*email_code .*p\*\*\*@example.com .*pending.*1 .*sms .*\+8210\*\*\*\*5678 .*dead .*twilio .*code 30003`}, ""},
		{"list --state dead --limit 1", true, []string{`2 .*impedance_alert`}, "sign_up_code"},
		{"list --channel email", true, []string{`3 .*email_code`}, "sms"},
		{"list --state lost", false, []string{`--state must be one of`}, ""},
		{"list --limit 0", false, []string{`--limit must be at least 1`}, ""},
		{"show 2", true, []string{`text +An electrode is loose\.`, `state +dead`, `its id there +SM1`, `error +twilio: not delivered, code 30003`}, ""},
		{"show 3", true, []string{`text +not shown: it holds a code or a link`, `provider +-`}, ""},
		{"show 9", false, []string{`there is no message 9`}, ""},
		{"providers", true, []string{`push +0 +1 +0 +0 +0 +the sandbox, /dev/outbox`, `sms +0 +0 +0 +2 +0 +the sandbox`, `email +1 `}, ""},
		{"retry 1 2 3", false, []string{`message 1 held a code or a link, and its text is gone`, `message 2 is due`, `message 3 is pending`}, ""},
		{"show 2", true, []string{`state +pending`, `tries +0`, `error +-`}, ""},
		{"retry 1", false, []string{`has to ask for a new one`}, ""},
	} {
		out, err := processtest.Command(t, url, append([]string{"messages"}, strings.Fields(c.args)...)...).CombinedOutput()
		got := string(out)
		if (err == nil) != c.well || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("%s: %v\n%s", c.args, err, got)
		}
		for _, want := range c.wants {
			if !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s: it prints\n%s\nwant %s", c.args, got, want)
			}
		}
		for _, secret := range []string{"+821012345678", "parent@", "123456.", "APA91b"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: it prints %s", c.args, secret)
			}
		}
	}
}

// TestDoctorSendsATest through the provider of the address's channel, waits for what becomes
// of it, and fails unless all is well. Without being asked it sends nothing.
func TestDoctorSendsATest(t *testing.T) {
	t.Parallel()
	mail := smtptest.Start(t, smtptest.None)
	var sent atomic.Int32
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "SMoff"):
			_, _ = w.Write([]byte(`{"sid": "SMoff", "status": "undelivered", "error_code": 30003}`))
		case r.Method == http.MethodGet:
			_, _ = w.Write([]byte(`{"sid": "SMon", "status": "delivered"}`))
		case r.PostFormValue("To") == "+14155550100":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"code": 21211}`))
		case r.PostFormValue("To") == "+821087654321":
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid": "SMoff"}`))
		default:
			sent.Add(1)
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid": "SMon"}`))
		}
	}))
	t.Cleanup(twilio.Close)
	url := storetest.SQLiteURL(t)
	run := func(args ...string) (string, error) {
		c := processtest.Command(t, url, append([]string{"doctor"}, args...)...)
		c.Env = append(c.Env, "TWILIO_URL="+twilio.URL, "TWILIO_ACCOUNT_SID=AC1", "TWILIO_AUTH_TOKEN=token", "TWILIO_FROM=+15005550006",
			"SMTP_URL=smtp://"+mail.Addr, "MAIL_FROM=no-reply@example.com")
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for _, c := range []struct {
		to, want string
		well     bool
	}{
		{"+821012345678", `ok     test message .*message 1 to \+8210\*\*\*\*5678 was delivered by twilio`, true},
		{"parent@example.com", `ok     test message .*message 2 to p\*\*\*@example.com was taken by smtp, which says no more`, true},
		{"+821087654321", `WRONG  test message .*message 3 to \+8210\*\*\*\*4321 has failed: twilio: not delivered, code 30003`, false},
		{"+14155550100", `WRONG  test message .*has failed: twilio: status 400, error 21211`, false},
		{"01012345678", `WRONG  test message .*takes a phone as \+821012345678 or an e-mail address`, false},
		{"parent@", `WRONG  test message .*takes a phone`, false},
	} {
		out, err := run("--send-test", c.to)
		if (err == nil) != c.well || !regexp.MustCompile(c.want).MatchString(out) || c.well && strings.Contains(out, c.to) {
			t.Errorf("%s: %v\n%s\nwant %s", c.to, err, out, c.want)
		}
	}
	if letter := mail.Next(); letter.To != "parent@example.com" {
		t.Errorf("the mail is to %s", letter.To)
	}
	if out, err := run(); err != nil || strings.Contains(out, "test message") || sent.Load() != 1 || len(mail.Mails()) != 1 {
		t.Errorf("without being asked: %v, %d SMS, %d mails\n%s", err, sent.Load(), len(mail.Mails()), out)
	}
}
