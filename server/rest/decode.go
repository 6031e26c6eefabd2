package rest

import (
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"luxbff/internal/apperr"
)

// maxBody is the longest body: 1,000 devlogs take about a quarter of it.
const maxBody = 1 << 20

// decode reads a request into In by the tags of its fields: `path:"name"`,
// `query:"name"`, `json:"name"` (the JSON body, or a form) and `either:"name"`
// (query, else body). An embedded struct is read in place. A pointer is optional and
// nil when the value is absent or null; anything else is required. Unknown fields are ignored, as today's
// clients send some. Whatever doesn't fit is BadRequest.
func decode[In any](r *http.Request) (In, error) {
	var in In
	target := reflect.ValueOf(&in).Elem()
	source, err := open(r, target.Type())
	if err != nil {
		return in, apperr.BadRequest.Wrap(err)
	}
	if err := source.fill(target); err != nil {
		return in, apperr.BadRequest.Wrap(err)
	}
	return in, nil
}

// request is where the fields of one input come from.
type request struct {
	*http.Request
	query url.Values
	body  map[string]json.RawMessage
}

var (
	errMissing   = errors.New("a required parameter is missing")
	errQuery     = errors.New("a query parameter has another type")
	errBody      = errors.New("the body is not the JSON object that is asked for")
	errFormField = errors.New("the form can't be read")
)

func open(r *http.Request, in reflect.Type) (*request, error) {
	from := &request{Request: r}
	var err error
	if reads(in, "query") || reads(in, "either") {
		if from.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return nil, errQuery
		}
	}
	if hasBody(in) {
		from.body, err = readBody(r)
	}
	return from, err
}

func hasBody(in reflect.Type) bool { return reads(in, "json") || reads(in, "either") }

// reads reports whether a field of the input comes from the place of the tag.
func reads(in reflect.Type, tag string) bool {
	for _, f := range reflect.VisibleFields(in) {
		if f.Tag.Get(tag) != "" {
			return true
		}
	}
	return false
}

func readBody(r *http.Request) (map[string]json.RawMessage, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, errBody
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		return formBody(string(raw))
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil || body == nil {
		return nil, errBody
	}
	return body, nil
}

func formBody(raw string) (map[string]json.RawMessage, error) {
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errFormField
	}
	body := make(map[string]json.RawMessage, len(form))
	for name := range form {
		if body[name], err = json.Marshal(form.Get(name)); err != nil {
			return nil, errFormField
		}
	}
	return body, nil
}

func (r *request) fill(target reflect.Value) error {
	for i := range target.NumField() {
		field, value := target.Type().Field(i), target.Field(i)
		var found bool
		var err error
		switch {
		case field.Anonymous && field.Tag == "":
			found, err = true, r.fill(value)
		case field.Tag.Get("path") != "":
			found, err = fromText(r.PathValue(field.Tag.Get("path")), value)
		case field.Tag.Get("query") != "":
			found, err = r.fromQuery(field.Tag.Get("query"), value)
		case field.Tag.Get("either") != "":
			name := field.Tag.Get("either")
			if found, err = r.fromQuery(name, value); !found && err == nil {
				found, err = fromJSON(r.body[name], value)
			}
		default:
			found, err = fromJSON(r.body[field.Tag.Get("json")], value)
		}
		if err != nil {
			return err
		}
		if !found && value.Kind() != reflect.Pointer {
			return errMissing
		}
	}
	return nil
}

func (r *request) fromQuery(name string, value reflect.Value) (found bool, err error) {
	if !r.query.Has(name) {
		return false, nil
	}
	return fromText(r.query.Get(name), value)
}

// fromText reads a path or query parameter: text, or a number.
func fromText(text string, value reflect.Value) (found bool, err error) {
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
		value = value.Elem()
	}
	if custom, ok := value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true, custom.UnmarshalText([]byte(text))
	}
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
		return true, nil
	case reflect.Int:
		n, err := strconv.Atoi(text)
		value.SetInt(int64(n))
		return true, err
	default:
		return false, errQuery
	}
}

// fromJSON reads a member of the body. The members of objects, and of objects in
// arrays, are checked the same way.
func fromJSON(raw json.RawMessage, value reflect.Value) (found bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return false, nil
	}
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
		return fromJSON(raw, value.Elem())
	}
	if _, custom := value.Addr().Interface().(json.Unmarshaler); custom {
		return true, json.Unmarshal(raw, value.Addr().Interface())
	}
	switch value.Kind() {
	case reflect.Struct:
		return true, fromObject(raw, value)
	case reflect.Slice:
		return true, fromArray(raw, value)
	default:
		return true, json.Unmarshal(raw, value.Addr().Interface())
	}
}

func fromObject(raw json.RawMessage, value reflect.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return errBody
	}
	return (&request{body: members}).fill(value)
}

func fromArray(raw json.RawMessage, value reflect.Value) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return errBody
	}
	value.Set(reflect.MakeSlice(value.Type(), len(items), len(items)))
	for i, item := range items {
		found, err := fromJSON(item, value.Index(i))
		if err != nil {
			return err
		}
		if !found {
			return errMissing
		}
	}
	return nil
}
