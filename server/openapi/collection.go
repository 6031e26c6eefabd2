package openapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Collection is a collection of requests in the format of Postman, version 2.1, which
// Bruno, Insomnia and Hoppscotch import as well. It has the members that this program uses.
type Collection struct {
	Info     CollectionInfo       `json:"info"`
	Auth     CollectionAuth       `json:"auth"`
	Variable []CollectionVariable `json:"variable"`
	Item     []CollectionItem     `json:"item"`
}

// CollectionInfo is the head of a collection.
type CollectionInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      string `json:"schema"`
}

// CollectionVariable is a value that requests name as {{key}}, or a parameter of a URL.
type CollectionVariable struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// CollectionAuth says which token a request sends: none, or that of a variable.
type CollectionAuth struct {
	Type   string                `json:"type"`
	Bearer []CollectionAuthValue `json:"bearer,omitempty"`
}

// CollectionAuthValue is a part of a [CollectionAuth].
type CollectionAuthValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

// CollectionItem is a request, or a folder of items.
type CollectionItem struct {
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Item        []CollectionItem   `json:"item,omitempty"`
	Event       []CollectionEvent  `json:"event,omitempty"`
	Request     *CollectionRequest `json:"request,omitempty"`
}

// CollectionEvent is a script that runs when something happens: "test" is when an answer
// has come.
type CollectionEvent struct {
	Listen string           `json:"listen"`
	Script CollectionScript `json:"script"`
}

// CollectionScript is JavaScript, line by line.
type CollectionScript struct {
	Type string   `json:"type"`
	Exec []string `json:"exec"`
}

// CollectionRequest is what is sent.
type CollectionRequest struct {
	Method      string               `json:"method"`
	Description string               `json:"description"`
	Auth        *CollectionAuth      `json:"auth,omitempty"` // without one it is the collection's
	Header      []CollectionVariable `json:"header"`
	Body        *CollectionBody      `json:"body,omitempty"`
	URL         CollectionURL        `json:"url"`
}

// CollectionBody is a body in JSON, or a GraphQL request.
type CollectionBody struct {
	Mode    string             `json:"mode"`
	Raw     string             `json:"raw,omitempty"`
	GraphQL *CollectionGraphQL `json:"graphql,omitempty"`
}

// CollectionGraphQL is a document and its variables, as JSON.
type CollectionGraphQL struct {
	Query     string `json:"query"`
	Variables string `json:"variables"`
}

// CollectionURL is an address, whole and in parts.
type CollectionURL struct {
	Raw      string               `json:"raw"`
	Host     []string             `json:"host"`
	Path     []string             `json:"path"`
	Query    []CollectionVariable `json:"query,omitempty"`
	Variable []CollectionVariable `json:"variable,omitempty"`
}

// Sample is a GraphQL document to try.
type Sample struct {
	Name, Document string
	// Variables are JSON, or "".
	Variables string
	// AccessToken is the path of an access token in the answer's data, as
	// signIn.tokens.accessToken, which later requests send. "" where there is none.
	AccessToken string
}

// Collect makes a collection of the document's operations, a folder for each tag, behind
// one of the GraphQL samples. The requests go to the origin, and those that need an
// access token send that of the variable accessToken. The same document gives the same
// collection.
func (d *Document) Collect(origin string, samples []Sample) (*Collection, error) {
	c := &Collection{
		Info: CollectionInfo{
			Name: "luxbff", Schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
			Description: "The requests of luxbff. The first signs in and keeps the access token, which the others send.",
		},
		Auth: bearer("accessToken"),
		Variable: []CollectionVariable{
			{Key: "origin", Value: origin, Description: "Where the server answers."},
			{Key: "accessToken", Description: "What a sign-in answered."},
			{Key: "validToken", Description: "What the confirmation of a phone answered, good for one sign-up."},
		},
		Item: []CollectionItem{{Name: "GraphQL", Description: "What the apps send to /graphql.", Item: collectSamples(samples)}},
	}
	for _, g := range d.groups() {
		folder := CollectionItem{Name: g.Name, Description: g.Description}
		for _, o := range g.Operations {
			item, err := d.collect(o)
			if err != nil {
				return nil, fmt.Errorf("make a request of %s %s: %w", o.Method, o.Path, err)
			}
			folder.Item = append(folder.Item, item)
		}
		c.Item = append(c.Item, folder)
	}
	return c, nil
}

func collectSamples(samples []Sample) (items []CollectionItem) {
	for _, s := range samples {
		item := CollectionItem{Name: s.Name, Request: &CollectionRequest{
			Method: "POST", Header: []CollectionVariable{},
			Body: &CollectionBody{Mode: "graphql", GraphQL: &CollectionGraphQL{s.Document, s.Variables}},
			URL:  collectionURL("/graphql"),
		}}
		if s.AccessToken != "" {
			keep := "pm.collectionVariables.set('accessToken', pm.response.json().data." + s.AccessToken + ");"
			item.Event = []CollectionEvent{{Listen: "test", Script: CollectionScript{Type: "text/javascript", Exec: []string{keep}}}}
			item.Request.Auth = &CollectionAuth{Type: "noauth"}
		}
		items = append(items, item)
	}
	return items
}

func (d *Document) collect(o operation) (CollectionItem, error) {
	request := &CollectionRequest{
		Method: o.Method, Description: o.Description, Header: []CollectionVariable{}, URL: collectionURL(o.Path),
	}
	switch len(o.Security) { // as the sentence of needs reads them
	case 0:
		request.Auth = &CollectionAuth{Type: "noauth"}
	case 1:
		auth := bearer("validToken")
		request.Auth = &auth
	}
	for _, p := range o.Parameters {
		value := CollectionVariable{Key: p.Name, Value: textOf(d.example(p.Schema)), Description: p.Description, Disabled: !p.Required}
		if p.In == "path" {
			if value.Value == "" { // then the path would be another one
				value.Value = p.Name
			}
			request.URL.Variable = append(request.URL.Variable, value)
			continue
		}
		if p.In == "header" {
			value.Value = "{{$guid}}" // the one header is a key, and new for each request
			request.Header = append(request.Header, value)
			continue
		}
		request.URL.Query = append(request.URL.Query, value)
		if p.Required {
			separator := "?"
			if strings.Contains(request.URL.Raw, "?") {
				separator = "&"
			}
			request.URL.Raw += separator + p.Name + "=" + url.QueryEscape(value.Value)
		}
	}
	if o.RequestBody != nil {
		request.Header = append(request.Header, CollectionVariable{Key: "Content-Type", Value: "application/json"})
		body, err := json.MarshalIndent(d.example(o.RequestBody.Content.JSON.Schema), "", "  ")
		if err != nil {
			return CollectionItem{}, err
		}
		request.Body = &CollectionBody{Mode: "raw", Raw: string(body)}
	}
	return CollectionItem{Name: o.Summary, Request: request}, nil
}

// collectionURL writes a parameter of a path as :name, the way Postman does.
func collectionURL(path string) CollectionURL {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		if name, isParameter := strings.CutPrefix(part, "{"); isParameter {
			parts[i] = ":" + strings.TrimSuffix(name, "}")
		}
	}
	return CollectionURL{Raw: "{{origin}}/" + strings.Join(parts, "/"), Host: []string{"{{origin}}"}, Path: parts}
}

func bearer(variable string) CollectionAuth {
	return CollectionAuth{Type: "bearer", Bearer: []CollectionAuthValue{{Key: "token", Value: "{{" + variable + "}}", Type: "string"}}}
}

// example gives a value that fits the schema: the first of its examples or of its possible
// values, or else an empty one of its first type.
func (d *Document) example(s *Schema) any {
	s = d.resolve(s)
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.AnyOf) > 0:
		return d.example(s.AnyOf[0])
	case s.Items != nil:
		return []any{d.example(s.Items)}
	case slices.Contains(s.Type, "object"):
		members := Ordered[any]{}
		for _, p := range s.Properties {
			members = append(members, Member[any]{p.Name, d.example(p.Value)})
		}
		return members
	case slices.Contains(s.Type, "integer"):
		return 1
	case slices.Contains(s.Type, "boolean"):
		return true
	default:
		return ""
	}
}

// textOf writes an example as it stands in a URL.
func textOf(example any) string { return strings.Trim(fmt.Sprint(example), "[]") }
