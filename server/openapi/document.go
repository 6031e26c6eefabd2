// Package openapi holds the types of an OpenAPI 3.1 document, and makes of one a page for
// people to read and a collection of requests to send. The package that serves the routes
// fills the document; this one imports none of them, and of the program only how files
// are served.
package openapi

import (
	"bytes"
	"encoding/json"
)

// Document is an OpenAPI 3.1 document, with the members that this program uses.
type Document struct {
	OpenAPI    string             `json:"openapi"`
	Info       Info               `json:"info"`
	Servers    []Server           `json:"servers"`
	Tags       []Tag              `json:"tags"`
	Paths      Ordered[*PathItem] `json:"paths"`
	Components Components         `json:"components"`
}

// Info is the head of the document.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

// Server is the address that the paths are below.
type Server struct {
	URL string `json:"url"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// PathItem holds the operations of a path by their method, in lower case.
type PathItem = Ordered[*Operation]

// Operation is one route. Replacement is the GraphQL field that takes its place.
type Operation struct {
	Tags        []string               `json:"tags"`
	OperationID string                 `json:"operationId"`
	Summary     string                 `json:"summary"`
	Description string                 `json:"description"`
	Replacement string                 `json:"x-graphql-field"`
	Deprecated  bool                   `json:"deprecated"`
	Security    []map[string][]string  `json:"security"`
	Parameters  []Parameter            `json:"parameters,omitempty"`
	RequestBody *Body                  `json:"requestBody,omitempty"`
	Responses   Ordered[*ResponseBody] `json:"responses"`
}

// Parameter is one of the path or the query, as In says.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required"`
	Schema      *Schema `json:"schema"`
}

// Body is a JSON request body.
type Body struct {
	Required bool    `json:"required"`
	Content  Content `json:"content"`
}

// ResponseBody describes the responses of one status.
type ResponseBody struct {
	Description string  `json:"description"`
	Content     Content `json:"content"`
}

// Content is a body in JSON, the only media type that the routes answer with.
type Content struct {
	JSON MediaType `json:"application/json"`
}

// MediaType holds the schema of a body.
type MediaType struct {
	Schema *Schema `json:"schema"`
}

// Components are what the operations share.
type Components struct {
	SecuritySchemes map[string]SecurityScheme `json:"securitySchemes"`
	Schemas         map[string]*Schema        `json:"schemas"`
}

// SecurityScheme is a way in which a request can carry a token.
type SecurityScheme struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Scheme      string `json:"scheme,omitempty"`
	In          string `json:"in,omitempty"`
	Name        string `json:"name,omitempty"`
}

// Schema is a JSON Schema of draft 2020-12, with the keywords that the routes need.
type Schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Type        Types            `json:"type,omitempty"`
	Format      string           `json:"format,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	Description string           `json:"description,omitempty"`
	Enum        []any            `json:"enum,omitempty"`
	AnyOf       []*Schema        `json:"anyOf,omitempty"`
	Properties  Ordered[*Schema] `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Closed      Closed           `json:"additionalProperties,omitempty"`
	Items       *Schema          `json:"items,omitempty"`
	Examples    []any            `json:"examples,omitempty"`
}

// Types lists the JSON types that a value can have.
type Types []string

// MarshalJSON writes a single type as a string and several as an array.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Closed is true for an object that has no other members.
type Closed bool

// MarshalJSON writes `additionalProperties: false`; an open object has no such
// member.
func (c Closed) MarshalJSON() ([]byte, error) { return json.Marshal(!bool(c)) }

// Ordered is a JSON object whose members keep the order in which they were added. A map
// would sort paths and properties by name, and readers would not find related ones
// side by side.
type Ordered[T any] []Member[T]

// Member is one member of an [Ordered].
type Member[T any] struct {
	Name  string
	Value T
}

// MarshalJSON writes the members in their order.
func (o Ordered[T]) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Find gives the value of the member with that name.
func (o Ordered[T]) Find(name string) (T, bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	var none T
	return none, false
}
