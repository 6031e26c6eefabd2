package rest_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/rest"
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

// Also a route that asks for no body holds one to the limit, known before or not, and does
// nothing then.
func TestEveryRouteHasALimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	token, _ := s.Parent(t)
	tooLong := bytes.Repeat([]byte(" "), 1<<20+1)
	placeholder := regexp.MustCompile(`{\w+}`)
	for _, surface := range rest.Surfaces() {
		for _, route := range surface.Routes {
			url := s.URL + surface.Prefix + placeholder.ReplaceAllString(route.Path, "1")
			for _, body := range []io.Reader{bytes.NewReader(tooLong), io.MultiReader(bytes.NewReader(tooLong))} {
				r, err := http.NewRequestWithContext(t.Context(), route.Method, url, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+token)
				if answer := s.Do(t, r); answer.Status != http.StatusRequestEntityTooLarge {
					t.Errorf("%s %s: %d %s", route.Method, url, answer.Status, answer.Body)
				}
			}
		}
	}
}

// A request that could not be read is no alarm for the operator.
func TestLevelsOfTheLog(t *testing.T) {
	t.Parallel()
	s := start(t)
	const ours, theirs = `"level":"ERROR"`, `"level":"DEBUG","msg":"request failed"`
	s.step(t, "POST "+lux+"/auth/email/signin", "", "{", http.StatusBadRequest, badBody)
	if log := s.Log.String(); !strings.Contains(log, theirs) || strings.Contains(log, ours) || strings.Contains(log, `"level":"WARN"`) {
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
