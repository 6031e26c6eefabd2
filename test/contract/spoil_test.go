package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// verdict is what a spoiled request may come to.
type verdict uint8

const (
	// refused: an error.
	refused verdict = iota
	// harmless: an error, or a success that changes nothing.
	harmless
	// free: whatever the route's page says.
	free
)

// spoiling is a valid request with one thing wrong.
type spoiling struct {
	name string
	want verdict
	sent request
}

// spoiler spoils the valid request of a route, one way at a time, by what the
// OpenAPI document says of its parameters.
type spoiler struct {
	*testing.T
	valid request
	// template is the path of the document, with {name} for parameters.
	template  string
	operation *openapi3.Operation
	// others are values of fields that belong to another account.
	others map[string]any
	all    []spoiling
}

func (s *spoiler) add(want verdict, name string, change func(*request)) {
	sent := s.valid
	sent.header = s.valid.header.Clone()
	change(&sent)
	s.all = append(s.all, spoiling{name, want, sent})
}

func (s *spoiler) withBody(want verdict, name, body string) {
	s.add(want, name, func(r *request) { r.body = []byte(body) })
}

// tokens spoils the token of a route that asks for one.
func (s *spoiler) tokens(bad map[string]string) {
	if s.operation.Security == nil || len(*s.operation.Security) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		s.add(refused, name, func(r *request) {
			r.header.Del("Authorization")
			r.header.Del("X-Access-Token")
			if bad[name] != "" {
				r.header.Set("Authorization", "Bearer "+bad[name])
			}
		})
	}
}

// bodies spoils the body as a whole and then each of its fields.
func (s *spoiler) bodies() {
	if s.operation.RequestBody == nil || len(s.valid.body) == 0 {
		return
	}
	body := s.operation.RequestBody.Value
	schema := body.Content["application/json"].Schema.Value
	nothing := free
	if len(schema.Required) > 0 {
		nothing = refused
	}
	text := string(s.valid.body)
	s.withBody(nothing, "an empty body", "")
	s.withBody(nothing, "an empty object", "{}")
	for name, body := range map[string]string{
		"half an object": text[:len(text)/2], "an array": "[" + text + "]", "null": "null", "a string": `"text"`,
		"two objects": text + text, "depth": strings.Repeat(`{"a":[`, 20_000), "no JSON": "first_name=test",
		"2 MB": `{"padding": "` + strings.Repeat("a", 2<<20) + `",` + strings.TrimPrefix(strings.TrimSpace(text), "{"),
	} {
		s.withBody(refused, name, body)
	}
	d := json.NewDecoder(bytes.NewReader(s.valid.body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		s.Fatalf("the body %s: %v", s.valid.body, err)
	}
	s.members("", schema, tree, func(v any) any { return v })
}

// gone stands for a member that is left out.
type gone struct{}

// members spoils every member of an object or array. whole puts a changed value
// back into its place in the body.
func (s *spoiler) members(path string, schema *openapi3.Schema, value any, whole func(any) any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member, known := schema.Properties[name]
			if !known {
				continue
			}
			into := func(changed any) any {
				spoiled := maps.Clone(v)
				if spoiled[name] = changed; changed == (gone{}) {
					delete(spoiled, name)
				}
				return whole(spoiled)
			}
			absent := free
			if slices.Contains(schema.Required, name) {
				absent = refused
			}
			s.value(absent, path+name+" is missing", into(gone{}))
			s.value(absent, path+name+" is null", into(nil))
			s.field(path+name, name, member.Value, v[name], into)
			s.members(path+name+".", member.Value, v[name], into)
		}
	case []any:
		first := func(changed any) any { return whole(append([]any{changed}, v[1:]...)) }
		s.value(refused, path+"0 is null", first(nil))
		s.value(refused, path+"0 is a number", first(7))
		s.members(path+"0.", schema.Items.Value, v[0], first)
	}
}

// marker is replaced in the JSON text by what no Go string can be marshalled to.
const marker = "<marker>"

func (s *spoiler) value(want verdict, name string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	s.withBody(want, name, string(raw))
}

func (s *spoiler) text(want verdict, name, text string, into func(any) any) {
	raw, err := json.Marshal(into("test" + marker))
	if err != nil {
		s.Fatal(err)
	}
	escaped, _ := json.Marshal(marker)
	s.withBody(want, name, strings.ReplaceAll(string(raw), strings.Trim(string(escaped), `"`), text))
}

// field spoils one member by its type.
func (s *spoiler) field(path, name string, schema *openapi3.Schema, value any, into func(any) any) {
	kinds := map[string]any{"a string": "x", "a number": 7, "a boolean": true, "an object": map[string]any{}, "an array": []any{}}
	switch value.(type) {
	case map[string]any:
		delete(kinds, "an object")
	case []any:
		delete(kinds, "an array")
		s.value(refused, path+" is an empty array", into([]any{}))
	case bool:
		delete(kinds, "a boolean")
	case json.Number:
		delete(kinds, "a number")
		s.numbers(path, into)
	case string:
		delete(kinds, "a string")
		s.texts(path, schema, into)
	}
	if len(schema.AnyOf) > 0 { // 1 and 0 are booleans too
		delete(kinds, "a boolean")
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		s.value(refused, path+" is "+kind, into(kinds[kind]))
	}
	if other, known := s.others[name]; known && fmt.Sprintf("%T", other) == fmt.Sprintf("%T", value) {
		s.value(harmless, path+" is another account's", into(other))
	}
}

func (s *spoiler) numbers(path string, into func(any) any) {
	for _, n := range []string{"1.5", "1e400", "9223372036854775808", "-9223372036854775809"} {
		s.value(refused, path+" is "+n, into(json.Number(n)))
	}
	for _, n := range []string{"-1", "0", "999999", "9223372036854775807", "-9223372036854775808"} {
		s.value(free, path+" is "+n, into(json.Number(n)))
	}
}

func (s *spoiler) texts(path string, schema *openapi3.Schema, into func(any) any) {
	for name, text := range map[string]string{
		"NUL": `\u0000`, "a lone surrogate": `\ud800`, "half a pair": `\udc00a`, "a raw broken byte": "\xff",
		"a raw surrogate": "\xed\xa0\x80", "5,000 characters": strings.Repeat("1a", 2500),
	} {
		s.text(harmless, path+" holds "+name, text, into)
	}
	s.text(refused, path+" holds a raw NUL", "\x00", into)
	s.value(free, path+" is empty", into(""))
	var impossible []string
	switch {
	case schema.Pattern == `^[0-9]{8}$`:
		impossible = []string{"", "20250230", "19971301", "00000000", "1997-01-01", "199701010", "29990101", "+9970101"}
	case strings.Contains(schema.Pattern, "T"):
		impossible = []string{"", "2025-02-30T15:48:49", "2025-02-21T25:48:49", "2025-02-21 15:48:49", "2025-02-21T15:48:49Z"}
	case len(schema.Enum) > 0:
		impossible = []string{"", "X", "m"}
	}
	for _, text := range impossible {
		s.value(refused, path+" is "+text, into(text))
	}
}

// broken are texts that can't be stored, escaped for a URL.
func broken() []string {
	return []string{"%00", "%ff", "%ed%a0%80", "a%00b", strings.Repeat("1a", 2500)}
}

// noIntegers are texts that are no id.
func noIntegers() []string {
	return append(broken(), "one", "1.5", "99999999999999999999", "%20", "1%20", "0x1")
}

// unknown are ids of nobody; to a text they are as good as others.
func unknown() []string { return []string{"-1", "0", "999999"} }

// parameters spoils what stands in path and query.
func (s *spoiler) parameters() {
	path, query, _ := strings.Cut(s.valid.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		s.Fatal(err)
	}
	s.add(free, "a query that is none", func(r *request) { r.target = path + "?%zz" })
	for _, p := range s.operation.Parameters {
		name := p.Value.Name
		spoil := func(want verdict, texts []string) {
			for _, text := range texts {
				target := path + "?" + with(values, name, text)
				if p.Value.In == "path" {
					target = strings.TrimSuffix(s.inPath(path, name, text)+"?"+query, "?")
				}
				s.add(want, name+" is "+text, func(r *request) { r.target = target })
			}
		}
		if p.Value.Schema.Value.Type.Is("integer") {
			spoil(refused, noIntegers())
			spoil(harmless, unknown())
		} else {
			spoil(harmless, broken())
			spoil(free, append(unknown(), "one", "%20"))
		}
		if p.Value.In == "query" && p.Value.Required {
			s.add(refused, name+" is missing", func(r *request) { r.target = path + "?" + with(values, name, "") })
		}
		if other, known := s.others[name]; known && p.Value.In == "query" {
			s.add(harmless, name+" is another account's", func(r *request) { r.target = path + "?" + with(values, name, fmt.Sprint(other)) })
		}
	}
}

// with is a query with one parameter changed, or left out for an empty text.
func with(values url.Values, name, escaped string) string {
	changed := maps.Clone(values)
	changed.Del(name)
	query := changed.Encode()
	if escaped != "" {
		query += "&" + name + "=" + escaped
	}
	return strings.TrimPrefix(query, "&")
}

func (s *spoiler) inPath(path, name, escaped string) string {
	segments, names := strings.Split(path, "/"), strings.Split(s.template, "/")
	for i := range segments {
		if names[i] == "{"+name+"}" {
			segments[i] = escaped
		}
	}
	return strings.Join(segments, "/")
}
