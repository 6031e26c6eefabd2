package rest

import (
	"reflect"
	"strings"

	"luxbff/ent/vocab"
	"luxbff/server/openapi"
)

// schemas holds the JSON Schemas of the requests and responses of routes by the name
// of their component, made of the same tags that decode reads.
type schemas map[string]*openapi.Schema

// hasSchema is a type whose JSON does not follow from its fields.
type hasSchema interface{ schema() *openapi.Schema }

// of gives the schema of a type. In a response (out) every member is present, and no
// other.
func (s schemas) of(t reflect.Type, out bool) *openapi.Schema {
	if own, ok := reflect.New(t).Interface().(hasSchema); ok {
		return own.schema()
	}
	if enum := vocabularySchema(t); enum != nil {
		return enum
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(s.of(t.Elem(), out))
	case reflect.Slice:
		return &openapi.Schema{Type: openapi.Types{"array"}, Items: s.of(t.Elem(), out)}
	case reflect.Struct:
		return s.named(t, out)
	case reflect.Interface:
		return typeSchema("null") // a response that has nothing to say
	case reflect.Bool:
		return typeSchema("boolean")
	case reflect.Int:
		return typeSchema("integer")
	default:
		return typeSchema("string")
	}
}

// named puts an object among the components and gives a reference to it. A type that
// is both sent and received becomes two components, because its schema is stricter
// in a response.
func (s schemas) named(t reflect.Type, out bool) *openapi.Schema {
	name := componentName(t, out)
	if _, known := s[name]; !known {
		s[name] = nil // a type that contains itself finds its name here
		s[name] = s.object(t, out)
	}
	return &openapi.Schema{Ref: "#/components/schemas/" + name}
}

// componentName gives the name of a type in the document. Clients may have generated
// code from these names, so they stay what they were when the document was first
// published, whatever the Go types are called.
func componentName(t reflect.Type, out bool) string {
	switch t.Name() {
	case "tokenResponse":
		return "TokenAnswer"
	case "renewedTokenResponse":
		return "Renewed"
	case "deviceResponse":
		return "LuxDevice"
	case "doneResponse", "connectedResponse", "deviceCheckResponse", "familyMemberResponse", "meResponse",
		"registeredResponse":
		return title(strings.TrimSuffix(t.Name(), "Response"))
	}
	if request, ok := strings.CutSuffix(t.Name(), "Request"); ok {
		return title(request) + "In"
	}
	if response, ok := strings.CutSuffix(t.Name(), "Response"); ok {
		return title(response) + "Out"
	}
	if !out {
		return title(t.Name()) + "In"
	}
	return title(t.Name())
}

// object describes the members that stand in a body. A request may have others,
// which are ignored, and its pointers are optional.
func (s schemas) object(t reflect.Type, out bool) *openapi.Schema {
	o := &openapi.Schema{Type: openapi.Types{"object"}, Closed: openapi.Closed(out)}
	for _, f := range objectOf(t).fields {
		if f.place != inBody && f.place != inEither {
			continue
		}
		member := s.of(f.typ, out)
		if member.Ref == "" {
			member.Description = glossary(f.name)
		}
		o.Properties = append(o.Properties, openapi.Member[*openapi.Schema]{Name: f.name, Value: member})
		if out || !f.optional() && f.place == inBody {
			o.Required = append(o.Required, f.name)
		}
	}
	return o
}

func typeSchema(name string) *openapi.Schema { return &openapi.Schema{Type: openapi.Types{name}} }

// orNull adds null to the values that a schema allows.
func orNull(s *openapi.Schema) *openapi.Schema {
	if s.Ref != "" || len(s.AnyOf) > 0 {
		return &openapi.Schema{AnyOf: []*openapi.Schema{s, typeSchema("null")}}
	}
	s.Type = append(s.Type, "null")
	if len(s.Enum) > 0 {
		s.Enum = append(s.Enum, nil)
	}
	return s
}

// vocabularySchema lists the values of an enumeration as REST writes them; nil for any
// other type.
func vocabularySchema(t reflect.Type) *openapi.Schema {
	switch reflect.Zero(t).Interface().(type) {
	case vocab.Gender:
		return enumSchema("string", vocab.Male, vocab.Female, vocab.NonBinary, vocab.PreferNotToSay)
	case vocab.RegisterType:
		return enumSchema("string", vocab.RegisteredByEmail, vocab.RegisteredBySocial, vocab.RegisteredLocally)
	case vocab.FinishFlag:
		return enumSchema("integer", vocab.NormalShutdown, vocab.ButtonShutdown, vocab.AppShutdown,
			vocab.FaultyContactsShutdown, vocab.VbusShutdown, vocab.FactoryShutdown)
	default:
		return nil
	}
}

// enumSchema describes a value that is one of the list.
func enumSchema(kind string, values ...any) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{kind}, Enum: values}
}

// textSchema describes a string by a regular expression.
func textSchema(pattern, example string) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{"string"}, Pattern: pattern, Examples: []any{example}}
}

// glossary says what a member or parameter means. A name means the same on every
// route, so it is explained once.
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
		"treatment_date":               "The device's wall clock at the start of the use, ISO 8601; on a temporary log 30 seconds after it. An offset is kept and doesn't move it.",
		"treatment_time":               "How long the use lasted, in seconds.",
		"unique_id":                    "The UUID of the device.",
		"user_id":                      "The id of the SNUTT account, as text.",
		"username":                     "The e-mail of the account.",
		"valid_token":                  "Good for one sign-up of the phone, for 10 minutes.",
		"validnum":                     "The six digits that came by SMS.",
	}[name]
}
