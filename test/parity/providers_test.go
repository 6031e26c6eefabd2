package parity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
)

// TestSilentProvider asks a Facebook that gives no answer that can be used, by every
// action that asks it on every surface: none may answer that the token is refused.
func TestSilentProvider(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	facebooks := map[string]string{"down": down.URL}
	for name, answer := range map[string]http.HandlerFunc{
		"an error of its own": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"a page":              func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"nobody":              func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"name": "John"}`)) },
		"no answer":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		facebooks[name] = server.URL
	}
	const detail = `{"detail":"Internal server error. Please try again later."}`
	const snutt = `{"errcode":0,"message":"Internal server error. Please try again later."}`
	for name, facebook := range facebooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, action{arrange: steps(local, validToken, mail("new@lux.example", ""))}, facebook)
			before := w.Dump(t)
			for _, call := range []struct{ as, path, body, want string }{
				{"", addnox + "/auth/social-signin/facebook", `{"access_token": "token 7"}`, detail},
				{"", withnox + "/auth/social-signin/facebook", `{"access_token": "token 7"}`, detail},
				{"valid", addnox + "/auth/social/signup", `{"email": "${email}", "register_type": "S", "social_id": "token 7", "social_type": "facebook"` + person, detail},
				{"", "/auth/login_fb", `{"fb_id": "7", "fb_token": "token 7"}`, snutt},
				{"", "/v1/auth/login_fb", `{"fb_id": "7", "fb_token": "token 7"}`, snutt},
				{"parent", "/user/facebook", `{"fb_id": "7", "fb_token": "token 7"}`, snutt},
			} {
				response := w.Call(t, http.MethodPost, call.path, w.vars[call.as], w.fill(call.body))
				if response.Status != http.StatusInternalServerError || strings.TrimSpace(string(response.Body)) != call.want {
					t.Errorf("%s: %d %s", call.path, response.Status, response.Body)
				}
			}
			for _, field := range []string{"signInWithFacebook", "connectFacebook"} {
				response := w.GraphQL(t, w.vars["parent"], "mutation { "+field+`(input: {facebookId: "7", facebookToken: "token 7"}) { user { id } } }`, nil)
				if response.Code() != "PROVIDER_UNAVAILABLE" || response.Errors[0].Extensions.Status != http.StatusServiceUnavailable || response.Errors[0].Extensions.Field != "" {
					t.Errorf("%s: %+v", field, response.Errors)
				}
			}
			if diff := cmp.Diff(before, w.Dump(t)); diff != "" {
				t.Errorf("rows have changed:\n%s", diff)
			}
			if strings.Contains(w.Log.String(), "token 7") {
				t.Error("the log holds the token")
			}
		})
	}
}

// TestRegisterTypes holds each way to make an account to the type that every surface
// shows of it.
func TestRegisterTypes(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	social := steps(validToken, mail("new@lux.example", ""), func(t *testing.T, w *world) {
		t.Helper()
		answer := w.mustCall(t, http.MethodPost, addnox+"/auth/social/signup", "valid",
			`{"email": "${email}", "register_type": "S", "social_id": "token 7", "social_type": "facebook"`+person)
		w.vars["parent"], _ = answer["access_token"].(string)
	})
	bySNUTT := func(path, body string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			w.vars["parent"], _ = w.mustCall(t, http.MethodPost, path, "", body)["token"].(string)
		}
	}
	const link = `{"fb_id": "7", "fb_token": "token 7"}`
	temporary := bySNUTT("/auth/request_temp", "")
	for name, c := range map[string]struct {
		arrange   func(*testing.T, *world)
		rest, gql string
	}{
		"LUX":                     {parent, "E", "EMAIL"},
		"LUX, then Facebook":      {steps(parent, sent(http.MethodPost, "/user/facebook", link)), "E", "EMAIL"},
		"Addnox, social":          {social, "S", "SOCIAL"},
		"login_fb":                {bySNUTT("/auth/login_fb", link), "S", "SOCIAL"},
		"login_fb, then local id": {steps(bySNUTT("/auth/login_fb", link), sent(http.MethodPost, "/user/password", `{"id": "abcd1234", "password": "abcd1234"}`)), "S", "SOCIAL"},
		"signInWithFacebook": {func(t *testing.T, w *world) {
			t.Helper()
			var data struct {
				SignInWithFacebook struct{ Tokens struct{ AccessToken string } }
			}
			w.Data(t, "", `mutation { signInWithFacebook(input: {facebookId: "7", facebookToken: "token 7"}) { tokens { accessToken } } }`, nil, &data)
			w.vars["parent"] = data.SignInWithFacebook.Tokens.AccessToken
		}, "S", "SOCIAL"},
		"local id":                 {local, "L", "LOCAL"},
		"temporary":                {temporary, "L", "LOCAL"},
		"temporary, then Facebook": {steps(temporary, sent(http.MethodPost, "/user/facebook", link)), "L", "LOCAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, action{arrange: c.arrange}, facebook)
			for _, surface := range []string{lux, addnox, withnox} {
				if me := w.mustCall(t, http.MethodGet, surface+"/user/me", "parent", ""); me["register_type"] != c.rest {
					t.Errorf("%s shows %v, want %s", surface, me["register_type"], c.rest)
				}
				if changed := w.mustCall(t, http.MethodPatch, surface+"/user/root-user", "parent", `{"first_name": "x"}`); changed["register_type"] != c.rest {
					t.Errorf("%s shows %v after a change, want %s", surface, changed["register_type"], c.rest)
				}
			}
			var data struct{ Me struct{ RegisterType string } }
			w.Data(t, w.vars["parent"], `{ me { registerType } }`, nil, &data)
			if data.Me.RegisterType != c.gql {
				t.Errorf("GraphQL shows %s, want %s", data.Me.RegisterType, c.gql)
			}
		})
	}
}
