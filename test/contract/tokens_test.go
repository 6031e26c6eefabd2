package contract_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/apptest"
)

// TestExpiredToken sends an access token that is too old to every route that asks for
// one. Each surface has its own words for it.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	s := apptest.Start(t)
	now := s.Clock.Now()
	old, err := token.DevelopmentKeys().Sign(token.Claims{
		Use: token.Access, RootUserID: 1, SessionID: 1, IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-token.Skew),
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range all.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if len(*operation.Security) != 2 { // the two headers of an access token
				continue
			}
			want := answer{Status: http.StatusForbidden, Errcode: 0x2002, Message: "Token is expired"}
			switch {
			case strings.HasPrefix(path, "/api/v1/lux/"):
				want = answer{Status: http.StatusUnauthorized, Detail: "Token is expired"}
			case strings.HasPrefix(path, "/api/v1/"):
				want = answer{Status: http.StatusUnauthorized, Detail: "Could not validate credentials"}
			}
			response := s.Call(t, method, parameters.Replace(path), old, "")
			got := answer{Status: response.Status}
			if err := json.Unmarshal(response.Body, &got); err != nil || got != want {
				t.Errorf("%s %s: %+v %v, want %+v", method, path, got, err, want)
			}
		}
	}
}

// answer is an error of any surface.
type answer struct {
	Status  int
	Detail  string
	Errcode int
	Message string
}
