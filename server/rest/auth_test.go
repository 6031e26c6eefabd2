package rest_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/notify"
	"luxbff/internal/store/storetest"
	"luxbff/internal/token"
	"luxbff/internal/viewer"
	"luxbff/server/rest"
)

// server is the REST edge over a fresh database.
type server struct {
	*httptest.Server
	outbox   *notify.Outbox
	accounts *account.Service
}

func newServer(t *testing.T) *server {
	t.Helper()
	db, log := storetest.Open(t), slog.New(slog.DiscardHandler)
	clock := func() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }
	outbox := notify.New(notify.Config{
		Store: db, Senders: notify.Development(log), KeepText: true, Clock: clock, Random: rand.Reader, Log: log,
	})
	accounts, err := account.New(account.Config{
		Store: db, Outbox: outbox, Keys: token.DevelopmentKeys(), Clock: clock, Random: rand.Reader, Log: log,
		PasswordCost: &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if err != nil {
		t.Fatal(err)
	}
	edge := &rest.Edge{Accounts: accounts, Log: log}
	s := &server{outbox: outbox, accounts: accounts}
	s.Server = httptest.NewServer(s.authenticated(edge.Handler(rest.Surfaces())))
	t.Cleanup(s.Close)
	return s
}

func (s *server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		v, err := s.accounts.Authenticate(ctx, rest.Bearer(r))
		if err != nil {
			ctx = viewer.Without(ctx, err)
		} else {
			ctx = viewer.With(ctx, v)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// call sends a request and gives the status and the JSON of the answer.
func (s *server) call(t *testing.T, method, path, token, body string) (int, any) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		t.Fatalf("%s %s answered %q", method, path, raw)
	}
	return answer.StatusCode, decoded
}

// good is call for an answer of the status; it gives the object in it.
func (s *server) good(t *testing.T, status int, method, path, token, body string) map[string]any {
	t.Helper()
	got, answer := s.call(t, method, path, token, body)
	object, _ := answer.(map[string]any)
	if got != status || object == nil {
		t.Fatalf("%s %s: %d %v", method, path, got, answer)
	}
	return object
}

var code = regexp.MustCompile(`[0-9]{6}`)

func (s *server) lastCode(t *testing.T, to string) string {
	t.Helper()
	sent, err := s.outbox.Recent(t.Context(), to, 1)
	if err != nil || len(sent) == 0 {
		t.Fatalf("no message to %s: %v", to, err)
	}
	return code.FindString(sent[0].Text)
}

const (
	phone      = "+821012345678"
	lux        = "/api/v1/lux"
	signUpBody = `{"email": "parent@lux.example", "password": "correct horse 1", "first_name": "test", "last_name": "",
		"birthdate": "19900506", "gender": "F", "phone": "+821012345678", "register_type": "E",
		"is_push_agree": false, "is_marketing_agree": true, "national_code": "KR", "unknown": []}`
)

func (s *server) validToken(t *testing.T) string {
	t.Helper()
	status, answer := s.call(t, http.MethodPost, lux+"/auth/send-sms-auth", "", `{"phone": "`+phone+`"}`)
	if status != http.StatusOK || answer != true {
		t.Fatalf("send-sms-auth: %d %v", status, answer)
	}
	got := s.good(t, http.StatusOK, http.MethodPost, lux+"/auth/phone-number-validation", "",
		`{"phone": "`+phone+`", "validnum": "`+s.lastCode(t, phone)+`"}`)
	return got["valid_token"].(string)
}

func TestLuxSignUpToSignIn(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	signedUp := s.good(t, http.StatusOK, http.MethodPost, lux+"/auth/email/signup", s.validToken(t), signUpBody)
	if diff := cmp.Diff([]string{"access_token", "expires_in", "id", "refresh_expires_in", "refresh_token", "token_type"}, keys(signedUp)); diff != "" {
		t.Errorf("token answer: %s", diff)
	}
	want := map[string]any{
		"root_user_id": signedUp["id"], "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F",
		"phone": phone, "is_phone_number_checked": true, "register_type": "E", "national_code": "KR",
		"need_personal_info_update": false, "need_to_pwd_change": false, "is_device_muted": false,
		"is_device_alim_talk_enabled": false, "is_basestation_alert_enabled": false,
	}
	me := s.good(t, http.StatusOK, http.MethodGet, lux+"/user/me", signedUp["access_token"].(string), "")
	if diff := cmp.Diff(want, me); diff != "" {
		t.Errorf("user/me: %s", diff)
	}
	form := "username=parent%40lux.example&password=correct+horse+1"
	r, err := http.Post(s.URL+lux+"/auth/email/signin", "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("sign in by form: %v, %v", r, err)
	}
	_ = r.Body.Close()
	s.good(t, http.StatusOK, http.MethodPost, lux+"/auth/refresh-token", "",
		`{"refresh_token": "`+signedUp["refresh_token"].(string)+`"}`)
}

func keys(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestLuxAuthRefuses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	valid := s.validToken(t)
	for name, tc := range map[string]struct {
		path, token, body string
		status            int
		detail            string
	}{
		"sign-up without token": {"/auth/email/signup", "", signUpBody, 401, "Token is invalid"},
		"sign-up as social": {
			"/auth/email/signup", valid, strings.Replace(signUpBody, `"E"`, `"S"`, 1), 400,
			"Invalid request or missing parameters",
		},
		"half a surrogate in a name": {
			"/auth/email/signup", valid, strings.Replace(signUpBody, `"test"`, `"\ud800"`, 1), 400,
			"Invalid request or missing parameters",
		},
		"impossible birthdate": {
			"/auth/email/signup", valid, strings.Replace(signUpBody, "19900506", "20250230", 1), 400,
			"Invalid request or missing parameters",
		},
		"no e-mail":       {"/auth/email/signup", valid, strings.Replace(signUpBody, "parent@lux.example", "", 1), 400, "Email is not valid"},
		"unknown e-mail":  {"/auth/email/signin", "", `{"username": "a@b.example", "password": "x"}`, 404, "User not found"},
		"no password":     {"/auth/email/signin", "", `{"username": "a@b.example"}`, 400, "Invalid request or missing parameters"},
		"array":           {"/auth/email/signin", "", `[]`, 400, "Invalid request or missing parameters"},
		"no code":         {"/auth/phone-number-validation", "", `{"phone": "` + phone + `"}`, 400, "Validation code is invalid"},
		"forged refresh":  {"/auth/refresh-token", "", `{"refresh_token": "x"}`, 401, "Could not validate credentials"},
		"malformed phone": {"/auth/send-sms-auth", "", `{"phone": "01012345678"}`, 400, "Phone number is invalid"},
	} {
		status, answer := s.call(t, http.MethodPost, lux+tc.path, tc.token, tc.body)
		if diff := cmp.Diff(map[string]any{"detail": tc.detail}, answer); status != tc.status || diff != "" {
			t.Errorf("%s: %d %v, want %d %s", name, status, answer, tc.status, tc.detail)
		}
	}
}
