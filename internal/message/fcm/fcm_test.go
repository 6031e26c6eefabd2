package fcm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/fcm"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/fcmtest"
)

const phone = "token-of-a-phone-0123456789-0123456789"

func push() message.Message {
	return message.Message{
		Channel: entmessage.ChannelPush, Purpose: entmessage.PurposeFaultyContacts, To: phone, Title: "A title", Text: "A <text> & more",
	}
}

func newSender(t *testing.T, project *fcmtest.Server) (*fcm.Sender, *testutil.Clock) {
	t.Helper()
	credentials, err := fcm.ParseCredentials(project.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	clock := testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	return fcm.New(fcm.Config{URL: project.URL + "/", Credentials: credentials, Clock: clock.Now}), clock
}

func TestSend(t *testing.T) {
	t.Parallel()
	project := fcmtest.Start(t)
	sender, _ := newSender(t, project)
	accepted, err := sender.Send(t.Context(), 7, push())
	if want := (message.Accepted{Provider: "fcm", ID: "0:1500415314455276%31bd1c9631bd1c96"}); err != nil || accepted != want {
		t.Errorf("%+v, %v", accepted, err)
	}
	want := fcmtest.Message{
		Token: phone, Title: "A title", Body: "A <text> & more", Purpose: "faulty_contacts", AndroidTag: "message-7", AppleTag: "message-7",
	}
	if got := project.Next(); got != want {
		t.Errorf("%+v", got)
	}
}

// TestAccessTokensAreKept until they end, and until FCM refuses one.
func TestAccessTokensAreKept(t *testing.T) {
	t.Parallel()
	project := fcmtest.Start(t)
	sender, clock := newSender(t, project)
	send := func(wantIssued int) {
		t.Helper()
		if _, err := sender.Send(t.Context(), 1, push()); err != nil || project.Issued() != wantIssued {
			t.Errorf("%v, %d access tokens, want %d", err, project.Issued(), wantIssued)
		}
	}
	send(1)
	clock.Add(58 * time.Minute)
	send(1)
	clock.Add(time.Minute)
	send(2)
	project.Revoke() // the third
	if _, err := sender.Send(t.Context(), 1, push()); err == nil || errors.Is(err, message.ErrPermanent) || errors.Is(err, message.ErrGone) {
		t.Errorf("%v", err)
	}
	send(4)
}

// TestAnswers: each answer decides what becomes of the message and of the token, and no
// error repeats the token or a text.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		again     = "again"
		uncertain = "uncertain"
		dead      = "dead"
		gone      = "dead, and the token is removed"
	)
	aboutTheField := fcmtest.Answer{Status: 400, Body: `{"error": {"status": "INVALID_ARGUMENT", "message": "` + phone + ` is malformed", "details": [
		{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "INVALID_ARGUMENT"},
		{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "message.token"}]}]}}`}
	for name, c := range map[string]struct {
		answer fcmtest.Answer
		want   string
		after  time.Duration
	}{
		"unregistered":                 {fcmtest.Unregistered(), gone, 0},
		"another project's":            {fcmtest.Refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"), dead, 0},
		"no token, by its text":        {fcmtest.Refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"), gone, 0},
		"no token, by its field":       {aboutTheField, gone, 0},
		"another argument":             {fcmtest.Refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Request contains an invalid argument."), dead, 0},
		"no right to send":             {fcmtest.Refused(403, "PERMISSION_DENIED", "", "Permission denied"), again, 0},
		"wrong credentials":            {fcmtest.Refused(401, "UNAUTHENTICATED", "", "Invalid credentials"), again, 0},
		"Apple refuses the project":    {fcmtest.Refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS"), again, 0},
		"too many":                     {fcmtest.Refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded"), again, time.Minute},
		"too many, and when to return": {fcmtest.Answer{Status: 429, RetryAfter: "600"}, again, 10 * time.Minute},
		"unavailable":                  {fcmtest.Refused(503, "UNAVAILABLE", "UNAVAILABLE", "The service is unavailable"), again, 10 * time.Second},
		"unavailable until a date":     {fcmtest.Answer{Status: 503, RetryAfter: "Wed, 04 Mar 2026 12:05:00 GMT"}, again, 5 * time.Minute},
		"trouble":                      {fcmtest.Refused(500, "INTERNAL", "INTERNAL", "Internal error "+phone), again, 10 * time.Second},
		"a page in place of the API":   {fcmtest.Answer{Status: 404, Body: "<html>" + phone}, again, 0},
		"a code that quotes":           {fcmtest.Refused(404, "", phone, phone), again, 0},
		"a redirect":                   {fcmtest.Answer{Status: 302}, again, 0},
		"silence once it was read":     {fcmtest.Answer{IsCut: true}, uncertain, 0},
		"garbage":                      {fcmtest.Answer{Status: 200, Body: "<html>" + phone}, uncertain, 0},
		"an answer that names nothing": {fcmtest.Answer{Status: 200, Body: "{}"}, uncertain, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			project := fcmtest.Start(t)
			sender, _ := newSender(t, project)
			project.Answer(c.answer)
			_, err := sender.Send(t.Context(), 1, push())
			got := again
			switch {
			case err == nil:
				t.Fatal("it is taken")
			case errors.Is(err, message.ErrGone):
				got = gone
			case errors.Is(err, message.ErrPermanent):
				got = dead
			case errors.Is(err, message.ErrUncertain):
				got = uncertain
			}
			var after time.Duration
			if later := (*message.LaterError)(nil); errors.As(err, &later) {
				after = later.After
			}
			if got != c.want || after != c.after || strings.Contains(err.Error(), phone) {
				t.Errorf("%s after %v, want %s after %v: %v", got, after, c.want, c.after, err)
			}
		})
	}
}

// TestAnswersAboutAccess: without an access token nothing is sent, and the message waits.
func TestAnswersAboutAccess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer fcmtest.Answer
		after  time.Duration
		says   string
	}{
		"the account is disabled": {fcmtest.Answer{Status: 400, Body: `{"error": "invalid_grant", "error_description": "hidden"}`}, 0, "invalid_grant"},
		"too many":                {fcmtest.Answer{Status: 429, RetryAfter: "30"}, 30 * time.Second, "429"},
		"trouble":                 {fcmtest.Answer{Status: 503, Body: "hidden"}, 10 * time.Second, "503"},
		"garbage":                 {fcmtest.Answer{Status: 200, Body: "hidden"}, 0, "cannot be read"},
		"silence":                 {fcmtest.Answer{IsCut: true}, 0, "access token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			project := fcmtest.Start(t)
			sender, _ := newSender(t, project)
			project.AnswerAccess(c.answer)
			_, err := sender.Send(t.Context(), 1, push())
			if err == nil || errors.Is(err, message.ErrPermanent) || errors.Is(err, message.ErrGone) || errors.Is(err, message.ErrUncertain) ||
				strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), c.says) || project.Waiting() != 0 {
				t.Errorf("%v", err)
			}
			var after time.Duration
			if later := (*message.LaterError)(nil); errors.As(err, &later) {
				after = later.After
			}
			if after != c.after {
				t.Errorf("after %v", after)
			}
			if _, err := sender.Send(t.Context(), 1, push()); err != nil {
				t.Errorf("the next try: %v", err)
			}
		})
	}
}

// TestAWrongKeyIsRefused, as the stand-in checks the signature.
func TestAWrongKeyIsRefused(t *testing.T) {
	t.Parallel()
	project, other := fcmtest.Start(t), fcmtest.Start(t)
	var file, another map[string]string
	for text, into := range map[*[]byte]*map[string]string{&project.Credentials: &file, &other.Credentials: &another} {
		if err := json.Unmarshal(*text, into); err != nil {
			t.Fatal(err)
		}
	}
	file["private_key"] = another["private_key"]
	mixed, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := fcm.ParseCredentials(mixed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fcm.New(fcm.Config{URL: project.URL, Credentials: credentials, Clock: time.Now}).Send(t.Context(), 1, push())
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") || project.Waiting() != 0 {
		t.Errorf("%v", err)
	}
}

// TestSilence: FCM has the message and says nothing in time.
func TestSilence(t *testing.T) {
	t.Parallel()
	project := fcmtest.Start(t)
	sender, _ := newSender(t, project)
	project.Answer(fcmtest.Answer{Status: http.StatusOK, Body: `{"name": "projects/a/messages/1"}`}, fcmtest.Answer{IsSilent: true, Status: 200})
	if _, err := sender.Send(t.Context(), 1, push()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := sender.Send(ctx, 2, push()); !errors.Is(err, message.ErrUncertain) {
		t.Errorf("%v", err)
	}
}

// TestCredentials names what is wrong with a file, and nothing of what stands in it.
func TestCredentials(t *testing.T) {
	t.Parallel()
	whole := fcmtest.Start(t).Credentials
	with := func(name, value string) []byte {
		var file map[string]string
		if err := json.Unmarshal(whole, &file); err != nil {
			t.Fatal(err)
		}
		file[name] = value
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for want, text := range map[string][]byte{
		"JSON":            []byte("hidden"),
		"service_account": with("type", "hidden"),
		"no project_id":   with("project_id", ""),
		"no client_email": with("client_email", ""),
		"no private_key":  with("private_key", ""),
		"no RSA key":      with("private_key", "hidden"),
		"PEM":             with("private_key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n"),
	} {
		_, err := fcm.ParseCredentials(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := fcm.ParseCredentials(bytes.TrimSpace(whole)); err != nil {
		t.Error(err)
	}
}
