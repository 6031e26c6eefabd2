package verify

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestShapes holds each keyword: what fits passes, and what doesn't is found where it stands.
func TestShapes(t *testing.T) {
	t.Parallel()
	shared := map[string]*schema{"Name": {Type: "string", Pattern: "^[a-z]+$"}}
	for _, tc := range []struct{ schema, value, want string }{
		{`{}`, `[1, {"a": null}]`, ""},
		{`{"type": "string"}`, `"a"`, ""},
		{`{"type": "string"}`, `null`, "the body is not of type string"},
		{`{"type": ["string", "null"]}`, `null`, ""},
		{`{"type": ["string", "null"]}`, `1`, "the body is not of type"},
		{`{"type": "integer"}`, `3`, ""},
		{`{"type": "integer"}`, `3.5`, "the body is not of type integer"},
		{`{"type": "number"}`, `3.5`, ""},
		{`{"type": "boolean"}`, `true`, ""},
		{`{"type": "object"}`, `[]`, "the body is not of type object"},
		{`{"enum": ["a", 1, null]}`, `1`, ""},
		{`{"enum": ["a", 1, null]}`, `"b"`, "the body is none of the documented values"},
		{`{"anyOf": [{"type": "null"}, {"type": "integer"}]}`, `1`, ""},
		{`{"anyOf": [{"type": "null"}, {"type": "integer"}]}`, `"1"`, "the body fits none of the documented forms"},
		{`{"$ref": "#/components/schemas/Name"}`, `"a"`, ""},
		{`{"$ref": "#/components/schemas/Name"}`, `"A"`, "the body does not match ^[a-z]+$"},
		{`{"$ref": "#/components/schemas/None"}`, `"A"`, "the document has no #/components/schemas/None"},
		{`{"format": "date-time"}`, `"2026-11-30T12:00:00.000Z"`, ""},
		{`{"format": "date-time"}`, `"2026-11-30 12:00"`, "the body is no moment"},
		{`{"format": "uuid"}`, `"a"`, "the body has the format uuid"},
		{`{"type": "array", "items": {"type": "integer"}}`, `[1, 2]`, ""},
		{`{"type": "array", "items": {"type": "integer"}}`, `[1, "2"]`, "the body[1] is not of type integer"},
		{`{"required": ["a"], "properties": {"a": {"type": "integer"}}}`, `{"a": 1, "b": 2}`, ""},
		{`{"required": ["a"], "properties": {"a": {"type": "integer"}}}`, `{"b": 2}`, `the body has no "a"`},
		{`{"properties": {"a": {"type": "integer"}}}`, `{"a": "1"}`, "the body.a is not of type integer"},
		{`{"properties": {"a": {}}, "additionalProperties": false}`, `{"b": 2}`, `the body has "b"`},
	} {
		parsed, err := parseSchema([]byte(tc.schema))
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal([]byte(tc.value), &value); err != nil {
			t.Fatal(err)
		}
		found := ""
		if err := parsed.check(value, "the body", shared); err != nil {
			found = err.Error()
		}
		if (found == "") != (tc.want == "") || !strings.Contains(found, tc.want) {
			t.Errorf("%s of %s: %q, want %q", tc.value, tc.schema, found, tc.want)
		}
	}
	for _, unknown := range []string{`{"minLength": 1}`, `{"additionalProperties": {"type": "string"}}`, `{"properties": {"a": {"not": {}}}}`, ``} {
		if parsed, err := parseSchema([]byte(unknown)); err == nil {
			t.Errorf("%s is read as %+v", unknown, parsed)
		}
	}
}
