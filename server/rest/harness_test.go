package rest_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

const (
	lux     = "/api/v1/lux"
	addnox  = "/api/v1/addnox"
	phone   = "+821012345678"
	badBody = `{"detail": "Invalid request or missing parameters"}`
)

// server is the whole program, called over REST.
type server struct{ *apptest.Server }

func start(t *testing.T, change ...func(*app.Config)) server {
	t.Helper()
	return server{apptest.Start(t, change...)}
}

// step sends a request and compares the response with want, in which "*" stands
// for any value. It gives the response.
func (s server) step(t *testing.T, call, token, body string, status int, want string) map[string]any {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	answer := s.Call(t, method, path, token, body)
	got := answer.JSON(t)
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v in %s", call, err, want)
	}
	if diff := cmp.Diff(wanted, got, wildcard()); answer.Status != status || diff != "" {
		t.Errorf("%s: %d, want %d: %s", call, answer.Status, status, diff)
	}
	object, _ := got.(map[string]any)
	return object
}

func wildcard() cmp.Option {
	return cmp.FilterValues(func(a, b any) bool { return a == "*" || b == "*" }, cmp.Ignore())
}

func text(t *testing.T, object map[string]any, key string) string {
	t.Helper()
	value, ok := object[key].(string)
	if !ok {
		t.Fatalf("no %s in %v", key, object)
	}
	return value
}

func number(object map[string]any, key string) string {
	value, _ := object[key].(float64)
	return strconv.Itoa(int(value))
}

const tokenAnswer = `{"access_token": "*", "expires_in": 900, "refresh_token": "*", "refresh_expires_in": 1209600,
	"id": "*", "token_type": "bearer"}`

// validToken earns a valid_token for the phone with a code that the surface sends.
func (s server) validToken(t *testing.T, surface, phone string) string {
	t.Helper()
	s.step(t, "POST "+surface+"/auth/send-sms-auth", "", `{"phone": "`+phone+`"}`, 200, `true`)
	got := s.step(t, "POST "+surface+"/auth/phone-number-validation", "",
		`{"phone": "`+phone+`", "validnum": "`+s.LastCode(t, phone)+`"}`, 200, `{"valid_token": "*"}`)
	return text(t, got, "valid_token")
}

// person is the body of a sign-up, with more members before it.
func person(phone, more string) string {
	return `{` + more + `, "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F", "phone": "` + phone + `",
		"is_push_agree": false, "is_marketing_agree": true, "national_code": "KR", "unknown": []}`
}

// fakeFacebook serves the Graph API of Facebook. The token of account N is "token N".
func fakeFacebook(t *testing.T) func(*app.Config) {
	t.Helper()
	return func(c *app.Config) { c.FacebookURL = apptest.StartFacebook(t) }
}
