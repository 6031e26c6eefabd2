package app_test

import (
	"fmt"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// introspection asks for what GraphiQL and the code generators of the mobile
// clients ask for.
const introspection = `query IntrospectionQuery {
  __schema {
    description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

// TestLimitsLeaveRoomForTheContract sends the largest documents that the
// contract lets a client send: the limits of gqlhttp are made for them.
func TestLimitsLeaveRoomForTheContract(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)

	var schema struct {
		Schema struct{ Types []struct{ Name string } } `json:"__schema"`
	}
	s.Data(t, "", introspection, nil, &schema)
	if len(schema.Schema.Types) < 30 {
		t.Errorf("introspection shows %d types", len(schema.Schema.Types))
	}

	var literals strings.Builder
	for file := range 1_000 {
		fmt.Fprintf(&literals, `{childUserId: "1", deviceId: "1", uniqueId: "unique0", treatmentDate: "2025-02-21T%02d:%02d:49", `+
			`finishFlag: BUTTON_SHUTDOWN, lastIntensity: 25, treatmentTime: 500000, logFileId: %d}, `, file/60, file%60, file+1)
	}
	var uploaded struct {
		UploadDevlogs struct{ Devlogs []struct{ ID string } }
	}
	s.Data(t, token, `mutation { uploadDevlogs(input: {logs: [`+literals.String()+`]}) { devlogs {
		id status finishFlag treatmentDate lastIntensity treatmentTime logFileId createdAt updatedAt childUser { id } device { id lastLogFileId } } } }`,
		nil, &uploaded)
	if n := len(uploaded.UploadDevlogs.Devlogs); n != 1_000 {
		t.Errorf("%d of 1,000 logs came back", n)
	}
}
