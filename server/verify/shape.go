package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// schema is a JSON Schema, with the keywords that the documents of this contract use. A library for
// all of JSON Schema cost every start of the server 4 ms and 1.7 MB of tables, for a command that
// runs once after a deployment. A document with any other keyword is refused, so that nothing passes
// because it was not looked at.
type schema struct {
	Ref         string             `json:"$ref"`
	Type        any                `json:"type"`
	Format      string             `json:"format"`
	Pattern     string             `json:"pattern"`
	Enum        []any              `json:"enum"`
	AnyOf       []*schema          `json:"anyOf"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Open        *bool              `json:"additionalProperties"`
	Items       *schema            `json:"items"`
	Description string             `json:"description"`
	Examples    []any              `json:"examples"`
}

// parseSchema reads a schema and refuses keywords that check would pass over.
func parseSchema(text []byte) (*schema, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var parsed schema
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("the document's schema: %w", err)
	}
	return &parsed, nil
}

const (
	schemasPrefix = "#/components/schemas/"
	dateTime      = "date-time"
)

// check holds a value of JSON to the schema. Its error says where in the value something else
// stands, and never what.
func (s *schema) check(value any, at string, shared map[string]*schema) error {
	if s.Ref != "" {
		referred := shared[strings.TrimPrefix(s.Ref, schemasPrefix)]
		if referred == nil {
			return fmt.Errorf("%s: the document has no %s", at, s.Ref)
		}
		return referred.check(value, at, shared)
	}
	if s.Type != nil && !s.allowsType(value) {
		return fmt.Errorf("%s is not of type %v", at, s.Type)
	}
	if s.Enum != nil && !slices.ContainsFunc(s.Enum, func(one any) bool { return reflect.DeepEqual(one, value) }) {
		return fmt.Errorf("%s is none of the documented values", at)
	}
	if s.AnyOf != nil && !slices.ContainsFunc(s.AnyOf, func(one *schema) bool { return one.check(value, at, shared) == nil }) {
		return fmt.Errorf("%s fits none of the documented forms", at)
	}
	switch value := value.(type) {
	case string:
		return s.checkText(value, at)
	case []any:
		return s.checkList(value, at, shared)
	case map[string]any:
		return s.checkObject(value, at, shared)
	}
	return nil
}

func (s *schema) allowsType(value any) bool {
	allowed, isList := s.Type.([]any)
	if !isList {
		allowed = []any{s.Type}
	}
	number, isNumber := value.(float64)
	return slices.Contains(allowed, any(typeOf(value))) ||
		isNumber && math.Trunc(number) == number && slices.Contains(allowed, any("integer"))
}

// typeOf is the type of a value as JSON Schema names it.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func (s *schema) checkText(value, at string) error {
	if s.Pattern != "" {
		if matched, err := regexp.MatchString(s.Pattern, value); err != nil || !matched {
			return fmt.Errorf("%s does not match %s", at, s.Pattern)
		}
	}
	switch s.Format {
	case "":
		return nil
	case dateTime:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return fmt.Errorf("%s is no moment", at)
		}
		return nil
	}
	return fmt.Errorf("%s has the format %s, of which nothing is known here", at, s.Format)
}

func (s *schema) checkList(values []any, at string, shared map[string]*schema) error {
	if s.Items == nil {
		return nil
	}
	for i, value := range values {
		if err := s.Items.check(value, fmt.Sprintf("%s[%d]", at, i), shared); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) checkObject(members map[string]any, at string, shared map[string]*schema) error {
	for _, name := range s.Required {
		if _, isThere := members[name]; !isThere {
			return fmt.Errorf("%s has no %q", at, name)
		}
	}
	for name, value := range members {
		property := s.Properties[name]
		switch {
		case property != nil:
			if err := property.check(value, at+"."+name, shared); err != nil {
				return err
			}
		case s.Open != nil && !*s.Open:
			return fmt.Errorf("%s has %q, of which the document says nothing", at, name)
		}
	}
	return nil
}

// responses are those of an operation in an OpenAPI document, by their status.
type responses map[string]struct {
	Content map[string]struct{ Schema json.RawMessage }
}

// check holds an answer to what is documented of its status.
func (r responses) check(got answer, shared map[string]*schema) error {
	documented, isThere := r[fmt.Sprint(got.status)]
	if !isThere {
		return errors.New("the document knows no such status")
	}
	expected, err := parseSchema(documented.Content[plainJSON].Schema)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(got.body, &value); err != nil {
		return errors.New("the body is no JSON")
	}
	return expected.check(value, "the body", shared)
}
