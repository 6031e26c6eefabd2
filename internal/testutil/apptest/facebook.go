package apptest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// StartFacebook starts a stand-in for Facebook's Graph API that ends with the test,
// and gives its address. The access token of the person N is "token N", and all are
// called John Smith.
func StartFacebook(t testing.TB) (url string) {
	t.Helper()
	facebook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known := strings.CutPrefix(r.URL.Query().Get("access_token"), "token ")
		if !known {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "name": "John Smith"})
	}))
	t.Cleanup(facebook.Close)
	return facebook.URL
}
