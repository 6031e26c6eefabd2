package contract_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
)

// fuzzServer is a running program with a family, and the routes that a fuzz target
// calls.
type fuzzServer struct {
	*apptest.Server
	token  string
	routes []target
	rows   map[string][]string
}

// target is a route of the OpenAPI document with its parameters filled in.
type target struct{ method, path string }

func newFuzzServer(f *testing.F, prefix string, has func(*openapi3.Operation) bool) *fuzzServer {
	f.Helper()
	all, err := documented()
	if err != nil {
		f.Fatal(err)
	}
	s := &fuzzServer{Server: apptest.Start(f)}
	for path, item := range all.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if strings.HasPrefix(path, prefix) && has(operation) {
				s.routes = append(s.routes, target{method, parameters.Replace(path)})
			}
		}
	}
	slices.SortFunc(s.routes, func(a, b target) int {
		return strings.Compare(a.path+a.method, b.path+b.method)
	})
	s.family(f)
	s.rows = s.Dump(f)
	return s
}

// family signs up a parent, creates a child that has a device, and adds a device that
// is free.
func (s *fuzzServer) family(f *testing.F) {
	f.Helper()
	s.token, _ = s.Parent(f)
	s.AddDevices(f, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:4C:84")
	made := s.Call(f, http.MethodPost, apptest.LUX+"/user/create-real-user", s.token, `{"first_name": "test", "last_name": "",
		"birthdate": "19970101", "gender": "F", "serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "unique"}`)
	if made.Status != http.StatusOK {
		f.Fatalf("%d %s", made.Status, made.Body)
	}
}

// seed adds the first request of each case file to the corpus of its route.
func (s *fuzzServer) seed(f *testing.F, part func(request) []byte, folders ...string) {
	f.Helper()
	for _, folder := range folders {
		paths := readFiles(f, folder)
		for _, file := range paths {
			at := slices.Index(s.routes, target{file.method, parameters.Replace(file.route)})
			if at >= 0 {
				f.Add(uint8(at), part(readRequest(f, repair(file.first()))))
			}
		}
	}
}

// try sends a request and checks the response: it must be documented and no internal
// error, and an error must have changed no row.
func (s *fuzzServer) try(t *testing.T, route uint8, query string, body []byte) {
	t.Helper()
	to := s.routes[int(route)%len(s.routes)]
	r := httptest.NewRequest(to.method, to.path, bytes.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, r)
	response := apptest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	checkSchema(t, request{method: to.method, target: to.path}, response)
	if response.Status >= http.StatusInternalServerError {
		t.Errorf("%s %s: %d %s", to.method, to.path, response.Status, response.Body)
	}
	rows := s.Dump(t)
	if diff := cmp.Diff(s.rows, rows); diff != "" && response.Status >= http.StatusBadRequest {
		t.Errorf("%s %s: %d %s, and yet rows have changed:\n%s", to.method, to.path, response.Status, response.Body, diff)
	}
	s.rows = rows
}

func hasBody(o *openapi3.Operation) bool { return o.RequestBody != nil }

func hasQuery(o *openapi3.Operation) bool {
	return slices.ContainsFunc(o.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" })
}

func body(r request) []byte { return r.body }

func FuzzLUXBody(f *testing.F) {
	s := newFuzzServer(f, "/api/v1/lux/", hasBody)
	s.seed(f, body, "lux", "auth")
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { s.try(t, route, "", body) })
}

func FuzzSNUTTBody(f *testing.F) {
	s := newFuzzServer(f, "/v1/", hasBody)
	for i, route := range s.routes {
		s.routes[i].path = strings.TrimPrefix(route.path, "/v1")
	}
	s.seed(f, body, "snutt")
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { s.try(t, route, "", body) })
}

func FuzzQuery(f *testing.F) {
	s := newFuzzServer(f, "/api/v1/lux/", hasQuery)
	s.seed(f, func(r request) []byte {
		_, query, _ := strings.Cut(r.target, "?")
		return []byte(query)
	}, "lux")
	f.Fuzz(func(t *testing.T, route uint8, query []byte) { s.try(t, route, string(query), nil) })
}

func FuzzDevlogUpload(f *testing.F) {
	s := newFuzzServer(f, "/api/v1/lux/device/devlog", hasBody)
	s.seed(f, body, "lux")
	f.Add(uint8(0), []byte(`{"log_arrays": [{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
		{"treatment_date": "2025-02-21T15:48:49", "finish_flag": 2, "last_intensity": 2, "treatment_time": 255555}, "log_file_id": 7},
		{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
		{"treatment_date": "2025-02-22 15:48+0900", "finish_flag": null, "last_intensity": 0, "treatment_time": 0}}]}`))
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { s.try(t, route, "", body) })
}

// FuzzBareDevlogUpload uploads to Addnox, which takes a bare array of complete records,
// and log_arrays as LUX does.
func FuzzBareDevlogUpload(f *testing.F) {
	s := newFuzzServer(f, "/api/v1/addnox/device/devlog", hasBody)
	s.seed(f, body, "addnox")
	f.Add(uint8(0), []byte(`[{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "log_file_id": "7e0", "detail_data":
		{"treatment_date": "2025-02-21T15:48:49", "finish_flag": "2", "last_intensity": 2.0, "treatment_time": 25e4}}]`))
	f.Add(uint8(0), []byte(`{"log_arrays": [{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
		{"treatment_date": "2025-02-22T15:48:49", "finish_flag": "", "last_intensity": 0, "treatment_time": 0}}]}`))
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { s.try(t, route, "", body) })
}

// FuzzHeaders sends any header to what reads headers: the pages with an entity tag, the
// REST surfaces, and GraphQL by POST and GET. No header makes the server fail or
// changes an account.
func FuzzHeaders(f *testing.F) {
	s := newFuzzServer(f, "/api/v1/lux/", hasQuery)
	before := s.Dump(f)
	targets := []request{
		{method: http.MethodGet, target: "/openapi.json"},
		{method: http.MethodGet, target: "/graphiql/config.json"},
		{method: http.MethodGet, target: "/api/v1/lux/user/me"},
		{method: http.MethodGet, target: "/user/info"},
		{method: http.MethodPost, target: "/graphql", body: []byte(`{"query": "{ me { id } }"}`)},
		{method: http.MethodGet, target: "/graphql?query=%7B__typename%7D"},
		{method: http.MethodOptions, target: "/graphql"},
		{method: http.MethodPost, target: "/api/v1/lux/auth/email/signin", body: []byte(`{"username": "nobody@example.com", "password": "x"}`)},
	}
	for i, header := range []string{
		"If-None-Match: \"x\", W/\"y\"", "Accept-Encoding: gzip;q=0, *;q=1", "Accept: text/event-stream", "Accept: multipart/mixed;subscriptionSpec=1.0",
		"Authorization: Bearer x.y.z", "X-Access-Token: ..", "X-Forwarded-For: unknown", "Forwarded: for=\"[::1]\"", "Origin: null", "Content-Type: multipart/form-data; boundary=",
		"Content-Encoding: gzip", "X-Installation-Id: \x80", "Last-Event-Id: -1", "Range: bytes=0-", "Access-Control-Request-Method: PUT", "Traceparent: 00-0-0-00",
		"X-App-Version: 1", "Apollographql-Client-Name: x", "Host: a/b", "Upgrade: websocket", "Cookie: a=b", "X-Request-Id: \xff", "Transfer-Encoding: chunked",
	} {
		f.Add(uint8(i), header)
	}
	f.Fuzz(func(t *testing.T, at uint8, header string) {
		name, value, _ := strings.Cut(header, ": ")
		if strings.ContainsAny(name+value, "\r\n\x00") || name == "" {
			return // no request holds it
		}
		to := targets[int(at)%len(targets)]
		// A stream that is taken ends with its request.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, to.method, to.target, bytes.NewReader(to.body))
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Content-Type", "application/json")
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		w := httptest.NewRecorder()
		s.App.Handler().ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s with %q: %d %s", to.method, to.target, header, w.Code, w.Body)
		}
		if diff := cmp.Diff(before["users"], s.Rows(t, "users", apptest.Columns{Ignored: []string{"wrong_passwords", "blocked_until"}})); diff != "" {
			t.Errorf("%s %s with %q has changed rows:\n%s", to.method, to.target, header, diff)
		}
	})
}
