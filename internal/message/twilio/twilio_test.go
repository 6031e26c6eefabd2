package twilio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/twilio"
)

func sms() message.Message {
	return message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposeSignUpCode, To: "+4915112345678", Text: "Your code is 123456 & no other"}
}

func newSender(t *testing.T, handle http.HandlerFunc) *twilio.Sender {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return twilio.New(twilio.Config{URL: server.URL + "/", AccountSID: "AC123", AuthToken: "token", From: "+15005550006", Clock: time.Now})
}

func TestSend(t *testing.T) {
	t.Parallel()
	sender := newSender(t, func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/AC123/Messages.json" || name != "AC123" || password != "token" ||
			r.PostFormValue("To") != sms().To || r.PostFormValue("From") != "+15005550006" || r.PostFormValue("Body") != sms().Text {
			t.Errorf("%s %s of %s: %v", r.Method, r.URL, name, r.PostForm)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid": "SM1", "status": "queued"}`))
	})
	accepted, err := sender.Send(t.Context(), 1, sms())
	if want := (message.Accepted{Provider: "twilio", ID: "SM1", CheckAfter: 5 * time.Second}); err != nil || accepted != want {
		t.Errorf("%+v, %v; want %+v", accepted, err, want)
	}
}

// TestAcceptedWithoutID: a message that Twilio says it took is not sent again, whatever else
// the answer holds.
func TestAcceptedWithoutID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `garbage`, `{"sid": "+4915112345678"}`, `{"sid": 7}`} {
		sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(body))
		})
		if accepted, err := sender.Send(t.Context(), 1, sms()); err != nil || accepted != (message.Accepted{Provider: "twilio"}) {
			t.Errorf("%s: %+v, %v", body, accepted, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	underWay, delivered := message.Result{Outcome: message.UnderWay}, message.Result{Outcome: message.Delivered}
	for body, want := range map[string]message.Result{
		`{"sid": "SM1", "status": "accepted"}`:                         underWay,
		`{"sid": "SM1", "status": "queued", "error_code": null}`:       underWay,
		`{"sid": "SM1", "status": "sending"}`:                          underWay,
		`{"sid": "SM1", "status": "sent"}`:                             underWay,
		`{"sid": "SM1", "status": "delivered"}`:                        delivered,
		`{"sid": "SM1", "status": "read"}`:                             delivered,
		`{"sid": "SM1", "status": "undelivered", "error_code": 30003}`: {Outcome: message.Failed, Code: "30003"},
		`{"sid": "SM1", "status": "failed", "error_code": 30008}`:      {Outcome: message.Failed, Code: "30008"},
		`{"sid": "SM1", "status": "canceled", "error_code": null}`:     {Outcome: message.Failed, Code: "0"},
	} {
		sender := newSender(t, func(w http.ResponseWriter, r *http.Request) {
			name, password, _ := r.BasicAuth()
			if r.Method != http.MethodGet || r.URL.Path != "/2010-04-01/Accounts/AC123/Messages/SM1.json" || name != "AC123" || password != "token" {
				t.Errorf("%s %s of %s", r.Method, r.URL, name)
			}
			_, _ = w.Write([]byte(body))
		})
		if got, err := sender.Check(t.Context(), message.Accepted{ID: "SM1"}); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", body, got, err, want)
		}
	}
}

func TestChecksWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: `+4915112345678`, 401: `{"code": 20003}`, 404: `{"code": 20404}`, 429: ``, 503: `<html>123456</html>`} {
		sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		if _, err := sender.Check(t.Context(), message.Accepted{ID: "SM1"}); err == nil || strings.Contains(err.Error(), "4915") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestAnswers: each answer decides whether the message is tried again, and no error
// repeats the number or the text.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		body      string
		permanent bool
	}{
		"no number":              {400, `{"code": 21211, "message": "'To' number +4915112345678 is not valid"}`, true},
		"asked for no more":      {400, `{"code": 21610, "message": "unsubscribed"}`, true},
		"no mobile phone":        {400, `{"code": 21614}`, true},
		"a wrong sender":         {400, `{"code": 21606}`, false},
		"a wrong key":            {401, `{"code": 20003}`, false},
		"too many":               {429, `{"code": 20429}`, false},
		"trouble":                {500, `oops +4915112345678`, false},
		"a page":                 {502, `<html>123456</html>`, false},
		"a redirect":             {302, ``, false},
		"a code with a status 5": {503, `{"code": 21211}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := sender.Send(t.Context(), 1, sms())
			if err == nil || errors.Is(err, message.ErrPermanent) != c.permanent || strings.Contains(err.Error(), "4915") || strings.Contains(err.Error(), "123456") {
				t.Errorf("%v", err)
			}
			if later := new(message.LaterError); errors.As(err, &later) == c.permanent || !c.permanent && later.After != 7*time.Second {
				t.Errorf("%#v, want it seven seconds later", err)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	sender := newSender(t, func(http.ResponseWriter, *http.Request) { <-silent })
	defer close(silent)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := sender.Send(ctx, 1, sms())
	if !errors.Is(err, message.ErrUncertain) || errors.Is(err, message.ErrPermanent) || strings.Contains(err.Error(), "AC123") {
		t.Errorf("%v", err)
	}
}
