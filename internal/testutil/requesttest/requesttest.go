// Package requesttest makes random requests, good ones and bad ones, for every route of
// the OpenAPI document and every field of the GraphQL schema, as the program shows both.
// It is for tests alone.
package requesttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// Marker stands in every place that a client fills. It is no word of the program.
const Marker = "S3cretMarker"

// Generator makes requests. Equal seeds give equal requests.
type Generator struct {
	// Tokens are those of the accounts that ask. Some requests have none, or a bad one.
	Tokens []string

	random *rand.Rand
	routes []route
	schema schema
}

// route is a method and a path with the names of its parameters and members.
type route struct {
	method, path string
	query, body  []string
}

// New reads the routes and the schema of a program.
func New(t testing.TB, s *apptest.Server, seed uint64) *Generator {
	t.Helper()
	return &Generator{
		random: rand.New(rand.NewPCG(seed, seed)),
		routes: readRoutes(t, s), schema: readSchema(t, s),
	}
}

func readRoutes(t testing.TB, s *apptest.Server) []route {
	t.Helper()
	type operation struct {
		Parameters  []struct{ Name, In string }
		RequestBody struct {
			Content map[string]struct {
				Schema struct {
					Ref        string `json:"$ref"`
					Properties map[string]any
				}
			}
		}
	}
	var document struct {
		Paths      map[string]map[string]operation
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(s.Call(t, http.MethodGet, "/openapi.json", "", "").Body, &document); err != nil {
		t.Fatal(err)
	}
	routes := []route{
		{method: "GET", path: "/healthz"},
		{method: "GET", path: "/readyz"},
		{method: "GET", path: "/docs"},
		{method: "GET", path: "/docs/rest"},
		{method: "GET", path: "/"},
		{method: "GET", path: "/.well-known/jwks.json"},
		{method: "GET", path: "/nowhere"},
		{method: "GET", path: "/reset-password", query: []string{"token"}},
		{method: "POST", path: "/reset-password", query: []string{"token"}, body: []string{"token", "password"}},
		{method: "GET", path: "/graphql", query: []string{"query", "variables", "operationName", "extensions"}},
	}
	for path, operations := range document.Paths {
		for method, described := range operations {
			r := route{method: strings.ToUpper(method), path: path}
			for _, p := range described.Parameters {
				if p.In == "query" {
					r.query = append(r.query, p.Name)
				}
			}
			for _, content := range described.RequestBody.Content {
				properties := content.Schema.Properties
				if _, name, isRef := strings.Cut(content.Schema.Ref, "schemas/"); isRef {
					properties = document.Components.Schemas[name].Properties
				}
				for name := range properties {
					r.body = append(r.body, name)
				}
			}
			slices.Sort(r.body)
			r.body = slices.Compact(r.body)
			routes = append(routes, r)
		}
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return routes
}

// Request makes one request, of which half are GraphQL.
func (g *Generator) Request() *http.Request {
	if g.chance(50) {
		return g.graphQL()
	}
	return g.rest()
}

func (g *Generator) rest() *http.Request {
	to := pick(g, g.routes)
	path := to.path
	for {
		begin, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		if begin < 0 {
			break
		}
		path = path[:begin] + url.PathEscape(g.text(path[begin+1:end])) + path[end+1:]
	}
	query := url.Values{}
	for _, name := range to.query {
		if g.chance(85) {
			query.Set(name, g.text(name))
		}
	}
	if g.chance(5) {
		query.Set(Marker, Marker)
	}
	method := to.method
	if g.chance(3) {
		method = pick(g, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", Marker})
	}
	target := path + "?" + query.Encode()
	if g.chance(3) {
		target = path + "?" + Marker + "%zz;" + Marker + "=%"
	}
	if g.chance(2) {
		target = "/" + Marker + path
	}
	kind, body := g.restBody(to.body)
	return g.finish(method, target, kind, body)
}

func (g *Generator) restBody(names []string) (kind string, body []byte) {
	members, form := map[string]any{}, url.Values{}
	for _, name := range names {
		if g.chance(90) {
			members[name] = g.value(name)
			form.Set(name, g.text(name))
		}
	}
	if g.chance(5) {
		members[Marker] = Marker
	}
	if g.chance(15) {
		return "application/x-www-form-urlencoded", g.mutate([]byte(form.Encode()))
	}
	encoded, err := json.Marshal(members)
	if err != nil {
		encoded = []byte(`"` + Marker)
	}
	return "application/json", g.mutate(encoded)
}

// finish adds the headers.
func (g *Generator) finish(method, target, kind string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Method = method
	if parsed, err := url.ParseRequestURI(target); err == nil {
		r.URL, r.RequestURI = parsed, target
	}
	r.Header.Set("Content-Type", kind)
	switch {
	case g.chance(70) && len(g.Tokens) > 0:
		r.Header.Set("Authorization", "Bearer "+pick(g, g.Tokens))
	case g.chance(30):
		r.Header.Set(pick(g, []string{"Authorization", "X-Access-Token"}), pick(g, []string{"Bearer " + Marker, Marker, "Bearer a.b.c", "Basic x"}))
	}
	if g.chance(10) {
		name := pick(g, []string{
			"User-Agent", "Accept", "Content-Type", "Content-Encoding", "Traceparent", "Tracestate", "X-Forwarded-For",
			"X-Request-Id", "Origin", "Cookie", "Apollo-Require-Preflight", "Baggage", "Accept-Language", Marker,
		})
		r.Header.Set(name, pick(g, []string{Marker, "multipart/form-data; boundary=" + Marker, "gzip", "text/" + Marker, "a=" + Marker}))
	}
	if g.chance(5) {
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.Header.Set("Tracestate", "vendor="+Marker)
	}
	return r
}

// mutate leaves most texts as they are, and breaks some.
func (g *Generator) mutate(text []byte) []byte {
	if len(text) == 0 || g.chance(75) {
		return text
	}
	at := g.random.IntN(len(text))
	switch g.random.IntN(4) {
	case 0:
		return text[:at]
	case 1:
		return slices.Insert(slices.Clone(text), at, []byte(Marker)...)
	case 2:
		changed := slices.Clone(text)
		changed[at] ^= 1 << g.random.IntN(8)
		return changed
	default:
		return slices.Concat(text[:at], text[min(len(text), at+1+g.random.IntN(8)):])
	}
}

// value is a member of a body.
func (g *Generator) value(name string) any {
	switch g.random.IntN(12) {
	case 0:
		return pick(g, []any{nil, true, -1, 0, 1e300, 1 << 40, 3.5, []any{}, map[string]any{}, []any{Marker}, map[string]any{Marker: Marker}})
	case 1:
		return g.random.IntN(3)
	case 2:
		return []any{map[string]any{"status": 1, "log_file_id": g.random.IntN(9), Marker: Marker}}
	}
	return g.text(name)
}

// text is a value for a parameter, mostly one that its name asks for.
func (g *Generator) text(name string) string {
	if g.chance(25) {
		return pick(g, []string{
			"", Marker, Marker + "@example.com", "+8210" + Marker, "1", "-1", "0", "99999999999999999999", "1e9", "true", "null",
			strings.Repeat(Marker, 200), "a\x00b", "\xff\xfe", "😀", "'; DROP TABLE users; --", "2024-02-30", "%00", "../..", "{}",
		})
	}
	name = strings.ToLower(name)
	for _, known := range []struct {
		part string
		some []string
	}{
		{"mail", []string{"parent1@example.com", "new@example.com", Marker + "@lux.example"}},
		{"username", []string{"parent1@example.com", Marker}},
		{"phone", []string{"+821010000001", "+821099999999"}},
		{"password", []string{"secret123", "abcd1234", Marker + "1"}},
		{"birth", []string{"19970101", "1997-01-01"}},
		{"gender", []string{"M", "F", "MALE"}},
		{"serial", []string{"SL00000000", "SL00000001", "SL99999999"}},
		{"mac", []string{"0000", "0001", "00:80:E1:27:00:00"}},
		{"unique", []string{"unique0", "unique1", Marker}},
		{"token", []string{strings.Repeat("t", 40), Marker}},
		{"registration", []string{strings.Repeat("r", 40), Marker}},
		{"provider", []string{"kakao", "facebook", "email"}},
		{"date", []string{"2025-02-21T15:48:49", "20250221", "2025-02-21T06:48:49.000Z"}},
		{"query", []string{"{ me { id } }", "query { childUsers { id } }", "{ " + Marker}},
		{"id", []string{"1", "2", "3", "99"}},
		{"name", []string{"james", Marker}},
		{"agree", []string{"true", "false"}},
		{"num", []string{"123456", "000000"}},
		{"code", []string{"123456", "KR"}},
	} {
		if strings.Contains(name, known.part) {
			return pick(g, known.some)
		}
	}
	return pick(g, []string{"1", "true", "text", Marker})
}

func (g *Generator) chance(percent int) bool { return g.random.IntN(100) < percent }

func pick[T any](g *Generator, from []T) T { return from[g.random.IntN(len(from))] }

// Frame makes a frame of a socket of either protocol.
func (g *Generator) Frame() []byte {
	payload, err := json.Marshal(g.operation("Generated"))
	if err != nil {
		payload = []byte(`"` + Marker)
	}
	if g.chance(10) {
		payload = pick(g, [][]byte{[]byte(`"` + Marker + `"`), []byte("null"), []byte("[]"), []byte("{}")})
	}
	kind := pick(g, []string{"subscribe", "subscribe", "subscribe", "start", "complete", "stop", "ping", "pong", "ack", "connection_init", Marker})
	return g.mutate(fmt.Appendf(nil, `{"id":"%s%d","type":%q,"payload":%s}`, Marker, g.random.IntN(4), kind, payload))
}

// nameOfViewer is the name of an operation in a line about somebody who is signed in, which
// the log repeats.
var nameOfViewer = regexp.MustCompile(`"operation":"[^"]*"(.*"user_id":)`)

// Leak gives the first line of a log that holds the marker, empty if none does.
func Leak(log string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(strings.ToLower(nameOfViewer.ReplaceAllString(line, "$1")), strings.ToLower(Marker)) {
			return line
		}
	}
	return ""
}
