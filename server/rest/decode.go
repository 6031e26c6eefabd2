package rest

import (
	"encoding"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"

	"luxbff/internal/apperr"
	"luxbff/server/httpbody"
)

// decode reads a request into a struct by the tags of its fields (see [object]). A
// pointer is optional, and nil when the value is absent or null; every other field
// is required. Unknown members are ignored, because apps in the field send some.
// Whatever does not fit is BadRequest.
func decode[Request any](r *http.Request) (Request, error) {
	var in Request
	target := reflect.ValueOf(&in).Elem()
	from, err := newSource(r, objectOf(target.Type()))
	if err == nil {
		err = from.fill(target)
	}
	var known *apperr.Error
	if err != nil && !errors.As(err, &known) {
		err = apperr.BadRequest.Wrap(err)
	}
	return in, err
}

// source is where the fields of one object come from. A nested object has only a
// body.
type source struct {
	request *http.Request
	query   url.Values
	body    body
}

var (
	errMissing = apperr.Text("a required parameter is missing")
	errQuery   = apperr.Text("a query parameter has another type")
)

func newSource(r *http.Request, o *object) (*source, error) {
	from := &source{request: r}
	var err error
	if o.usesQuery {
		if from.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return nil, errQuery
		}
	}
	if !o.usesBody {
		return from, httpbody.Skip(r, maxBody)
	}
	if from.body, err = readBody(r); err != nil {
		return nil, err
	}
	if from.body.array != nil && !o.takesArray {
		return nil, errBody
	}
	return from, nil
}

func (s *source) fill(target reflect.Value) error {
	fields := objectOf(target.Type()).fields
	for i := range fields {
		f := &fields[i]
		found, err := s.read(f, target.FieldByIndex(f.index))
		if err != nil {
			return err
		}
		if !found && s.requires(f) {
			return errMissing
		}
	}
	return nil
}

// requires reports whether the field has to be there. A body that is an array has no
// members.
func (s *source) requires(f *field) bool {
	return !f.optional() && (f.place != inBody || s.body.array == nil)
}

func (s *source) read(f *field, value reflect.Value) (found bool, err error) {
	switch f.place {
	case inPath:
		return fromText(s.request.PathValue(f.name), value)
	case inQuery:
		return s.readQuery(f.name, value)
	case isArray:
		return fromJSON(s.body.array, value)
	case inEither:
		if found, err := s.readQuery(f.name, value); found || err != nil {
			return found, err
		}
	}
	if text, isField := s.body.form[f.name]; isField {
		return fromForm(text, value)
	}
	return fromJSON(s.body.members[f.name], value)
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
		n, err := parseInteger(text)
		value.SetInt(int64(n))
		return true, err
	default:
		return false, errQuery
	}
}

// fromForm reads a field of a form. A form has no types: 1 may be a text, a number or a
// boolean, and which of them it is the field tells. An empty text is no number, so a
// field that wants one is absent.
func fromForm(text string, value reflect.Value) (found bool, err error) {
	quoted, err := json.Marshal(text)
	if err != nil {
		return false, err
	}
	if found, err := fromJSON(quoted, value); err == nil {
		return found, nil
	}
	value.SetZero()
	return fromJSON(json.RawMessage(text), value)
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
	case reflect.Int:
		n, err := parseInteger(string(raw))
		value.SetInt(int64(n))
		return true, err
	default:
		return true, json.Unmarshal(raw, value.Addr().Interface())
	}
}

func fromObject(raw json.RawMessage, value reflect.Value) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	return (&source{body: body{members: members}}).fill(value)
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
