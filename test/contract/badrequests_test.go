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

// outcome is what a bad request may lead to.
type outcome uint8

const (
	// refused is an error.
	refused outcome = iota
	// harmless is an error, or a success that changes nothing.
	harmless
	// anything is whatever the route's page says.
	anything
)

// badRequest is a valid request with one thing changed.
type badRequest struct {
	name string
	want outcome
	request
}

// badRequests makes bad requests of a valid one, by what the OpenAPI document says of
// the route's parameters.
type badRequests struct {
	*testing.T
	valid request
	// template is the path in the document, with {name} for parameters.
	template  string
	operation *openapi3.Operation
	// others are values of fields that belong to another account.
	others map[string]any
	all    []badRequest
}

func (b *badRequests) add(want outcome, name string, change func(*request)) {
	sent := b.valid
	sent.header = b.valid.header.Clone()
	change(&sent)
	b.all = append(b.all, badRequest{name, want, sent})
}

func (b *badRequests) addBody(want outcome, name, body string) {
	b.add(want, name, func(r *request) { r.body = []byte(body) })
}

// addTokens sends these tokens to a route that asks for one.
func (b *badRequests) addTokens(bad map[string]string) {
	if b.operation.Security == nil || len(*b.operation.Security) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		b.add(refused, name, func(r *request) {
			r.header.Del("Authorization")
			r.header.Del("X-Access-Token")
			if bad[name] != "" {
				r.header.Set("Authorization", "Bearer "+bad[name])
			}
		})
	}
}

// addBodies changes the body as a whole and then each of its fields.
func (b *badRequests) addBodies() {
	if b.operation.RequestBody == nil || len(b.valid.body) == 0 {
		return
	}
	empty := anything
	if b.operation.RequestBody.Value.Required {
		empty = refused
	}
	text := string(b.valid.body)
	b.addBody(empty, "an empty body", "")
	b.addBody(empty, "an empty object", "{}")
	for name, body := range map[string]string{
		"half an object": text[:len(text)/2], "an array": "[" + text + "]", "null": "null", "a string": `"text"`,
		"two objects": text + text, "depth": strings.Repeat(`{"a":[`, 20_000), "no JSON": "first_name=test",
		"2 MB": `{"padding": "` + strings.Repeat("a", 2<<20) + `",` + strings.TrimPrefix(strings.TrimSpace(text), "{"),
	} {
		b.addBody(refused, name, body)
	}
	d := json.NewDecoder(bytes.NewReader(b.valid.body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		b.Fatalf("the body %s: %v", b.valid.body, err)
	}
	b.addMembers("", b.bodySchema(tree), tree, func(v any) any { return v })
}

// bodySchema is the schema of the body, or the one of its alternatives that this is.
func (b *badRequests) bodySchema(body any) *openapi3.Schema {
	schema := b.operation.RequestBody.Value.Content["application/json"].Schema.Value
	_, isArray := body.([]any)
	for _, one := range schema.AnyOf {
		if one.Value.Type.Is("array") == isArray {
			return one.Value
		}
	}
	return schema
}

// absent stands for a member that is left out.
type absent struct{}

// addMembers changes every member of an object or array. whole puts a changed value back
// into its place in the body.
func (b *badRequests) addMembers(path string, schema *openapi3.Schema, value any, whole func(any) any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member, known := schema.Properties[name]
			if !known {
				continue
			}
			into := func(changed any) any {
				object := maps.Clone(v)
				if object[name] = changed; changed == (absent{}) {
					delete(object, name)
				}
				return whole(object)
			}
			want := anything
			if slices.Contains(schema.Required, name) {
				want = refused
			}
			b.addValue(want, path+name+" is missing", into(absent{}))
			b.addValue(want, path+name+" is null", into(nil))
			b.addField(path+name, name, member.Value, v[name], into)
			b.addMembers(path+name+".", member.Value, v[name], into)
		}
	case []any:
		first := func(changed any) any { return whole(append([]any{changed}, v[1:]...)) }
		b.addValue(refused, path+"0 is null", first(nil))
		b.addValue(refused, path+"0 is a number", first(7))
		b.addMembers(path+"0.", schema.Items.Value, v[0], first)
	}
}

// marker stands in the marshalled JSON where text is put that no Go string can be
// marshalled to, such as a lone surrogate.
const marker = "<marker>"

func (b *badRequests) addValue(want outcome, name string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	b.addBody(want, name, string(raw))
}

func (b *badRequests) addText(want outcome, name, text string, into func(any) any) {
	raw, err := json.Marshal(into("test" + marker))
	if err != nil {
		b.Fatal(err)
	}
	escaped, _ := json.Marshal(marker)
	b.addBody(want, name, strings.ReplaceAll(string(raw), strings.Trim(string(escaped), `"`), text))
}

// addField changes one member, by its type.
func (b *badRequests) addField(path, name string, schema *openapi3.Schema, value any, into func(any) any) {
	kinds := map[string]any{"a string": "x", "a number": 7, "a boolean": true, "an object": map[string]any{}, "an array": []any{}}
	switch value.(type) {
	case map[string]any:
		delete(kinds, "an object")
	case []any:
		delete(kinds, "an array")
		b.addValue(refused, path+" is an empty array", into([]any{}))
	case bool:
		delete(kinds, "a boolean")
	case json.Number:
		delete(kinds, "a number")
		b.addNumbers(path, into)
	case string:
		delete(kinds, "a string")
		b.addTexts(path, schema, into)
	}
	if len(schema.AnyOf) > 0 { // 1 and 0 are booleans too
		delete(kinds, "a boolean")
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		b.addValue(refused, path+" is "+kind, into(kinds[kind]))
	}
	if other, known := b.others[name]; known && fmt.Sprintf("%T", other) == fmt.Sprintf("%T", value) {
		b.addValue(harmless, path+" is another account's", into(other))
	}
}

func (b *badRequests) addNumbers(path string, into func(any) any) {
	for _, n := range []string{"1.5", "1e400", "9223372036854775808", "-9223372036854775809"} {
		b.addValue(refused, path+" is "+n, into(json.Number(n)))
	}
	for _, n := range []string{"-1", "0", "999999", "9223372036854775807", "-9223372036854775808"} {
		b.addValue(anything, path+" is "+n, into(json.Number(n)))
	}
}

func (b *badRequests) addTexts(path string, schema *openapi3.Schema, into func(any) any) {
	for name, text := range map[string]string{
		"NUL": `\u0000`, "a lone surrogate": `\ud800`, "half a pair": `\udc00a`, "a raw broken byte": "\xff",
		"a raw surrogate": "\xed\xa0\x80", "5,000 characters": strings.Repeat("1a", 2500),
	} {
		b.addText(harmless, path+" holds "+name, text, into)
	}
	b.addText(refused, path+" holds a raw NUL", "\x00", into)
	b.addValue(anything, path+" is empty", into(""))
	var impossible []string
	switch {
	case schema.Pattern == `^[0-9]{8}$`:
		impossible = []string{"", "20250230", "19971301", "00000000", "1997-01-01", "199701010", "29990101", "+9970101"}
	case strings.Contains(schema.Pattern, "T"):
		impossible = []string{
			"", "2025-02-30T15:48:49", "2025-02-21T25:48:49", "2025-02-21", "2025-02-21T15:48:60", "20250221T154849",
			"2025-02-21T15:48:49+15:00", "2025-02-21T15:48:49 +09:00", "0000-01-01T00:00:00",
		}
	case len(schema.Enum) > 0:
		impossible = []string{"", "X", "m"}
	}
	for _, text := range impossible {
		b.addValue(refused, path+" is "+text, into(text))
	}
}

// unstorable are texts that can't be stored, escaped for a URL.
func unstorable() []string {
	return []string{"%00", "%ff", "%ed%a0%80", "a%00b", strings.Repeat("1a", 2500)}
}

// notIntegers are texts that are no id.
func notIntegers() []string {
	return append(unstorable(), "one", "1.5", "99999999999999999999", "%20", "1%20", "0x1")
}

// unknownIDs are ids that no row has. Where a text is asked for they are valid.
func unknownIDs() []string { return []string{"-1", "0", "999999"} }

// addParameters changes what stands in the path and the query.
func (b *badRequests) addParameters() {
	path, query, _ := strings.Cut(b.valid.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		b.Fatal(err)
	}
	b.add(anything, "a malformed query", func(r *request) { r.target = path + "?%zz" })
	for _, p := range b.operation.Parameters {
		name := p.Value.Name
		if p.Value.In == "header" {
			for _, text := range []string{"", "short", "a key with spaces in it", strings.Repeat("k", 256)} {
				b.add(refused, name+" is "+text, func(r *request) {
					r.header = r.header.Clone()
					r.header.Set(name, text)
				})
			}
			continue
		}
		add := func(want outcome, texts []string) {
			for _, text := range texts {
				target := path + "?" + with(values, name, text)
				if p.Value.In == "path" {
					target = strings.TrimSuffix(b.inPath(path, name, text)+"?"+query, "?")
				}
				b.add(want, name+" is "+text, func(r *request) { r.target = target })
			}
		}
		if p.Value.Schema.Value.Type.Is("integer") {
			add(refused, notIntegers())
			add(harmless, unknownIDs())
		} else {
			add(harmless, unstorable())
			add(anything, append(unknownIDs(), "one", "%20"))
		}
		if p.Value.In == "query" && p.Value.Required {
			b.add(refused, name+" is missing", func(r *request) { r.target = path + "?" + with(values, name, "") })
		}
		if other, known := b.others[name]; known && p.Value.In == "query" {
			b.add(harmless, name+" is another account's", func(r *request) { r.target = path + "?" + with(values, name, fmt.Sprint(other)) })
		}
	}
}

// with is a query with one parameter changed, or left out if the text is empty.
func with(values url.Values, name, escaped string) string {
	changed := maps.Clone(values)
	changed.Del(name)
	query := changed.Encode()
	if escaped != "" {
		query += "&" + name + "=" + escaped
	}
	return strings.TrimPrefix(query, "&")
}

// inPath is the path with one parameter changed.
func (b *badRequests) inPath(path, name, escaped string) string {
	segments, names := strings.Split(path, "/"), strings.Split(b.template, "/")
	for i := range segments {
		if names[i] == "{"+name+"}" {
			segments[i] = escaped
		}
	}
	return strings.Join(segments, "/")
}
