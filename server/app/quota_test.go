package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestDailyLimitsOnEverySurface: when a channel has had its day, each surface says so in its
// own words, and when to come again.
func TestDailyLimitsOnEverySurface(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	s := apptest.StartAt(t, noon, func(c *app.Config) { c.RateLimits, c.SMSDaily, c.AlimtalkDaily, c.EmailDaily = "on", 3, 1, 1 })
	token, _ := s.Parent(t) // one SMS
	for n := range 2 {
		s.Call(t, http.MethodPost, apptest.LUX+"/auth/send-sms-auth", "", fmt.Sprintf(`{"phone": "+82102000000%d"}`, n))
	}
	mustCall(t, s, http.MethodPost, "/user/email/verification", token, `{}`)
	before := s.Dump(t)
	const code, reset = `{"phone": "+821020000009"}`, `{"email": "parent1@example.com"}`
	calls := map[string]string{
		apptest.LUX + "/auth/send-sms-auth":   code,
		"/api/v1/addnox/auth/send-sms-auth":   code,
		"/api/v1/withnox/auth/send-sms-auth":  code,
		apptest.LUX + "/auth/send-reset-mail": reset,
		"/api/v1/addnox/auth/send-reset-mail": reset,
		"/user/email/verification":            `{}`,
		"/v1/user/email/verification":         `{}`,
	}
	for path, body := range calls {
		got := s.Call(t, http.MethodPost, path, token, body)
		want := `{"detail":"Too many requests"}`
		if strings.Contains(path, "/user/email") {
			want = `{"errcode":0,"message":"Too many requests"}`
		}
		if got.Status != http.StatusTooManyRequests || strings.TrimSpace(string(got.Body)) != want || got.Header.Get("Retry-After") != "43200" {
			t.Errorf("%s: %d %s, Retry-After %q", path, got.Status, got.Body, got.Header.Get("Retry-After"))
		}
	}
	for _, mutation := range []string{
		`sendSmsCode(input: {phone: \"+821020000009\"}) { ok }`, `requestPasswordReset(input: {email: \"parent1@example.com\"}) { ok }`, `sendEmailVerification(input: {}) { ok }`,
	} {
		got := s.Call(t, http.MethodPost, "/graphql", token, `{"query": "mutation { `+mutation+` }"}`)
		for _, part := range []string{`"code":"TOO_MANY_REQUESTS"`, `"retryAfterMs":43200000`, `"status":429`} {
			if !strings.Contains(string(got.Body), part) {
				t.Errorf("%s: %s, without %s", mutation, got.Body, part)
			}
		}
	}
	after := s.Dump(t)
	for _, table := range []string{"messages", "verification_codes", "users", "message_quota"} {
		if strings.Join(after[table], "\n") != strings.Join(before[table], "\n") {
			t.Errorf("%s: %q, and before %q", table, after[table], before[table])
		}
	}
	metrics := readMetrics(t, s)
	if sms, mails := metrics[`luxbff_rate_limited_total{limit="sms-day"}`], metrics[`luxbff_rate_limited_total{limit="email-day"}`]; sms != 4 || mails != 6 {
		t.Errorf("%v SMS and %v mails are counted as refused", sms, mails)
	}
	s.Clock.Add(12 * time.Hour)
	mustCall(t, s, http.MethodPost, apptest.LUX+"/auth/send-sms-auth", "", code)
}

func TestDailyLimitsAreNotNegative(t *testing.T) {
	t.Parallel()
	for setting, set := range map[string]func(*app.Config, int){
		"SMS_DAILY_LIMIT":      func(c *app.Config, n int) { c.SMSDaily = n },
		"ALIMTALK_DAILY_LIMIT": func(c *app.Config, n int) { c.AlimtalkDaily = n },
		"EMAIL_DAILY_LIMIT":    func(c *app.Config, n int) { c.EmailDaily = n },
		"PUSH_DAILY_LIMIT":     func(c *app.Config, n int) { c.PushDaily = n },
	} {
		for n, isGood := range map[int]bool{-1: false, 0: true, 100: true} {
			cfg := app.Config{Env: "development"}
			set(&cfg, n)
			if err := cfg.Check(); (err == nil) != isGood || err != nil && !strings.Contains(err.Error(), setting) {
				t.Errorf("%s %d: %v", setting, n, err)
			}
		}
	}
}
