package contract_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

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
