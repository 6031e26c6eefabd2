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
		t.Errorf("after a fault: %s", log)
	}
}
