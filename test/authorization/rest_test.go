package authorization_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/openapi"
	"luxbff/server/rest"
)

// prefixes are those of the REST surfaces, by their names in the table.
func prefixes() map[string]string {
	return map[string]string{
		"lux": "/api/v1/lux", "addnox": "/api/v1/addnox", "withnox": "/api/v1/withnox", "snutt": "", "v1": "/v1",
	}
}

// routes are those that the program serves, as in the table: "lux GET /user/me".
func routes(t *testing.T) (all []string) {
	t.Helper()
	for _, s := range rest.Surfaces() {
		name := ""
		for candidate, prefix := range prefixes() {
			if prefix == s.Prefix {
				name = candidate
			}
		}
		for _, route := range s.Routes {
			if name == "" {
				t.Fatalf("the surface below %q has no name in prefixes()", s.Prefix)
			}
			all = append(all, name+" "+route.Method+" "+route.Path)
		}
	}
	return all
}

// httpRequest is a request without its token.
type httpRequest struct{ method, target, body string }

// request makes the request of a row from what the OpenAPI document says of its route.
func request(t *testing.T, d *openapi.Document, r row, f *family) httpRequest {
	t.Helper()
	method, path, _ := strings.Cut(r.name, " ")
	path = prefixes()[r.surface] + path
	operation := find(d, method, path)
	if operation == nil {
		t.Fatalf("%s isn't documented", r.name)
	}
	query := url.Values{}
	for _, parameter := range operation.Parameters {
		if parameter.In == "header" {
			continue // it says nothing of whose rows are meant
		}
		value := requestValue(t, d, r, f, parameter.Name, parameter.Schema)
		if parameter.In == "path" {
			path = strings.Replace(path, "{"+parameter.Name+"}", url.PathEscape(fmt.Sprint(value)), 1)
		} else {
			query.Set(parameter.Name, fmt.Sprint(value))
		}
	}
	made := httpRequest{method: method, target: path}
	if len(query) > 0 {
		made.target += "?" + query.Encode()
	}
	if operation.RequestBody != nil && len(query) == 0 {
		raw, err := json.Marshal(requestValue(t, d, r, f, "", operation.RequestBody.Content.JSON.Schema))
		if err != nil {
			t.Fatal(err)
		}
		made.body = string(raw)
	}
	return made
}

func find(d *openapi.Document, method, path string) *openapi.Operation {
	for _, item := range d.Paths {
		if item.Name != path {
			continue
		}
		for _, one := range *item.Value {
			if strings.EqualFold(one.Name, method) {
				return one.Value
			}
		}
	}
	return nil
}

// requestValue makes a value of the schema; members that are optional too have one.
func requestValue(t *testing.T, d *openapi.Document, r row, f *family, name string, s *openapi.Schema) any {
	t.Helper()
	if s.Ref != "" {
		return requestValue(t, d, r, f, name, d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")])
	}
	switch {
	case len(s.AnyOf) > 0 && len(s.Type) == 0 && name == "":
		return requestValue(t, d, r, f, name, s.AnyOf[0])
	case len(s.Properties) > 0:
		object := map[string]any{}
		for _, member := range s.Properties {
			if value := requestValue(t, d, r, f, member.Name, member.Value); value != nil {
				object[member.Name] = value
			}
		}
		return object
	case s.Items != nil:
		return []any{requestValue(t, d, r, f, name, s.Items)}
	case len(s.AnyOf) > 0 && isComposite(s.AnyOf[0]):
		return requestValue(t, d, r, f, name, s.AnyOf[0])
	}
	text, known := inputValue(r, f, name)
	if !known {
		t.Fatalf("%s: no value for the input %q: name one in inputs(), or as %s=VALUE in the row at %s:%d", r.name, name, name, tablePath, r.line)
	}
	if text == absent {
		return nil
	}
	return typed(s, text)
}

func isComposite(s *openapi.Schema) bool { return s.Ref != "" || len(s.Properties) > 0 }

// typed writes a value as the JSON type that the schema asks for.
func typed(s *openapi.Schema, text string) any {
	for _, kind := range kindsOf(s) {
		switch kind {
		case "integer", "number":
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		case "boolean":
			if b, err := strconv.ParseBool(text); err == nil {
				return b
			}
		}
	}
	return text
}

func kindsOf(s *openapi.Schema) (kinds []string) {
	kinds = append(kinds, s.Type...)
	for _, one := range s.AnyOf {
		kinds = append(kinds, kindsOf(one)...)
	}
	return kinds
}

// restVerdict is "ok", or the status with the text of the error, which SNUTT numbers.
func restVerdict(response apptest.Response) string {
	if response.Status < 400 {
		return "ok"
	}
	var failure struct {
		Detail  string
		Errcode int
	}
	_ = json.Unmarshal(response.Body, &failure) // what is no JSON has neither
	if failure.Detail == "" && failure.Errcode != 0 {
		return fmt.Sprintf("%d 0x%04X", response.Status, failure.Errcode)
	}
	return strings.TrimSpace(fmt.Sprint(response.Status, " ", failure.Detail))
}
