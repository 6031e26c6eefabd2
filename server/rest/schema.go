package rest

import (
	"reflect"
	"strings"

	"luxbff/ent/vocab"
	"luxbff/server/openapi"
)

// schemas are the JSON Schemas of the inputs and outputs of routes, read by the
// tags that decode reads.
type schemas map[string]*openapi.Schema

// described is a type that is written otherwise than its fields say.
type described interface{ schema() *openapi.Schema }

// ofOut is the schema of an answer: every member is there, and no other.
func (s schemas) ofOut(t reflect.Type) *openapi.Schema {
	return s.of(t, true)
}

func (s schemas) of(t reflect.Type, out bool) *openapi.Schema {
	if own, ok := reflect.New(t).Interface().(described); ok {
		return own.schema()
	}
	if known := vocabulary(t); known != nil {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(s.of(t.Elem(), out))
	case reflect.Slice:
		return &openapi.Schema{Type: openapi.Types{"array"}, Items: s.of(t.Elem(), out)}
	case reflect.Struct:
		return s.named(t, out)
	case reflect.Interface:
		return ofType("null") // an answer that shows nothing
	case reflect.Bool:
		return ofType("boolean")
	case reflect.Int:
		return ofType("integer")
	default:
		return ofType("string")
	}
}

// named puts an object among the components and refers to it. A type that goes
// in and comes out is two components: an answer is told more strictly.
func (s schemas) named(t reflect.Type, out bool) *openapi.Schema {
	name := title(t.Name())
	if !out && !strings.HasSuffix(name, "In") {
		name += "In"
	}
	if _, known := s[name]; !known {
		s[name] = nil // holds the place while the members are read
		s[name] = s.object(t, out)
	}
	return &openapi.Schema{Ref: "#/components/schemas/" + name}
}

// object reads the members that stand in a body. An input may have others, which
// are ignored; a pointer in it is optional.
func (s schemas) object(t reflect.Type, out bool) *openapi.Schema {
	o := &openapi.Schema{Type: openapi.Types{"object"}, Closed: openapi.Closed(out)}
	for _, f := range inputFields(t) {
		if f.place != inBody && f.place != inEither {
			continue
		}
		member := s.of(f.Type, out)
		if member.Ref == "" {
			member.Description = glossary(f.name)
		}
		o.Properties = append(o.Properties, openapi.Member[*openapi.Schema]{Name: f.name, Value: member})
		if out || f.Type.Kind() != reflect.Pointer && f.place == inBody {
			o.Required = append(o.Required, f.name)
		}
	}
	return o
}

// place is where a field of an input comes from.
type place uint8

const (
	inBody place = iota
	inPath
	inQuery
	inEither // query, else body
)

type inputField struct {
	reflect.StructField
	name  string
	place place
}

// inputFields lists the fields of a struct, those of embedded ones in their
// place, as decode reads them.
func inputFields(t reflect.Type) []inputField {
	var fields []inputField
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case f.Anonymous && f.Tag == "":
			fields = append(fields, inputFields(f.Type)...)
		case f.Tag.Get("path") != "":
			fields = append(fields, inputField{f, f.Tag.Get("path"), inPath})
		case f.Tag.Get("query") != "":
			fields = append(fields, inputField{f, f.Tag.Get("query"), inQuery})
		case f.Tag.Get("either") != "":
			fields = append(fields, inputField{f, f.Tag.Get("either"), inEither})
		default:
			fields = append(fields, inputField{f, f.Tag.Get("json"), inBody})
		}
	}
	return fields
}

func ofType(name string) *openapi.Schema { return &openapi.Schema{Type: openapi.Types{name}} }

func orNull(s *openapi.Schema) *openapi.Schema {
	if s.Ref != "" || len(s.AnyOf) > 0 {
		return &openapi.Schema{AnyOf: []*openapi.Schema{s, ofType("null")}}
	}
	s.Type = append(s.Type, "null")
	if len(s.Enum) > 0 {
		s.Enum = append(s.Enum, nil)
	}
	return s
}

func vocabulary(t reflect.Type) *openapi.Schema {
	switch reflect.Zero(t).Interface().(type) {
	case vocab.Gender:
		return oneOf("string", vocab.Male, vocab.Female, vocab.NonBinary, vocab.PreferNotToSay)
	case vocab.RegisterType:
		return oneOf("string", vocab.RegisteredByEmail, vocab.RegisteredBySocial, vocab.RegisteredLocally)
	case vocab.FinishFlag:
		return oneOf("integer", vocab.NormalShutdown, vocab.ButtonShutdown, vocab.AppShutdown,
			vocab.FaultyContactsShutdown, vocab.VbusShutdown, vocab.FactoryShutdown)
	default:
		return nil
	}
}

func oneOf(kind string, values ...any) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{kind}, Enum: values}
}

func text(pattern, example string) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{"string"}, Pattern: pattern, Examples: []any{example}}
}

func (date) schema() *openapi.Schema { return text(`^[0-9]{8}$`, "19970101") }

func (wallClock) schema() *openapi.Schema {
	return text(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$`, "2025-02-21T15:48:49")
}

func (instant) schema() *openapi.Schema {
	return &openapi.Schema{
		Type: openapi.Types{"string"}, Format: "date-time", Examples: []any{"2024-10-28T08:09:47.889Z"},
	}
}

func (byEmail) schema() *openapi.Schema { return oneOf("string", vocab.RegisteredByEmail) }

func (bySocial) schema() *openapi.Schema { return oneOf("string", vocab.RegisteredBySocial) }

func (flag) schema() *openapi.Schema {
	return &openapi.Schema{AnyOf: []*openapi.Schema{ofType("boolean"), oneOf("integer", 0, 1)}}
}

// glossary is what a name means, wherever it stands.
func glossary(name string) string {
	return map[string]string{ //nolint:gosec // These explain what tokens and passwords are; none is one.
		"access_token":                 "Good for 15 minutes. At a social sign-in: the provider's token.",
		"birthdate":                    "A day as 19970101.",
		"code":                         "The six digits that came by e-mail.",
		"created_at":                   "When it was made, in UTC.",
		"detail_data":                  "One use of the device.",
		"device_alias":                 "What the family calls the device.",
		"device_id":                    "The id of the device, from get-all-device.",
		"email_user_id":                "What pre-signup gave for the e-mail.",
		"expires_in":                   "Seconds for which the access token is good.",
		"finish_flag":                  "Why the use ended, 1 to 6; null or absent while it goes on.",
		"gender":                       "M male, F female, N non-binary, P prefer not to say.",
		"is_basestation_alert_enabled": "Whether the base station's sensor notifies.",
		"is_device_alim_talk_enabled":  "Whether KakaoTalk notifies of electrode contact.",
		"is_device_muted":              "Whether the device is mute.",
		"last_intensity":               "The intensity used last, 0 or more.",
		"last_log_file_id":             "The highest log_file_id ever stored for the device since it was registered.",
		"log_arrays":                   "1 to 1,000 records, stored all or none.",
		"log_file_id":                  "The device's own number of the log.",
		"mac_id":                       "The MAC of the device: whole, or on LUX its last four hex digits in capitals.",
		"national_code":                "ISO 3166-1 alpha-2.",
		"need_personal_info_update":    "Whether first name, birthdate, gender or phone is missing.",
		"need_to_pwd_change":           "Whether the password is older than three months.",
		"notificationCheckedAt":        "When the account last looked at its notifications.",
		"password":                     "8 to 128 characters with a letter and a digit; on SNUTT 6 to 20.",
		"phone":                        "E.164, as +821012345678.",
		"real_user_id":                 "The id of the child account.",
		"refresh_expires_in":           "Seconds for which the refresh token is good.",
		"refresh_token":                "Good for two weeks and one use.",
		"register_type":                "E by e-mail, S through a provider, L by a local id.",
		"registration_id":              "What the push service calls the phone.",
		"root_user_id":                 "The id of the account that signs in.",
		"serial_code":                  "4 to 32 letters and digits.",
		"token":                        "On LUX and Addnox the token of the push service, on SNUTT the long-lived token.",
		"treatment_date":               "The device's wall clock at the start of the use; on a temporary log 30 seconds after it.",
		"treatment_time":               "How long the use lasted, in seconds.",
		"unique_id":                    "The UUID of the device.",
		"username":                     "The e-mail of the account.",
		"valid_token":                  "Good for one sign-up of the phone, for 10 minutes.",
		"validnum":                     "The six digits that came by SMS.",
	}[name]
}
