package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

func TestUnknownPathsOfNoSurface(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, path := range []string{"/nothing", "/api/v1/lux/nothing", "/api/v2/lux/user/me"} {
		answer := s.Call(t, http.MethodGet, path, "", "")
		if answer.Status != http.StatusNotFound || !strings.Contains(string(answer.Body), `"Resource not found"`) {
			t.Errorf("%s: %d %s", path, answer.Status, answer.Body)
		}
	}
}

func TestSlashes(t *testing.T) {
	t.Parallel()
	s := start(t)
	notFound := `{"detail": "Resource not found"}`
	for _, prefix := range []string{lux, addnox, "/api/v1/withnox"} {
		s.step(t, "GET "+prefix, "", "", http.StatusNotFound, notFound)
	}
	for _, path := range []string{"/user", "/auth", "/v1/user", "/v1/auth"} {
		s.step(t, "POST "+path, "", "", http.StatusNotFound, refused(0))
	}
	token := text(t, s.step(t, "POST //v1//auth///register_local", "", `{"id": "abcd1234", "password": "abcd1234"}`, http.StatusOK,
		`{"message": "ok", "token": "*", "user_id": "*"}`), "token")
	s.step(t, "PUT //user/info", token, `{"email": "john@snu.example"}`, http.StatusOK, okBody)
	s.step(t, "GET /user/info/", token, "", http.StatusNotFound, refused(0))
	s.step(t, "POST //user//device/a%2F%2Fb%2f", token, "", http.StatusOK, okBody)
	var got struct {
		Me struct {
			PushDevices []struct{ RegistrationID string }
		}
	}
	s.Data(t, token, `{ me { pushDevices { registrationId } } }`, nil, &got)
	if len(got.Me.PushDevices) != 1 || got.Me.PushDevices[0].RegistrationID != "a//b/" {
		t.Errorf("%v", got)
	}
	s.step(t, "POST //graphql", token, `{"query": "{ __typename }"}`, http.StatusOK, `{"data": {"__typename": "Query"}}`)
}

// A request that could not be read is no alarm for the operator.
func TestLevelsOfTheLog(t *testing.T) {
	t.Parallel()
	s := start(t)
	const ours, theirs = `"level":"ERROR"`, `"level":"WARN"`
	s.step(t, "POST "+lux+"/auth/email/signin", "", "{", http.StatusBadRequest, badBody)
	if log := s.Log.String(); !strings.Contains(log, theirs) || strings.Contains(log, ours) {
		t.Errorf("after a bad request: %s", log)
	}
	if err := s.App.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.step(t, "POST "+lux+"/auth/email/signin", "", `{"username": "a@b.cc", "password": "secret123"}`, http.StatusInternalServerError,
		`{"detail": "Internal server error. Please try again later."}`)
	if log := s.Log.String(); !strings.Contains(log, ours) {
		t.Errorf("after an error of ours: %s", log)
	}
}
