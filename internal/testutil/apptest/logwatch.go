package apptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"luxbff/server/rest"
)

// logWatch collects what went over the wire, to look for it in the log.
type logWatch struct {
	mu sync.Mutex
	// values are what was sent and answered, each with where it stood.
	values map[string]string
}

// leastValue is how many bytes a value must have to be looked for: a shorter one, such as
// M or KR, is part of ordinary words.
const leastValue = 4

// WatchLog has the log searched, when the test ends, for every value that the requests of
// [Server.Do] and their answers held: names, addresses, numbers, codes, tokens, passwords.
// The values are those of the requests and answers themselves, so that no field is
// forgotten.
func (s *Server) WatchLog(t testing.TB) {
	t.Helper()
	s.watch = &logWatch{values: map[string]string{}}
	t.Cleanup(func() { s.watch.check(t, s) })
}

// request collects the values of a request: of its path, its query, its headers that hold
// tokens, and its body.
func (w *logWatch) request(r *http.Request) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for segment := range strings.SplitSeq(r.URL.Path, "/") {
		// The words of a route are no values. What looks like none is one.
		if strings.ContainsAny(segment, "@+0123456789") && !isVersion(segment) {
			w.add(segment, "the path")
		}
	}
	for name, values := range r.URL.Query() {
		if name == "query" {
			w.document(values[0])
			continue
		}
		w.add(strings.Join(values, ""), "the query's "+name)
	}
	for _, name := range []string{"Authorization", "X-Access-Token", "X-Access-Apikey"} {
		w.add(strings.TrimPrefix(r.Header.Get(name), "Bearer "), "the header "+name)
	}
	if r.GetBody == nil {
		return
	}
	copied, err := r.GetBody()
	if err != nil {
		return
	}
	body, _ := io.ReadAll(copied)
	w.body(body, "the request")
}

// body collects the values of a body: JSON, a form, or whatever stands in quotes.
func (w *logWatch) body(body []byte, of string) {
	var decoded any
	if decoder := json.NewDecoder(bytes.NewReader(body)); decoder.Decode(&decoded) == nil {
		w.json(decoded, "", of)
		return
	}
	if form, err := url.ParseQuery(string(body)); err == nil && !bytes.ContainsAny(body, "{\"") {
		for name, values := range form {
			w.add(strings.Join(values, ""), of+"'s "+name)
		}
		return
	}
	for _, text := range quotedText.FindAllStringSubmatch(string(body), -1) {
		w.add(text[1], of)
	}
}

var (
	quotedText = regexp.MustCompile(`"([^"\\]*)"[^:]`)
	// literal is a string in a GraphQL document.
	literal = regexp.MustCompile(`\w+:\s*"([^"\\]*)"`)
)

func (w *logWatch) document(text string) {
	for _, found := range literal.FindAllStringSubmatch(text, -1) {
		w.add(found[1], "the document")
	}
}

func (w *logWatch) json(value any, key, of string) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			w.json(member, key, of)
		}
	case []any:
		for _, element := range value {
			w.json(element, key, of)
		}
	case string:
		if key == "query" {
			w.document(value)
			return
		}
		w.add(value, of+"'s "+key)
	}
}

// answer collects the values of an answer. What it says of an error is the program's own.
func (w *logWatch) answer(body []byte) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var decoded any
	if json.Unmarshal(body, &decoded) != nil {
		return
	}
	if object, isObject := decoded.(map[string]any); isObject {
		for _, own := range []string{"detail", "message", "errors"} {
			delete(object, own)
		}
	}
	w.json(decoded, "", "the answer")
}

func (w *logWatch) add(value, from string) {
	switch value {
	case "true", "false", "facebook": // words of the program, which its own texts have
		return
	}
	if len(strings.TrimSpace(value)) >= leastValue {
		w.values[value] = from
	}
}

func isVersion(segment string) bool { return segment == "v1" }

// check reads the log as JSON, because the ids and times that stand in each line may hold
// any digits by chance.
func (w *logWatch) check(t testing.TB, s *Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	routes := routePatterns()
	for line := range strings.Lines(s.Log.String()) {
		var attributes map[string]any
		if err := json.Unmarshal([]byte(line), &attributes); err != nil {
			t.Errorf("a line of the log is no JSON: %s", line)
			continue
		}
		for name, attribute := range attributes {
			text, isText := attribute.(string)
			switch {
			case name == "time", name == "request_id", name == "trace_id", !isText:
				continue
			case name == "msg", name == "level", name == "code", name == "detail", name == "method", name == "channel":
				if !ownWords.MatchString(text) {
					t.Errorf("the log has a %s that is not the program's: %s", name, line)
				}
				continue
			case name == "route":
				_, path, hasMethod := strings.Cut(text, " ")
				if routes[text] || hasMethod && routes[path] {
					continue
				}
			}
			for value, from := range w.values {
				if strings.Contains(text, value) {
					t.Errorf("the log holds %q, which was in %s, as %s: %s", value, from, name, line)
				}
			}
		}
	}
}

// ownWords are what the program says itself.
var ownWords = regexp.MustCompile(`^[A-Za-z0-9 _:;,.'-]*$`)

// routePatterns are the patterns of all routes, with {name} for a parameter. They are those
// of the program, the same for each server.
var routePatterns = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{"": true}
	for _, path := range []string{"/", "/{$}", "/graphql", "/graphiql/", "/openapi.json", "/schema.graphql", "/docs", "/docs/", "/docs/rest", "/docs/rest.css", "/docs/api", "/docs/api/", "/docs/collection.json", "/reset-password", "/healthz", "/readyz", "/metrics", "/dev/outbox", "/.well-known/jwks.json"} {
		known[path] = true
	}
	for _, path := range rest.Describe(rest.Surfaces()).Paths {
		known[path.Name] = true
	}
	return known
})
