package contract_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/rest"
)

// TestBadInput takes the valid request of each case file, in the state that its first
// case prepares, and changes it one way at a time. An error must be one that the
// OpenAPI document lists for the route, and no row may have changed.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, folder := range folders() {
		for _, f := range readFiles(t, folder) {
			for _, v := range variants(folder) {
				t.Run(v.name+" "+f.method+" "+f.route, func(t *testing.T) {
					t.Parallel()
					(&run{T: t, file: f, variant: v, values: map[string]string{}}).badInput()
				})
			}
		}
	}
}

func (r *run) badInput() {
	valid := r.first()
	all, err := documented()
	if err != nil {
		r.Fatal(err)
	}
	template := all.template(valid)
	bad := badRequests{
		T: r.T, valid: valid, template: template, operation: all.doc.Paths.Find(template).GetOperation(valid.method),
		others: r.others(),
	}
	bad.addTokens(r.badTokens())
	bad.addParameters()
	bad.addBodies()
	// Those that must change nothing come first, while the rows are as they were.
	slices.SortStableFunc(bad.all, func(a, b badRequest) int { return int(a.want) - int(b.want) })
	before := r.server().Dump(r.T)
	for _, one := range bad.all {
		before = r.try(one, before)
	}
}

// first prepares the state for the first request of the file, and gives that request.
func (r *run) first() request {
	for _, b := range r.file.cases[0].blocks {
		if b.kind == "request" {
			return r.prepare(b.text)
		}
		r.commands(b.text)
	}
	r.Fatal("the first case sends no request")
	return request{}
}

// try sends a bad request and gives the rows as they are afterwards.
func (r *run) try(one badRequest, before map[string][]string) map[string][]string {
	response := one.serve(r.server())
	if response.Status >= http.StatusInternalServerError {
		r.Errorf("%s: %d %s", one.name, response.Status, response.Body)
	}
	checkSchema(r.T, one.request, response)
	after := r.server().Dump(r.T)
	changed := cmp.Diff(before, after)
	success := response.Status < http.StatusBadRequest
	switch {
	case !success && changed != "":
		r.Errorf("%s: %d %s, and yet rows have changed:\n%s", one.name, response.Status, response.Body, changed)
	case success && one.want == refused:
		r.Errorf("%s: %d %s, want an error", one.name, response.Status, response.Body)
	case success && one.want == harmless && changed != "":
		r.Errorf("%s: %d %s, and rows have changed:\n%s", one.name, response.Status, response.Body, changed)
	}
	return after
}

// others creates another account with a child and a device, and gives their ids by
// the names of the fields.
func (r *run) others() map[string]any {
	r.parents, r.birthdate = r.parents+100, "19970101"
	r.parent("stranger")
	r.catalogue("SL99999999,00:80:E1:99:99:99,strangers")
	r.child("strangers SL99999999 9999 strangers as stranger")
	child, device := json.Number(r.values["strangers.real_user_id"]), json.Number(r.values["strangers.device_id"])
	return map[string]any{
		"real_user_id": child, "id": child, "device_id": device, "user_id": json.Number(r.values["stranger.id"]),
		"unique_id": "strangers", "serial_code": "SL99999999", "mac_id": "9999",
	}
}

// badTokens are tokens that must be refused.
func (r *run) badTokens() map[string]string {
	r.parent("ghost")
	r.onLUX("gone as ghost: DELETE /user/root-user")
	r.forge("nobody access 999999")
	signed := r.values["stranger.access_token"]
	half := len(signed) / 2 // amid the claims
	now := r.server().Clock.Now()
	old, err := token.DevelopmentKeys().Sign(token.Claims{
		Use: token.Access, RootUserID: 1, SessionID: 1, IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-token.Skew),
	})
	if err != nil {
		r.Fatal(err)
	}
	return map[string]string{
		"no token": "", "no token at all": "x", "a forged token": signed[:half] + signed[half+1:], "an expired token": old,
		"a refresh token": r.values["stranger.refresh_token"], "the token of a deleted account": r.values["ghost.access_token"],
		"the token of an unknown account": r.values["nobody.access_token"], "a token of 10,000 characters": strings.Repeat("a", 10_000),
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	before := s.Dump(t)
	methods := []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW",
	}
	for _, surface := range rest.Surfaces() {
		allowed := map[string][]string{}
		for _, route := range surface.Routes {
			allowed[route.Path] = append(allowed[route.Path], route.Method)
		}
		for path, served := range allowed {
			target := surface.Prefix + parameters.Replace(path)
			for _, method := range methods {
				if slices.Contains(served, method) {
					continue
				}
				response := request{method: method, target: target}.serve(s)
				isRefused := response.Status == http.StatusMethodNotAllowed && hasText(response, "Method Not Allowed")
				if method == http.MethodOptions {
					isRefused = response.Status == http.StatusNoContent && len(response.Body) == 0
				}
				if !isRefused {
					t.Errorf("%s %s: %d %s", method, target, response.Status, response.Body)
				}
				if diff := cmp.Diff(allowedBeside(served), strings.Split(response.Header.Get("Allow"), ", ")); diff != "" {
					t.Errorf("%s %s: Allow:\n%s", method, target, diff)
				}
			}
		}
		for _, below := range append(surface.Below, "/nothing", "/user/nothing", "/auth/%00", "/device/%ff") {
			for _, method := range methods {
				response := request{method: method, target: surface.Prefix + below}.serve(s)
				if response.Status != http.StatusNotFound || !hasText(response, "Resource not found") {
					t.Errorf("%s %s%s: %d %s", method, surface.Prefix, below, response.Status, response.Body)
				}
			}
		}
	}
	if diff := cmp.Diff(before, s.Dump(t)); diff != "" {
		t.Error(diff)
	}
}

// allowedBeside are the methods of a path that has these routes.
func allowedBeside(served []string) []string {
	all := append(slices.Clone(served), http.MethodOptions)
	if slices.Contains(served, http.MethodGet) {
		all = append(all, http.MethodHead)
	}
	slices.Sort(all)
	return all
}

// TestHeadIsAnsweredAsGet holds that a HEAD has the status and the headers of the GET.
func TestHeadIsAnsweredAsGet(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for _, surface := range rest.Surfaces() {
		for _, route := range surface.Routes {
			if route.Method != http.MethodGet {
				continue
			}
			target := surface.Prefix + parameters.Replace(route.Path)
			get, head := s.Call(t, http.MethodGet, target, token, ""), s.Call(t, http.MethodHead, target, token, "")
			if head.Status != get.Status || len(head.Body) > 0 || head.Header.Get("Content-Type") != "application/json" {
				t.Errorf("HEAD %s: %d %q %v, GET is %d", target, head.Status, head.Body, head.Header, get.Status)
			}
		}
	}
}

var parameters = strings.NewReplacer("{id}", "1", "{email}", "a@b.example", "{provider}", "kakao", "{registration_id}", "phone")

// hasText reports whether an error has the text, in either surface's form.
func hasText(response apptest.Response, text string) bool {
	var failure struct{ Detail, Message string }
	return json.Unmarshal(response.Body, &failure) == nil && failure.Detail+failure.Message == text
}
