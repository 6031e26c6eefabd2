package contract_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/operations"
	"luxbff/server/openapi"
)

// servedCollection is the collection as the program serves it, with its bytes.
func servedCollection(t *testing.T, s *apptest.Server) (c openapi.Collection, served []byte) {
	t.Helper()
	response := s.Call(t, http.MethodGet, "/docs/collection.json", "", "")
	if response.Status != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", response.Status, response.Header)
	}
	if err := json.Unmarshal(response.Body, &c); err != nil {
		t.Fatal(err)
	}
	return c, response.Body
}

// TestCollectionHasEveryRoute holds that the collection and the OpenAPI document describe
// the same routes, that the sample operations stand before them, and that two programs
// give the same collection.
func TestCollectionHasEveryRoute(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	collection, served := servedCollection(t, s)
	if _, again := servedCollection(t, apptest.Start(t)); !bytes.Equal(served, again) {
		t.Error("another program gives another collection")
	}
	var described, collected []string
	for path, item := range servedDocument(t, s).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+strings.NewReplacer("{", ":", "}", "").Replace(path))
		}
	}
	for _, folder := range collection.Item[1:] {
		for _, item := range folder.Item {
			collected = append(collected, item.Request.Method+" /"+strings.Join(item.Request.URL.Path, "/"))
		}
	}
	slices.Sort(described)
	slices.Sort(collected)
	if diff := cmp.Diff(described, collected); diff != "" {
		t.Errorf("described (-), collected (+):\n%s", diff)
	}
	samples := collection.Item[0].Item[1:]
	if samples[0].Request.Body.GraphQL.Query != operations.All()[0].Document {
		t.Errorf("the collection begins with %+v", samples[0])
	}
}

// TestCollectedOperationsRunAsTheyAre sends each GraphQL request of the collection: it may be
// refused for what its examples say, and not for its document.
func TestCollectedOperationsRunAsTheyAre(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	collection, _ := servedCollection(t, s)
	token, _ := s.Parent(t)
	var names []string
	for _, item := range collection.Item[0].Item {
		names = append(names, item.Name)
		variables := map[string]any{}
		if sent := item.Request.Body.GraphQL.Variables; sent != "" {
			if err := json.Unmarshal([]byte(sent), &variables); err != nil {
				t.Fatalf("%s: %v", item.Name, err)
			}
		}
		query := item.Request.Body.GraphQL.Query
		if strings.Contains(query, "\nsubscription ") {
			continue // a client opens a socket for it
		}
		answer := s.GraphQL(t, token, query, variables)
		if code := answer.Code(); code == "GRAPHQL_VALIDATION_FAILED" || code == "GRAPHQL_PARSE_FAILED" {
			t.Errorf("%s: %+v", item.Name, answer.Errors)
		}
	}
	want := []string{"sign-in", "home", "upload", "subscription", "sign-up, SendCode", "sign-up, VerifyCode", "sign-up, SignUp", "history", "changes"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the operations (-want +got):\n%s", diff)
	}
}

// TestFirstCollectedRequestSignsIn sends what the collection begins with to a server with its
// demo family: the script that follows finds the token where it looks for it.
func TestFirstCollectedRequestSignsIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	if err := s.App.LoadDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	collection, _ := servedCollection(t, s)
	first := collection.Item[0].Item[0]
	var variables map[string]any
	if err := json.Unmarshal([]byte(first.Request.Body.GraphQL.Variables), &variables); err != nil {
		t.Fatal(err)
	}
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.Data(t, "", first.Request.Body.GraphQL.Query, variables, &data)
	keeps := first.Event[0].Script.Exec[0]
	if data.SignIn.Tokens.AccessToken == "" || !strings.Contains(keeps, "'accessToken', pm.response.json().data.signIn.tokens.accessToken") {
		t.Errorf("%+v is kept by %s", data, keeps)
	}
}

// TestCollectedRequestsReachTheirRoutes sends each request of the collection as it is
// imported, with the token of a parent. Its values are examples, so it may be refused for
// what they say, and never for how it is made.
func TestCollectedRequestsReachTheirRoutes(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	collection, _ := servedCollection(t, s)
	for _, folder := range collection.Item[1:] {
		for _, item := range folder.Item {
			token, _ := s.Parent(t) // some of the requests end the session
			checkCollected(t, s, item, token)
		}
	}
}

func checkCollected(t *testing.T, s *apptest.Server, item openapi.CollectionItem, token string) {
	t.Helper()
	sent := item.Request
	address := strings.Replace(sent.URL.Raw, "{{origin}}", s.URL, 1)
	for _, parameter := range sent.URL.Variable {
		if parameter.Value == "" {
			t.Errorf("%s: the parameter %s has no value", sent.URL.Raw, parameter.Key)
		}
		address = strings.Replace(address, ":"+parameter.Key, parameter.Value, 1)
	}
	var body string
	if sent.Body != nil {
		body = sent.Body.Raw
	}
	request, err := http.NewRequestWithContext(t.Context(), sent.Method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range sent.Header {
		isKey := header.Key == "Idempotency-Key"
		if isKey != header.Disabled || isKey && (header.Value != "{{$guid}}" || sent.Method == http.MethodGet) {
			t.Errorf("%s has the header %+v", item.Name, header)
		}
		if header.Disabled {
			continue
		}
		request.Header.Set(header.Key, header.Value)
	}
	if sent.Auth == nil {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer := s.Do(t, request)
	refused := []int{http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType}
	isUnauthorized := slices.Contains(refused, answer.Status) && sent.Auth == nil
	if isUnauthorized || answer.Status >= http.StatusInternalServerError || answer.Header.Get("Link") == "" {
		t.Errorf("%s %s with %s is answered %d %v %s", sent.Method, address, body, answer.Status, answer.Header, answer.Body)
	}
}
