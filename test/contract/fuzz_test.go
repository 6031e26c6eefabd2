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

// edge is a running program with a family, of which a fuzz target calls some of
// the routes.
type edge struct {
	*apptest.Server
	token  string
	routes []calling
	rows   map[string][]string
}

// calling is a route of the document, with its parameters filled in.
type calling struct{ method, target string }

func newEdge(f *testing.F, prefix string, has func(*openapi3.Operation) bool) *edge {
	f.Helper()
	all, err := documented()
	if err != nil {
		f.Fatal(err)
	}
	e := &edge{Server: apptest.Start(f)}
	for path, item := range all.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if strings.HasPrefix(path, prefix) && has(operation) {
				e.routes = append(e.routes, calling{method, parameters.Replace(path)})
			}
		}
	}
	slices.SortFunc(e.routes, func(a, b calling) int {
		return strings.Compare(a.target+a.method, b.target+b.method)
	})
	e.family(f)
	e.rows = e.Dump(f)
	return e
}

// family is a parent with a child that has a device, and a device to be had.
func (e *edge) family(f *testing.F) {
	f.Helper()
	e.token, _ = e.Parent(f)
	e.AddDevices(f, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:4C:84")
	made := e.Call(f, http.MethodPost, apptest.LUX+"/user/create-real-user", e.token, `{"first_name": "test", "last_name": "",
		"birthdate": "19970101", "gender": "F", "serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "unique"}`)
	if made.Status != http.StatusOK {
		f.Fatalf("%d %s", made.Status, made.Body)
	}
}

// seed adds the first request of each case file, for the route it is of.
func (e *edge) seed(f *testing.F, part func(request) []byte, folders ...string) {
	f.Helper()
	for _, folder := range folders {
		paths := readFiles(f, folder)
		for _, file := range paths {
			at := slices.Index(e.routes, calling{file.method, parameters.Replace(file.route)})
			if at >= 0 {
				f.Add(uint8(at), part(readRequest(f, repair(file.first()))))
			}
		}
	}
}

// try sends a request and holds the answer to the document: no fault of the
// server, and nothing changed where there is an error.
func (e *edge) try(t *testing.T, route uint8, query string, body []byte) {
	t.Helper()
	to := e.routes[int(route)%len(e.routes)]
	r := httptest.NewRequest(to.method, to.target, bytes.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+e.token)
	w := httptest.NewRecorder()
	e.App.Handler().ServeHTTP(w, r)
	answer := apptest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	fitsSchema(t, request{method: to.method, target: to.target}, answer)
	if answer.Status >= http.StatusInternalServerError {
		t.Errorf("%s %s: %d %s", to.method, to.target, answer.Status, answer.Body)
	}
	rows := e.Dump(t)
	if diff := cmp.Diff(e.rows, rows); diff != "" && answer.Status >= http.StatusBadRequest {
		t.Errorf("%s %s: %d %s, and yet rows have changed:\n%s", to.method, to.target, answer.Status, answer.Body, diff)
	}
	e.rows = rows
}

func hasBody(o *openapi3.Operation) bool { return o.RequestBody != nil }

func hasQuery(o *openapi3.Operation) bool {
	return slices.ContainsFunc(o.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" })
}

func body(r request) []byte { return r.body }

func FuzzLUXBody(f *testing.F) {
	e := newEdge(f, "/api/v1/lux/", hasBody)
	e.seed(f, body, "lux", "auth")
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { e.try(t, route, "", body) })
}

func FuzzSNUTTBody(f *testing.F) {
	e := newEdge(f, "/v1/", hasBody)
	for i, route := range e.routes {
		e.routes[i].target = strings.TrimPrefix(route.target, "/v1")
	}
	e.seed(f, body, "snutt")
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { e.try(t, route, "", body) })
}

func FuzzQuery(f *testing.F) {
	e := newEdge(f, "/api/v1/lux/", hasQuery)
	e.seed(f, func(r request) []byte {
		_, query, _ := strings.Cut(r.target, "?")
		return []byte(query)
	}, "lux")
	f.Fuzz(func(t *testing.T, route uint8, query []byte) { e.try(t, route, string(query), nil) })
}

func FuzzDevlogUpload(f *testing.F) {
	e := newEdge(f, "/api/v1/lux/device/devlog", hasBody)
	e.seed(f, body, "lux")
	f.Add(uint8(0), []byte(`{"log_arrays": [{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
		{"treatment_date": "2025-02-21T15:48:49", "finish_flag": 2, "last_intensity": 2, "treatment_time": 255555}, "log_file_id": 7},
		{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
		{"treatment_date": "2025-02-22T15:48:49", "finish_flag": null, "last_intensity": 0, "treatment_time": 0}}]}`))
	f.Fuzz(func(t *testing.T, route uint8, body []byte) { e.try(t, route, "", body) })
}
