package apptest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The app that the stand-in for Facebook's Graph API knows.
const (
	FacebookAppID     = "1234"
	FacebookAppSecret = "secret of the app"
)

// StartFacebook starts a stand-in for Facebook's Graph API that ends with the test,
// and gives its address. The access token of the person N is "token N" or "token-N", and
// "stranger N" is one of another app; all are called John Smith.
func StartFacebook(t testing.TB) (url string) {
	t.Helper()
	facebook := httptest.NewServer(http.HandlerFunc(serveGraph))
	t.Cleanup(facebook.Close)
	return facebook.URL
}

// serveGraph refuses a proof that is not the app's, and asks for one about tokens.
func serveGraph(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	mac := hmac.New(sha256.New, []byte(FacebookAppSecret))
	mac.Write([]byte(query.Get("access_token")))
	proof := query.Get("appsecret_proof")
	if proof != "" && proof != hex.EncodeToString(mac.Sum(nil)) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.URL.Path == "/debug_token" {
		serveDebugToken(w, query.Get("input_token"), proof != "" && query.Get("access_token") == FacebookAppID+"|"+FacebookAppSecret)
		return
	}
	kind, id := splitToken(query.Get("access_token"))
	if kind != "token" && kind != "stranger" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "name": "John Smith"})
}

func splitToken(token string) (kind, id string) {
	kind, id, found := strings.Cut(token, " ")
	if !found {
		kind, id, _ = strings.Cut(token, "-")
	}
	return kind, id
}

// serveDebugToken answers our own app alone.
func serveDebugToken(w http.ResponseWriter, token string, isOurs bool) {
	if !isOurs {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	kind, id := splitToken(token)
	app := map[string]string{"token": FacebookAppID, "stranger": "99"}[kind]
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"app_id": app, "is_valid": app != "", "user_id": id}})
}

// StartNaver starts a stand-in for Naver's API that ends with the test, and gives its
// address. The access token of the person N is "token-N", and all are called Kim.
func StartNaver(t testing.TB) (url string) {
	t.Helper()
	naver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-")
		if !known || r.URL.Path != "/v1/nid/me" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"resultcode": "00", "message": "success", "response": map[string]string{"id": id, "name": "Kim"}})
	}))
	t.Cleanup(naver.Close)
	return naver.URL
}
