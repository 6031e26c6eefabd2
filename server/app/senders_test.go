package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/fcmtest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/smtptest"
	"luxbff/server/app"
)

// smsProvider stands in for SOLAPI and Twilio: it takes every SMS and Alimtalk, unless the
// test sets it down, and says that each was delivered, unless the test says otherwise.
type smsProvider struct {
	*httptest.Server
	got chan providerMessage

	mu             sync.Mutex
	isDown         bool
	alimtalkStatus string            // of SOLAPI; empty: delivered
	statuses       map[string]string // of SOLAPI, by id
}

type providerMessage struct{ path, to, text, template string }

func startSMSProvider(t *testing.T) *smsProvider {
	t.Helper()
	p := &smsProvider{got: make(chan providerMessage, 100), statuses: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *smsProvider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isDown {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if id := r.URL.Query().Get("messageId"); r.Method == http.MethodGet && id != "" {
		_ = json.NewEncoder(w).Encode(map[string]any{"messageList": map[string]any{id: map[string]string{"statusCode": p.statuses[id]}}})
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(`{"sid": "SM1", "status": "delivered"}`))
		return
	}
	if r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid": "SM1", "status": "queued"}`))
		p.got <- providerMessage{path: r.URL.Path, to: r.PostFormValue("To"), text: r.PostFormValue("Body")}
		return
	}
	var body struct {
		Messages []struct {
			To, Text     string
			KakaoOptions struct{ TemplateID string }
		}
	}
	raw, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(raw, &body); err != nil || len(body.Messages) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m := body.Messages[0]
	id, status := fmt.Sprintf("M4V%d", len(p.statuses)), "4000"
	if m.KakaoOptions.TemplateID != "" && p.alimtalkStatus != "" {
		status = p.alimtalkStatus
	}
	p.statuses[id] = status
	_ = json.NewEncoder(w).Encode(map[string]any{"failedMessageList": []any{}, "messageList": []any{map[string]string{"messageId": id, "statusCode": "2000"}}})
	p.got <- providerMessage{r.URL.Path, m.To, m.Text, m.KakaoOptions.TemplateID}
}

func (p *smsProvider) setDown(isDown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isDown = isDown
}

// startWithProviders starts the program as it runs in production, with stand-ins of its
// providers.
func startWithProviders(t *testing.T, provider *smsProvider, mail *smtptest.Server, change ...func(*app.Config)) *apptest.Server {
	t.Helper()
	return apptest.Start(t, append([]func(*app.Config){func(cfg *app.Config) {
		cfg.Env, cfg.PublicURL, cfg.TokenKeys = "production", "https://luxbff.example.com", processtest.TokenKeys()
		cfg.SMTPURL, cfg.MailFrom = "smtp://"+mail.Addr, "no-reply@luxbff.example.com"
		cfg.Solapi = app.SolapiConfig{URL: provider.URL, Key: "key", Secret: "secret", From: "0212345678", Profile: "channel", Template: "template"}
		cfg.Twilio = app.TwilioConfig{URL: provider.URL, AccountSID: "AC1", AuthToken: "token", From: "+15005550006"}
	}}, change...)...)
}

var codeInSMS = regexp.MustCompile(`[0-9]{6}`)

// signUp signs a parent up by the SMS that the provider gets.
func signUp(t *testing.T, s *apptest.Server, provider *smsProvider, phone, email string) (token string) {
	t.Helper()
	var ignored any
	s.Data(t, "", `mutation($phone: String!) { sendSmsCode(input: {phone: $phone, purpose: SIGN_UP}) { ok } }`, map[string]any{"phone": phone}, &ignored)
	code := codeInSMS.FindString((<-provider.got).text)
	var verified struct{ VerifySmsCode struct{ ValidToken string } }
	s.Data(t, "", `mutation($phone: String!, $code: String!) { verifySmsCode(input: {phone: $phone, code: $code}) { validToken } }`,
		map[string]any{"phone": phone, "code": code}, &verified)
	var done struct {
		SignUp struct{ Tokens struct{ AccessToken string } }
	}
	s.Data(t, "", `mutation($input: SignUpInput!) { signUp(input: $input) { tokens { accessToken } } }`, map[string]any{"input": map[string]any{
		"validToken": verified.VerifySmsCode.ValidToken, "email": email, "password": "secret123", "firstName": "james", "lastName": "kim",
		"birthdate": "1997-01-01", "gender": "MALE", "phone": phone, "nationalCode": "KR", "isPushAgree": false, "isMarketingAgree": false,
	}}, &done)
	return done.SignUp.Tokens.AccessToken
}

// TestMessagesLeaveInProduction: a parent signs up by SMS, at home and abroad, is sent an
// Alimtalk, and chooses a new password by mail.
func TestMessagesLeaveInProduction(t *testing.T) {
	t.Parallel()
	provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
	s := startWithProviders(t, provider, mail)

	var ignored any
	s.Data(t, "", `mutation { sendSmsCode(input: {phone: "+4915112345678"}) { ok } }`, nil, &ignored)
	if abroad := <-provider.got; abroad.path != "/2010-04-01/Accounts/AC1/Messages.json" || abroad.to != "+4915112345678" {
		t.Errorf("abroad it sends %+v", abroad)
	}
	token := signUp(t, s, provider, "+821012345678", "parent@example.com")
	s.Data(t, token, `mutation { updateNotificationSettings(input: {isDeviceAlimTalkEnabled: true}) { user { id } } }`, nil, &ignored)
	s.Data(t, token, `mutation { sendImpedanceAlert { ok } }`, nil, &ignored)
	if alert := <-provider.got; alert.path != "/messages/v4/send-many/detail" || alert.to != "01012345678" || alert.template != "template" || alert.text == "" {
		t.Errorf("the alert is %+v", alert)
	}

	s.Data(t, "", `mutation { requestPasswordReset(input: {email: "parent@example.com"}) { ok } }`, nil, &ignored)
	letter := mail.Next()
	_, text, _ := letter.Parts(t)
	_, link, found := strings.Cut(text, "https://luxbff.example.com/reset-password?token=")
	if !found || letter.To != "parent@example.com" {
		t.Fatalf("the mail to %s says %q", letter.To, text)
	}
	secret, err := url.QueryUnescape(strings.TrimSpace(link))
	if err != nil {
		t.Fatal(err)
	}
	s.Data(t, "", `mutation($token: String!) { resetPassword(input: {token: $token, newPassword: "another123"}) { ok } }`, map[string]any{"token": secret}, &ignored)
	s.Data(t, "", `mutation { signIn(input: {email: "parent@example.com", password: "another123"}) { tokens { accessToken } } }`, nil, &ignored)
}

// waitForState waits until the newest message of a channel to an address is in a state.
func waitForState(t *testing.T, s *apptest.Server, channel entmessage.Channel, to string, state entmessage.State) {
	t.Helper()
	testutil.WaitFor(t, "a message is "+state.String(), func() bool {
		_, err := s.App.Outbox.Check(t.Context())
		newest, readErr := s.App.Store.Read().Message.Query().Where(entmessage.ChannelEQ(channel), entmessage.To(to)).
			Order(ent.Desc(entmessage.FieldID)).First(t.Context())
		return err == nil && readErr == nil && newest.State == state
	})
}

// TestResultsAreRecorded: what SOLAPI and Twilio say became of a message, and the SMS in the
// place of an Alimtalk to somebody without Kakao, of which there is one.
func TestResultsAreRecorded(t *testing.T) {
	t.Parallel()
	provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
	provider.alimtalkStatus = "3104"
	s := startWithProviders(t, provider, mail)
	var ignored any
	s.Data(t, "", `mutation { sendSmsCode(input: {phone: "+4915112345678"}) { ok } }`, nil, &ignored)
	<-provider.got
	token := signUp(t, s, provider, "+821012345678", "parent@example.com")
	waitForState(t, s, entmessage.ChannelSms, "+821012345678", entmessage.StateSent)
	s.Clock.Add(5 * time.Second)
	waitForState(t, s, entmessage.ChannelSms, "+4915112345678", entmessage.StateDelivered)
	waitForState(t, s, entmessage.ChannelSms, "+821012345678", entmessage.StateDelivered)
	s.Data(t, token, `mutation { updateNotificationSettings(input: {isDeviceAlimTalkEnabled: true}) { user { id } } }`, nil, &ignored)
	s.Data(t, token, `mutation { sendImpedanceAlert { ok } }`, nil, &ignored)
	alert := <-provider.got
	waitForState(t, s, entmessage.ChannelAlimtalk, "+821012345678", entmessage.StateSent)
	s.Clock.Add(5 * time.Second)
	waitForState(t, s, entmessage.ChannelAlimtalk, "+821012345678", entmessage.StateDead)
	instead := <-provider.got
	if instead.template != "" || instead.to != alert.to || instead.text != alert.text || instead.text == "" {
		t.Errorf("in the place of %+v goes %+v", alert, instead)
	}
	waitForState(t, s, entmessage.ChannelSms, "+821012345678", entmessage.StateSent)
	s.Clock.Add(5 * time.Second)
	waitForState(t, s, entmessage.ChannelSms, "+821012345678", entmessage.StateDelivered)
	if len(provider.got) > 0 {
		t.Errorf("then goes %+v", <-provider.got)
	}
	for _, want := range []string{
		`luxbff_message_checks_total{channel="alimtalk",outcome="failed"} 1`, `luxbff_message_checks_total{channel="sms",outcome="delivered"} 3`,
	} {
		testutil.WaitFor(t, want, func() bool {
			page := httptest.NewRecorder()
			s.App.MetricsHandler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			return strings.Contains(page.Body.String(), want+"\n")
		})
	}
}

// TestProviderIsDownForAWhile: requests are answered, and what still serves goes out when
// the provider is back.
func TestProviderIsDownForAWhile(t *testing.T) {
	t.Parallel()
	provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
	s := startWithProviders(t, provider, mail)
	var ignored any
	send := func(phone string) {
		s.Data(t, "", `mutation($phone: String!) { sendSmsCode(input: {phone: $phone}) { ok } }`, map[string]any{"phone": phone}, &ignored)
	}
	waitForTry := func(phone string) {
		t.Helper()
		testutil.WaitFor(t, "the provider has refused it", func() bool {
			failed, err := s.App.Store.Read().Message.Query().Where(entmessage.To(phone), entmessage.LastErrorNotNil(), entmessage.LeasedUntilIsNil()).Exist(t.Context())
			return err == nil && failed
		})
	}
	provider.setDown(true)
	send("+821011111111") // it expires while the provider is away
	waitForTry("+821011111111")
	s.Clock.Add(2 * time.Minute)
	send("+821022222222")
	waitForTry("+821022222222")
	s.Clock.Add(90 * time.Second)
	// A try that began before would still send the first one. Whatever begins now does not.
	testutil.WaitFor(t, "no try is under way", func() bool {
		leased, err := s.App.Store.Read().Message.Query().Where(entmessage.LeasedUntilNotNil()).Exist(t.Context())
		return err == nil && !leased
	})
	provider.setDown(false)
	// The outbox may have tried once more just before, and waits longer then.
	waits := 0
	testutil.WaitFor(t, "the second code is sent", func() bool {
		if _, err := s.App.Outbox.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-provider.got:
			if got.to != "01022222222" {
				t.Errorf("the provider got %+v", got)
			}
			return true
		default:
		}
		if waits++; waits <= 8 { // later it would expire as well
			s.Clock.Add(10 * time.Second)
		}
		return false
	})
	send("+821033333333")
	if got := <-provider.got; got.to != "01033333333" {
		t.Errorf("an expired code was sent: %+v", got)
	}
}

// TestSettingsOfProviders names what is missing, and repeats no secret.
func TestSettingsOfProviders(t *testing.T) {
	t.Parallel()
	project := fcmtest.Start(t)
	for want, change := range map[string]func(*app.Config){
		"SOLAPI_API_SECRET": func(c *app.Config) { c.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "hidden", From: "02"} },
		"SOLAPI_SENDER": func(c *app.Config) {
			c.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "hidden", Secret: "hidden"}
		},
		"SOLAPI_PFID": func(c *app.Config) {
			c.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "hidden", Secret: "hidden", From: "02", Template: "t"}
		},
		"SOLAPI_URL": func(c *app.Config) {
			c.Solapi = app.SolapiConfig{URL: "http://hidden.example", Key: "k", Secret: "s", From: "02"}
		},
		"TWILIO_AUTH_TOKEN": func(c *app.Config) {
			c.Twilio = app.TwilioConfig{URL: "https://x.example", AccountSID: "hidden", From: "x"}
		},
		"TWILIO_FROM": func(c *app.Config) {
			c.Twilio = app.TwilioConfig{URL: "https://x.example", AccountSID: "hidden", AuthToken: "x"}
		},
		"TWILIO_URL": func(c *app.Config) {
			c.Twilio = app.TwilioConfig{URL: "hidden", AccountSID: "a", AuthToken: "x", From: "x"}
		},
		"SOLAPI_TEMPLATE_IMPEDANCE": func(c *app.Config) {
			c.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "hidden", Secret: "hidden", From: "02", Profile: "p"}
		},
		"MAIL_FROM":                           func(c *app.Config) { c.SMTPURL = "smtps://user:hidden@mail.example.com" },
		"SMTP_URL":                            func(c *app.Config) { c.SMTPURL, c.MailFrom = "https://user:hidden@mail.example.com", "a@example.com" },
		"FCM_CREDENTIALS cannot be read":      func(c *app.Config) { c.FCM.Credentials = filepath.Join(t.TempDir(), "hidden") },
		"FCM_CREDENTIALS: it is not the JSON": func(c *app.Config) { c.FCM.Credentials = written(t, `hidden`) },
		"FCM_CREDENTIALS: it has no private_key": func(c *app.Config) {
			c.FCM.Credentials = written(t, `{"type": "service_account", "project_id": "hidden", "client_email": "hidden"}`)
		},
		"FCM_URL": func(c *app.Config) {
			c.FCM = app.FCMConfig{Credentials: written(t, string(project.Credentials)), URL: "http://hidden.example"}
		},
		"token_uri of FCM_CREDENTIALS": func(c *app.Config) {
			text := strings.ReplaceAll(string(project.Credentials), project.URL, "http://hidden.example")
			c.FCM = app.FCMConfig{Credentials: written(t, text), URL: project.URL}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			cfg := app.Config{Env: "production", PublicURL: "https://luxbff.example.com", TokenKeys: processtest.TokenKeys()}
			change(&cfg)
			if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// TestSMSRoutes: an SMS goes by the provider of its number's country.
func TestSMSRoutes(t *testing.T) {
	t.Parallel()
	const solapi, twilio = "/messages/v4/send-many/detail", "/2010-04-01/Accounts/AC1/Messages.json"
	for routes, want := range map[string]map[string]string{
		" ":                   {"+821012345678": solapi, "+4915112345678": twilio},
		"KR:solapi,*:twilio":  {"+821012345678": solapi, "+4915112345678": twilio},
		"*:twilio":            {"+821012345678": twilio, "+14155550123": twilio},
		"*:solapi, US:twilio": {"+821012345678": solapi, "+14155550123": twilio},
	} {
		t.Run("by "+strings.NewReplacer(":", " ", "*", "all").Replace(routes), func(t *testing.T) {
			t.Parallel()
			provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
			s := startWithProviders(t, provider, mail, func(cfg *app.Config) { cfg.SMSRoutes = strings.TrimSpace(routes) })
			for phone, path := range want {
				var ignored any
				s.Data(t, "", `mutation($phone: String!) { sendSmsCode(input: {phone: $phone}) { ok } }`, map[string]any{"phone": phone}, &ignored)
				if got := <-provider.got; got.path != path {
					t.Errorf("an SMS to %s goes by %s, want %s", phone, got.path, path)
				}
			}
		})
	}
}

// TestNoRoute: a number of a country without a route is given up at once.
func TestNoRoute(t *testing.T) {
	t.Parallel()
	provider, mail := startSMSProvider(t), smtptest.Start(t, smtptest.None)
	s := startWithProviders(t, provider, mail, func(cfg *app.Config) { cfg.SMSRoutes = "KR:solapi" })
	var ignored any
	s.Data(t, "", `mutation { sendSmsCode(input: {phone: "+4915112345678"}) { ok } }`, nil, &ignored)
	waitForState(t, s, entmessage.ChannelSms, "+4915112345678", entmessage.StateDead)
}

func TestWrongSMSRoutes(t *testing.T) {
	t.Parallel()
	for routes, want := range map[string]string{
		"solapi": "COUNTRY:PROVIDER", "KR:solapi,": "COUNTRY:PROVIDER", ",": "COUNTRY:PROVIDER", "KR": "COUNTRY:PROVIDER",
		"kr:solapi": "ISO 3166", "XX:solapi": "ISO 3166", "82:solapi": "ISO 3166", ":solapi": "ISO 3166",
		"KR:aligo": "solapi or twilio", "KR:": "solapi or twilio", "KR:solapi,KR:solapi": "twice", "*:solapi,*:solapi": "twice",
		"KR:solapi,*:twilio": "TWILIO_ACCOUNT_SID", "US:solapi": "no country but KR",
	} {
		cfg := app.Config{Env: "production", PublicURL: "https://luxbff.example.com", TokenKeys: processtest.TokenKeys(), SMSRoutes: routes}
		cfg.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "k", Secret: "s", From: "02"}
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "SMS_ROUTES") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", routes, err, want)
		}
	}
}

// written gives the path of a file with this text.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMessageProviders: the operator is shown where each channel goes.
func TestMessageProviders(t *testing.T) {
	t.Parallel()
	const nowhere = "nowhere: requests that need it are refused"
	for name, c := range map[string]struct {
		change func(*app.Config)
		want   map[entmessage.Channel]string
	}{
		"none": {func(*app.Config) {}, map[entmessage.Channel]string{"push": nowhere, "sms": nowhere, "alimtalk": nowhere, "email": nowhere}},
		"some": {func(c *app.Config) {
			c.Solapi = app.SolapiConfig{URL: "https://x.example", Key: "k", Secret: "s", From: "02", Profile: "p", Template: "t"}
			c.Twilio = app.TwilioConfig{URL: "https://x.example", AccountSID: "AC1", AuthToken: "t", From: "+15005550006"}
			c.SMTPURL, c.MailFrom = "smtps://mail.example.com", "no-reply@example.com"
		}, map[entmessage.Channel]string{"push": nowhere, "sms": "KR:solapi,*:twilio", "alimtalk": "solapi", "email": "smtp"}},
		"SMS abroad": {func(c *app.Config) {
			c.Twilio = app.TwilioConfig{URL: "https://x.example", AccountSID: "AC1", AuthToken: "t", From: "+15005550006"}
		}, map[entmessage.Channel]string{"push": nowhere, "sms": "*:twilio", "alimtalk": nowhere, "email": nowhere}},
	} {
		cfg := app.Config{Env: "production", PublicURL: "https://luxbff.example.com", TokenKeys: processtest.TokenKeys()}
		c.change(&cfg)
		got, err := cfg.MessageProviders()
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
