package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/fcmtest"
	"luxbff/internal/testutil/smtptest"
	"luxbff/server/app"
)

// phoneOf gives the push token of the nth phone.
func phoneOf(n int) string { return fmt.Sprintf("phone-%d-%s", n, strings.Repeat("x", 32)) }

// pushWorld is the program as it runs in production, with a stand-in of FCM and a parent who
// has agreed to push, with a phone of LUX and one of SNUTT.
type pushWorld struct {
	*apptest.Server
	fcm   *fcmtest.Server
	token string
	child apptest.Child
}

func newPushWorld(t *testing.T, change ...func(*app.Config)) *pushWorld {
	t.Helper()
	provider, mail, project := startSMSProvider(t), smtptest.Start(t, smtptest.None), fcmtest.Start(t)
	s := startWithProviders(t, provider, mail, append(change, func(cfg *app.Config) {
		cfg.FCM = app.FCMConfig{Credentials: project.CredentialsPath, URL: project.URL}
	})...)
	w := &pushWorld{Server: s, fcm: project, token: signUp(t, s, provider, "+821012345678", "parent@example.com")}
	w.setPushToken(t, phoneOf(1))
	var ignored any
	s.Data(t, w.token, `mutation($id: String!) { addPushDevice(input: {registrationId: $id}) { user { id } } }`, map[string]any{"id": phoneOf(2)}, &ignored)
	w.child = s.CreateChild(t, w.token)
	return w
}

func (w *pushWorld) setPushToken(t *testing.T, token string) {
	t.Helper()
	var ignored any
	w.Data(t, w.token, `mutation($token: String) { updatePolicy(input: {isPushAgree: true, token: $token}) { policy { isPushAgree } } }`,
		map[string]any{"token": token}, &ignored)
}

// upload stores logs that end, each with a number of its own.
func (w *pushWorld) upload(t *testing.T, finishFlag string, numbers ...int) {
	t.Helper()
	logs := make([]map[string]any, len(numbers))
	for i, number := range numbers {
		logs[i] = map[string]any{
			"childUserId": w.child.ID, "deviceId": w.child.DeviceID, "uniqueId": w.child.UniqueID, "finishFlag": finishFlag,
			"treatmentDate": fmt.Sprintf("2026-03-04T12:%02d:00", number), "lastIntensity": 1, "treatmentTime": 60, "logFileId": number,
		}
	}
	var ignored any
	w.Data(t, w.token, `mutation($input: UploadDevlogsInput!) { uploadDevlogs(input: $input) { devlogs { id } } }`,
		map[string]any{"input": map[string]any{"logs": logs}}, &ignored)
}

// pushes are the messages by push that were stored, oldest first.
func (w *pushWorld) pushes(t *testing.T) []*ent.Message {
	t.Helper()
	rows, err := w.App.Store.Read().Message.Query().Where(entmessage.ChannelEQ(entmessage.ChannelPush)).Order(ent.Asc(entmessage.FieldID)).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// wantPushes fails unless so many messages by push have been stored.
func (w *pushWorld) wantPushes(t *testing.T, want int, why string) {
	t.Helper()
	if got := len(w.pushes(t)); got != want {
		t.Errorf("%s: %d messages by push, want %d", why, got, want)
	}
}

// deliverLater has the outbox deliver once all pauses between tries are over.
func (w *pushWorld) deliverLater(t *testing.T) {
	t.Helper()
	w.Clock.Add(11 * time.Minute)
	if _, err := w.App.Outbox.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestFaultyContactsArePushed to each phone of the account once, and only where it is wanted.
func TestFaultyContactsArePushed(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.upload(t, "BUTTON_SHUTDOWN", 1)
	w.wantPushes(t, 0, "another end")
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 2, 3)
	got := map[string]fcmtest.Message{}
	for range 2 {
		m := w.fcm.Next()
		got[m.Token] = m
	}
	for _, phone := range []string{phoneOf(1), phoneOf(2)} {
		if m := got[phone]; m.Purpose != "faulty_contacts" || !strings.Contains(m.Body, "전극") || m.Title == "" || m.AndroidTag == "" {
			t.Errorf("%s gets %+v", phone, m)
		}
		waitForState(t, w.Server, entmessage.ChannelPush, phone, entmessage.StateSent)
	}
	if row := w.pushes(t)[0]; row.Text != "" || row.Provider == nil || *row.Provider != "fcm" || row.ProviderID == nil {
		t.Errorf("%v", row)
	}
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 2, 3)
	w.wantPushes(t, 2, "a replay")
	var ignored any
	mute := `mutation($muted: Boolean) { updateNotificationSettings(input: {isDeviceMuted: $muted}) { user { id } } }`
	w.Data(t, w.token, mute, map[string]any{"muted": true}, &ignored)
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 4)
	w.wantPushes(t, 2, "a muted device")
	w.Data(t, w.token, mute, map[string]any{"muted": false}, &ignored)
	w.Data(t, w.token, `mutation { updatePolicy(input: {isPushAgree: false}) { policy { isPushAgree } } }`, nil, &ignored)
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 5)
	w.wantPushes(t, 2, "no consent")
	w.setPushToken(t, phoneOf(1))
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 6)
	w.wantPushes(t, 4, "consent once more")
}

// TestWhatFCMAnswers: each answer leads to a state of the message, and to the end of a token
// that reaches nobody.
func TestWhatFCMAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []fcmtest.Answer
		state   entmessage.State
		isGone  bool
		tries   int
	}{
		"accepted":          {nil, entmessage.StateSent, false, 1},
		"unregistered":      {[]fcmtest.Answer{fcmtest.Unregistered()}, entmessage.StateDead, true, 1},
		"another project's": {[]fcmtest.Answer{fcmtest.Refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "")}, entmessage.StateDead, false, 1},
		"malformed": {
			[]fcmtest.Answer{fcmtest.Refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")},
			entmessage.StateDead, true, 1,
		},
		"another argument": {[]fcmtest.Answer{fcmtest.Refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "")}, entmessage.StateDead, false, 1},
		"busy, then accepted": {
			[]fcmtest.Answer{{Status: 429, RetryAfter: "600"}, {Status: 503}, {Status: 401}, {Status: 403}, {Status: 404, Body: "<html>"}},
			entmessage.StateSent, false, 6,
		},
		"silent, then accepted": {[]fcmtest.Answer{{IsCut: true}}, entmessage.StateSent, false, 2},
		"silent twice":          {[]fcmtest.Answer{{IsCut: true}, {IsCut: true}}, entmessage.StateDead, false, 2},
		"garbage twice":         {[]fcmtest.Answer{{Status: 200, Body: "?"}, {Status: 200, Body: "?"}}, entmessage.StateDead, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			var ignored any
			w.Data(t, w.token, `mutation($id: String!) { removePushDevice(input: {registrationId: $id}) { user { id } } }`, map[string]any{"id": phoneOf(2)}, &ignored)
			w.fcm.Answer(c.answers...)
			w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 1)
			for try := range c.tries {
				w.fcm.Next()
				testutil.WaitFor(t, "the try is recorded", func() bool {
					row := w.pushes(t)[0]
					return row.LeasedUntil == nil && row.Attempts == try+1
				})
				if try+1 < c.tries {
					w.deliverLater(t)
				}
			}
			row := w.pushes(t)[0]
			account, err := w.App.Store.Read().User.Query().Only(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if row.State != c.state || (account.PushToken == nil) != c.isGone || (account.PushTokenSetAt == nil) != c.isGone {
				t.Errorf("the message is %s, the token %v of %v", row.State, account.PushToken, account.PushTokenSetAt)
			}
			if row.LastError != nil && strings.Contains(*row.LastError, phoneOf(1)) {
				t.Error("the error repeats the token")
			}
		})
	}
}

// TestATokenThatWasReplacedStays: FCM gives up a token that the account no longer has.
func TestATokenThatWasReplacedStays(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.fcm.Answer(fcmtest.Answer{Status: http.StatusServiceUnavailable}, fcmtest.Answer{Status: http.StatusServiceUnavailable}, fcmtest.Unregistered(), fcmtest.Unregistered())
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 1)
	for range 2 {
		w.fcm.Next()
	}
	w.setPushToken(t, phoneOf(3))
	for _, phone := range []string{phoneOf(1), phoneOf(2)} {
		testutil.WaitFor(t, "the try is recorded", func() bool {
			return !slices.ContainsFunc(w.pushes(t), func(m *ent.Message) bool { return m.LeasedUntil != nil || m.Attempts == 0 })
		})
		w.deliverLater(t)
		waitForState(t, w.Server, entmessage.ChannelPush, phone, entmessage.StateDead)
	}
	account, err := w.App.Store.Read().User.Query().WithPushDevices().Only(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if account.PushToken == nil || *account.PushToken != phoneOf(3) || len(account.Edges.PushDevices) != 0 {
		t.Errorf("%v, %v", account.PushToken, account.Edges.PushDevices)
	}
}

// TestUploadWithoutAProviderOfPush succeeds and stores no message.
func TestUploadWithoutAProviderOfPush(t *testing.T) {
	t.Parallel()
	provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
	s := startWithProviders(t, provider, mail)
	w := &pushWorld{Server: s, token: signUp(t, s, provider, "+821012345678", "parent@example.com")}
	w.setPushToken(t, phoneOf(1))
	w.child = s.CreateChild(t, w.token)
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 1)
	w.wantPushes(t, 0, "no provider")
}

// TestUploadBeyondTheMessagesOfADay succeeds, and the messages beyond are not stored.
func TestUploadBeyondTheMessagesOfADay(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t, func(cfg *app.Config) { cfg.PushDaily = 1 })
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 1)
	w.wantPushes(t, 1, "one is left of the day's")
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 2)
	w.wantPushes(t, 1, "none is left")
}

// TestNewSignInIsPushed to the phones of the account, whatever surface it comes by.
func TestNewSignInIsPushed(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	signIn := func(path, body, installation string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "LUX/3.2 (iPhone; iOS 18.0)")
		if installation != "" {
			r.Header.Set("X-Installation-Id", installation)
		}
		if answer := w.Do(t, r); answer.Status != http.StatusOK || strings.Contains(string(answer.Body), "errors") {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
	const (
		graphQL = `{"query": "mutation { signIn(input: {email: \"parent@example.com\", password: \"secret123\"}) { tokens { accessToken } } }"}`
		rest    = `{"username": "parent@example.com", "password": "secret123"}`
	)
	signIn("/graphql", graphQL, "")
	for range 2 {
		m := w.fcm.Next()
		if m.Purpose != "new_sign_in" || m.Title == "" || !strings.Contains(m.Body, "LUX 3.2") || m.Token != phoneOf(1) && m.Token != phoneOf(2) {
			t.Errorf("%+v", m)
		}
	}
	signIn(apptest.LUX+"/auth/email/signin", rest, "")
	w.wantPushes(t, 2, "the same place by another surface")
	signIn(apptest.LUX+"/auth/email/signin", rest, "one")
	w.wantPushes(t, 4, "an installation by LUX")
	signIn("/api/v1/addnox/auth/email/signin", rest, "another")
	w.wantPushes(t, 6, "an installation by Addnox")
	signIn("/graphql", graphQL, "one")
	w.wantPushes(t, 6, "an installation that is known")
}

// TestNewSignInGoesBeyondTheMessagesOfADay: a thief must not silence it by using them up.
func TestNewSignInGoesBeyondTheMessagesOfADay(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t, func(cfg *app.Config) { cfg.PushDaily = 1 })
	postAs(t, w.Server, signInPath, "", `{"username": "parent@example.com", "password": "secret123"}`, map[string]string{"X-Installation-Id": "one"})
	w.wantPushes(t, 2, "both phones, though the day has one")
}
