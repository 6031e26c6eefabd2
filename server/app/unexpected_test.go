package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestUnexpectedErrorIsNeutral takes the database away: every surface answers
// with the documented text, and the cause is in the log under the id of the
// request, without what the client sent.
func TestUnexpectedErrorIsNeutral(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	if err := s.App.Store.Close(); err != nil {
		t.Fatal(err)
	}
	const neutral = "Internal server error. Please try again later."

	rest := s.Call(t, http.MethodGet, apptest.LUX+"/user/me", token, "")
	if want := `{"detail":"` + neutral + `"}`; rest.Status != http.StatusInternalServerError ||
		strings.TrimSpace(string(rest.Body)) != want {
		t.Errorf("LUX: %d %s", rest.Status, rest.Body)
	}
	reply := s.GraphQL(t, token, `{ me { id } }`, nil)
	if reply.Code() != "INTERNAL" || reply.Errors[0].Message != neutral || reply.Errors[0].Extensions.Status != 500 {
		t.Errorf("GraphQL: %+v", reply)
	}
	id := rest.Header.Get("X-Request-Id")
	var cause string
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, id) && strings.Contains(line, `"level":"ERROR"`) {
			cause = line
		}
	}
	if id == "" || !strings.Contains(cause, "error") {
		t.Errorf("the log has no cause for request %q:\n%s", id, s.Log)
	}
}

// usePersonalData signs up, signs in wrong and right, makes a child and uploads. It gives
// the personal data and secrets of all that, by what each is.
func usePersonalData(t *testing.T, s *apptest.Server) map[string]string {
	t.Helper()
	token, _ := s.Parent(t)
	code := s.LastCode(t, "+821010000001")
	for _, password := range []string{"wrong-pass-1", "secret123"} {
		s.Call(t, http.MethodPost, apptest.LUX+"/auth/email/signin", "",
			fmt.Sprintf(`{"username": "parent1@example.com", "password": %q}`, password))
	}
	grow(t, s, token, 0, 1)
	upload(t, s, token, 1, 1)
	s.Call(t, http.MethodPost, apptest.LUX+"/device/devlog", token, `{"log_arrays": "unique0"}`)
	s.Call(t, http.MethodGet, "/nobody@example.com", token, "")
	s.GraphQL(t, token, `mutation { sendSmsCode(input: {phone: "+82 nonsense"}) { ok } }`, nil)
	return map[string]string{
		"token": token, "code": `"` + code, "phone": "821010000001", "e-mail": "parent1@", "password": "secret123",
		"wrong password": "wrong-pass", "name": "james", "unknown path": "nobody@", "input": "nonsense",
	}
}

func TestLogHoldsNoPersonalData(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	secrets := usePersonalData(t, s)
	log := s.Log.String()
	if !strings.Contains(log, `"msg":"request"`) {
		t.Fatal("nothing was logged")
	}
	for what, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds the %s %q", what, secret)
		}
	}
}
