package rest

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/server/openapi"
)

// Describe gives the OpenAPI document of the surfaces. It is made of the tables that
// serve them, so it cannot describe a route otherwise than it is.
func Describe(surfaces []Surface) *openapi.Document {
	shared := schemas{}
	d := &openapi.Document{
		OpenAPI: "3.1.0",
		Info: openapi.Info{
			Title:   "luxbff: the REST routes",
			Version: "1",
			Description: "The routes that apps in the field use. Each is deprecated: x-graphql-field names the GraphQL " +
				"field, at /graphql, that replaces it. Unknown members of a body are ignored. A body that begins with a " +
				"brace or a bracket is read as JSON whatever its Content-Type says; one may also come as " +
				"application/x-www-form-urlencoded or multipart/form-data, and compressed with gzip or zstd. A whole number may " +
				"be written 600, 600.0 or 6e2.",
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
	bearerScheme     = "bearer"
	headerScheme     = "accessToken"
	validTokenScheme = "validToken"
)

func securitySchemes() map[string]openapi.SecurityScheme {
	return map[string]openapi.SecurityScheme{
		bearerScheme:     {Type: "http", Scheme: "bearer", Description: "An access token."},
		headerScheme:     {Type: "apiKey", In: "header", Name: "x-access-token", Description: "An access token."},
		validTokenScheme: {Type: "http", Scheme: "bearer", Description: "The valid_token of a verified phone."},
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
	return &openapi.Operation{
		Tags:        []string{s.Name},
		OperationID: operationID(s.Name, r),
		Summary:     r.Summary,
		Description: r.Description + " Replaced by the GraphQL field " + r.Operation + ".",
		Replacement: r.Operation,
		Deprecated:  true,
		Security:    security(r.access),
		Parameters:  append(parameters(r.request, shared), headers(r)...),
		RequestBody: requestBody(r.request, shared),
		Responses:   responses(s, r, shared),
	}
}

// operationID gives an id such as luxPatchUserRealUserId. The Deprecation header of
// each response links to it, so it must stay the same.
func operationID(surface string, r Route) string {
	words := strings.FieldsFunc(r.Path, func(c rune) bool { return strings.ContainsRune("/-_{}", c) })
	id := strings.ToLower(strings.ReplaceAll(surface, " ", "")) + title(strings.ToLower(r.Method))
	for _, word := range words {
		id += title(word)
	}
	return id
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// security lists the schemes of which a request must fulfil one; an empty list means
// that it needs no token.
func security(a access) []map[string][]string {
	switch a {
	case accessToken:
		return []map[string][]string{{bearerScheme: {}}, {headerScheme: {}}}
	case validToken:
		return []map[string][]string{{validTokenScheme: {}}}
	default:
		return []map[string][]string{}
	}
}

// parameters describes what stands in path and query. A field that may come in the
// query or in the body is described in both places, and required in neither.
func parameters(request reflect.Type, shared schemas) []openapi.Parameter {
	var all []openapi.Parameter
	for _, f := range objectOf(request).fields {
		if f.place == inBody || f.place == isArray {
			continue
		}
		where := "query"
		if f.place == inPath {
			where = "path"
		}
		all = append(all, openapi.Parameter{
			Name: f.name, In: where, Description: glossary(f.name),
			Required: f.place != inEither && !f.optional(),
			Schema:   shared.of(f.typ, false),
		})
	}
	return all
}

// headers describes what a client may send beside the request.
func headers(r Route) []openapi.Parameter {
	if !r.writes() {
		return nil
	}
	return []openapi.Parameter{{
		Name: idempotencyKey, In: "header",
		Description: "A random UUID, one for each action. A request that is sent again with its key within 24 hours is not " +
			"run again: the first answer is given, with the header " + idempotencyReplayed + ".",
		Schema: &openapi.Schema{Type: openapi.Types{"string"}},
	}}
}

func requestBody(request reflect.Type, shared schemas) *openapi.Body {
	o := objectOf(request)
	if !o.usesBody {
		return nil
	}
	schema := shared.named(request, false)
	body := &openapi.Body{}
	for _, f := range o.fields {
		body.Required = body.Required || f.place == inBody && !f.optional()
		if f.place == isArray {
			schema = &openapi.Schema{AnyOf: []*openapi.Schema{schema, shared.of(f.typ, false)}}
		}
	}
	body.Content = contentOf(schema)
	return body
}

func contentOf(s *openapi.Schema) openapi.Content {
	return openapi.Content{JSON: openapi.MediaType{Schema: s}}
}

func responses(s Surface, r Route, shared schemas) openapi.Ordered[*openapi.ResponseBody] {
	good := &openapi.ResponseBody{Description: "Success", Content: contentOf(shared.of(r.response, true))}
	all := openapi.Ordered[*openapi.ResponseBody]{{Name: strconv.Itoa(r.Status), Value: good}}
	byStatus := errorsOf(s, r)
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		all = append(all, openapi.Member[*openapi.ResponseBody]{
			Name: strconv.Itoa(status), Value: describeErrors(byStatus[status]),
		})
	}
	return all
}

// errorBody is the body of an error, and when it is sent.
type errorBody struct {
	body   any
	reason string
}

// errorsOf gives the errors by their status: those that the route's page documents
// and those that every such route can answer.
func errorsOf(s Surface, r Route) map[int][]errorBody {
	kinds := slices.Clone(r.Errors)
	if r.access == accessToken {
		kinds = append(kinds, apperr.Unauthenticated, s.expiredToken, apperr.UserIsNone, apperr.UserIsDeleted)
	}
	if r.request.NumField() > 0 {
		kinds = append(kinds, apperr.BadRequest)
	}
	if objectOf(r.request).usesBody {
		kinds = append(kinds, apperr.PayloadTooLarge, apperr.UnsupportedMediaType)
	}
	if r.writes() {
		kinds = append(kinds, apperr.IdempotencyKeyNotValid, apperr.IdempotencyKeyReused, apperr.IdempotencyKeyInUse,
			apperr.IdempotencyAnswerLost)
	}
	kinds = append(kinds, apperr.UpgradeRequired, apperr.TooManyRequests, apperr.Internal, apperr.Unavailable)

	byStatus := map[int][]errorBody{}
	for _, kind := range kinds {
		// SNUTT has one code for a missing token and another for a bad one, so each
		// kind is asked for without a token and with one.
		for _, request := range []*http.Request{{}, {Header: http.Header{"X-Access-Token": {"a"}}}} {
			status, body := s.errorBody(request, kind.WithProvider(anyProvider))
			isKnown := func(e errorBody) bool { return e.body == body }
			if !slices.ContainsFunc(byStatus[status], isKnown) {
				byStatus[status] = append(byStatus[status], errorBody{body, errorReason(kind)})
			}
		}
	}
	return byStatus
}

// anyProvider stands for the name of a provider in an error.
const anyProvider = "{provider}"

// describeErrors describes the bodies of one status, which all have the same
// members, by the values that each member can have.
func describeErrors(errors []errorBody) *openapi.ResponseBody {
	o := &openapi.Schema{Type: openapi.Types{"object"}, Closed: true}
	t := reflect.TypeOf(errors[0].body)
	var texts []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		member := &openapi.Schema{Type: openapi.Types{"string"}}
		for _, e := range errors {
			value := reflect.ValueOf(e.body).Field(i).Interface()
			if !slices.Contains(member.Enum, value) {
				member.Enum = append(member.Enum, value)
			}
			if text, ok := value.(string); ok {
				texts = append(texts, "- "+text+" — "+e.reason)
			}
		}
		if t.Field(i).Type.Kind() == reflect.Int {
			member.Type = openapi.Types{"integer"}
		}
		allowAnyProvider(member)
		o.Properties = append(o.Properties, openapi.Member[*openapi.Schema]{Name: name, Value: member})
		o.Required = append(o.Required, name)
	}
	return &openapi.ResponseBody{Description: strings.Join(texts, "\n"), Content: contentOf(o)}
}

// allowAnyProvider turns the values of a member into examples if one of them names a
// provider, because an enumeration would have to list every provider.
func allowAnyProvider(member *openapi.Schema) {
	namesProvider := func(value any) bool {
		text, ok := value.(string)
		return ok && strings.Contains(text, anyProvider)
	}
	if slices.ContainsFunc(member.Enum, namesProvider) {
		member.Examples, member.Enum = member.Enum, nil
	}
}
