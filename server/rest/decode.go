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

// maxBody is the longest body in bytes: 1,000 devlogs take about a quarter of it.
const maxBody = 1 << 20

// decode reads a request into a struct by the tags of its fields (see [object]). A
// pointer is optional, and nil when the value is absent or null; every other field
// is required. Unknown members are ignored, because apps in the field send some.
// Whatever does not fit is BadRequest.
func decode[Request any](r *http.Request) (Request, error) {
	var in Request
	target := reflect.ValueOf(&in).Elem()
	from, err := newSource(r, objectOf(target.Type()))
	if err != nil {
		return in, apperr.BadRequest.Wrap(err)
	}
	if err := from.fill(target); err != nil {
		return in, apperr.BadRequest.Wrap(err)
	}
	return in, nil
}

// source is where the fields of one object come from. A nested object has only a
// body.
type source struct {
	request *http.Request
	query   url.Values
	body    map[string]json.RawMessage
}

var (
	errMissing   = errors.New("a required parameter is missing")
	errQuery     = errors.New("a query parameter has another type")
	errBody      = errors.New("the body is not the JSON object that is asked for")
	errFormField = errors.New("the form can't be read")
)

func newSource(r *http.Request, o *object) (*source, error) {
	from := &source{request: r}
	var err error
	if o.usesQuery {
		if from.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return nil, errQuery
		}
	}
	if o.usesBody {
		from.body, err = readBody(r)
	}
	return from, err
}

// readBody gives the members of the body, none for an empty body: some routes have
// only optional members, and apps then send no body at all.
func readBody(r *http.Request) (map[string]json.RawMessage, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, errBody
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		return readForm(string(raw))
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

// readForm gives the fields of a form as JSON strings.
func readForm(raw string) (map[string]json.RawMessage, error) {
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

func (s *source) fill(target reflect.Value) error {
	fields := objectOf(target.Type()).fields
	for i := range fields {
		f := &fields[i]
		found, err := s.read(f, target.FieldByIndex(f.index))
		if err != nil {
			return err
		}
		if !found && !f.optional() {
			return errMissing
		}
	}
	return nil
}

func (s *source) read(f *field, value reflect.Value) (found bool, err error) {
	switch f.place {
	case inPath:
		return fromText(s.request.PathValue(f.name), value)
	case inQuery:
		return s.readQuery(f.name, value)
	case inEither:
		if found, err := s.readQuery(f.name, value); found || err != nil {
			return found, err
		}
	}
	return fromJSON(s.body[f.name], value)
}

func (s *source) readQuery(name string, value reflect.Value) (found bool, err error) {
	if !s.query.Has(name) {
		return false, nil
	}
	return fromText(s.query.Get(name), value)
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

// fromJSON reads a member of the body. encoding/json alone would take an object in
// which required members are missing, so nested objects, and those in arrays, are
// read member by member as well.
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
	return (&source{body: members}).fill(value)
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
