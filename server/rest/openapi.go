package rest

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/server/openapi"
)

// Describe is the OpenAPI document of the surfaces, made of the tables that
// serve them.
func Describe(surfaces []Surface) *openapi.Document {
	shared := schemas{}
	d := &openapi.Document{
		OpenAPI: "3.1.0",
		Info: openapi.Info{
			Title:   "luxbff: the REST routes",
			Version: "1",
			Description: "The routes that apps in the field use. Each is deprecated: x-graphql-field names the GraphQL " +
				"field, at /graphql, that replaces it. Unknown members of a body are ignored; a body may also come as " +
				"application/x-www-form-urlencoded.",
		},
		Servers: []openapi.Server{{URL: "/"}},
		Components: openapi.Components{
			SecuritySchemes: securitySchemes(),
			Schemas:         shared,
		},
	}
	for _, s := range surfaces {
		if len(s.Routes) > 0 {
			d.Tags = append(d.Tags, openapi.Tag{Name: s.Name, Description: "The routes below " + s.Prefix + "/"})
			d.Paths = append(d.Paths, describeSurface(s, shared)...)
		}
	}
	return d
}

const (
	bearerToken = "bearer"
	headerToken = "accessToken"
	phoneToken  = "validToken"
)

func securitySchemes() map[string]openapi.SecurityScheme {
	return map[string]openapi.SecurityScheme{
		bearerToken: {Type: "http", Scheme: "bearer", Description: "An access token."},
		headerToken: {Type: "apiKey", In: "header", Name: "x-access-token", Description: "An access token."},
		phoneToken:  {Type: "http", Scheme: "bearer", Description: "The valid_token of a verified phone."},
	}
}

func describeSurface(s Surface, shared schemas) openapi.Ordered[*openapi.PathItem] {
	var paths openapi.Ordered[*openapi.PathItem]
	for _, r := range s.Routes {
		path := s.Prefix + r.Path
		item, known := paths.Find(path)
		if !known {
			item = &openapi.PathItem{}
			paths = append(paths, openapi.Member[*openapi.PathItem]{Name: path, Value: item})
		}
		*item = append(*item, openapi.Member[*openapi.Operation]{
			Name: strings.ToLower(r.Method), Value: describeRoute(s, r, shared),
		})
	}
	return paths
}

func describeRoute(s Surface, r Route, shared schemas) *openapi.Operation {
	told := explained(r)
	return &openapi.Operation{
		Tags:        []string{s.Name},
		OperationID: operationID(s.Name, r),
		Summary:     told.summary,
		Description: told.text + " Replaced by the GraphQL field " + r.Operation + ".",
		Replacement: r.Operation,
		Deprecated:  true,
		Security:    security(r.Access),
		Parameters:  parameters(r.In, shared),
		RequestBody: requestBody(r.In, shared),
		Responses:   responses(s, r, shared),
	}
}

// operationID is as luxPatchUserRealUserId.
func operationID(surface string, r Route) string {
	words := strings.FieldsFunc(r.Path, func(c rune) bool { return strings.ContainsRune("/-_{}", c) })
	id := strings.ToLower(strings.ReplaceAll(surface, " ", "")) + title(strings.ToLower(r.Method))
	for _, word := range words {
		id += title(word)
	}
	return id
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func security(a Access) []map[string][]string {
	switch a {
	case SignedIn:
		return []map[string][]string{{bearerToken: {}}, {headerToken: {}}}
	case ValidToken:
		return []map[string][]string{{phoneToken: {}}}
	default:
		return []map[string][]string{}
	}
}

func parameters(in reflect.Type, shared schemas) []openapi.Parameter {
	var all []openapi.Parameter
	for _, f := range inputFields(in) {
		if f.place == inBody {
			continue
		}
		where := "query"
		if f.place == inPath {
			where = "path"
		}
		all = append(all, openapi.Parameter{
			Name: f.name, In: where, Description: glossary(f.name),
			Required: f.place != inEither && f.Type.Kind() != reflect.Pointer,
			Schema:   shared.of(f.Type, false),
		})
	}
	return all
}

func requestBody(in reflect.Type, shared schemas) *openapi.Body {
	if !hasBody(in) {
		return nil
	}
	body := &openapi.Body{}
	for _, f := range inputFields(in) {
		body.Required = body.Required || f.place == inBody && f.Type.Kind() != reflect.Pointer
	}
	body.Content = ofSchema(shared.named(in, false))
	return body
}

func ofSchema(s *openapi.Schema) openapi.Content {
	return openapi.Content{JSON: openapi.MediaType{Schema: s}}
}

func responses(s Surface, r Route, shared schemas) openapi.Ordered[*openapi.ResponseBody] {
	good := &openapi.ResponseBody{Description: "Success", Content: ofSchema(shared.ofOut(r.Out))}
	all := openapi.Ordered[*openapi.ResponseBody]{{Name: strconv.Itoa(r.Status), Value: good}}
	failures := failuresOf(s, r)
	statuses := make([]int, 0, len(failures))
	for status := range failures {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	for _, status := range statuses {
		all = append(all, openapi.Member[*openapi.ResponseBody]{
			Name: strconv.Itoa(status), Value: describeFailures(failures[status]),
		})
	}
	return all
}

// failure is the body of an error, and when it comes.
type failure struct {
	body any
	when string
}

// failuresOf gives the errors by their status: those of the page and those that
// every such route may answer.
func failuresOf(s Surface, r Route) map[int][]failure {
	kinds := slices.Clone(r.Faults)
	if r.Access == SignedIn {
		kinds = append(kinds, apperr.Unauthenticated, apperr.TokenIsExpired, apperr.UserIsNone, apperr.UserIsDeleted)
	}
	if r.In.NumField() > 0 {
		kinds = append(kinds, apperr.BadRequest)
	}
	kinds = append(kinds, apperr.TooManyRequests, apperr.Internal, apperr.Unavailable)
	failures := map[int][]failure{}
	for _, kind := range kinds {
		for _, asked := range []*http.Request{{}, {Header: http.Header{"X-Access-Token": {"a"}}}} {
			status, body := s.failure(asked, kind.WithProvider(anyProvider))
			known := func(f failure) bool { return f.body == body }
			if !slices.ContainsFunc(failures[status], known) {
				failures[status] = append(failures[status], failure{body, reason(kind)})
			}
		}
	}
	return failures
}

// anyProvider stands for the name of a provider in an error.
const anyProvider = "{provider}"

// describeFailures describes bodies of one status, which have the same members,
// by the values that each member may have.
func describeFailures(failures []failure) *openapi.ResponseBody {
	o := &openapi.Schema{Type: openapi.Types{"object"}, Closed: true}
	t := reflect.TypeOf(failures[0].body)
	var texts []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		member := &openapi.Schema{Type: openapi.Types{"string"}}
		for _, f := range failures {
			value := reflect.ValueOf(f.body).Field(i).Interface()
			if !slices.Contains(member.Enum, value) {
				member.Enum = append(member.Enum, value)
			}
			if text, ok := value.(string); ok {
				texts = append(texts, "- "+text+" — "+f.when)
			}
		}
		if t.Field(i).Type.Kind() == reflect.Int {
			member.Type = openapi.Types{"integer"}
		}
		openEnded(member)
		o.Properties = append(o.Properties, openapi.Member[*openapi.Schema]{Name: name, Value: member})
		o.Required = append(o.Required, name)
	}
	return &openapi.ResponseBody{Description: strings.Join(texts, "\n"), Content: ofSchema(o)}
}

// openEnded makes examples of texts that name a provider.
func openEnded(member *openapi.Schema) {
	names := func(value any) bool {
		text, ok := value.(string)
		return ok && strings.Contains(text, anyProvider)
	}
	if slices.ContainsFunc(member.Enum, names) {
		member.Examples, member.Enum = member.Enum, nil
	}
}
