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
