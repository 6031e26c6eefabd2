package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
)

// globalID makes one as the schema describes none: a client never does.
func globalID(of string, id int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", of, id))
}

// TestNode finds each object of a family by its globalId, as it is shown elsewhere, in few
// statements.
func TestNode(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	uploadComplete(t, s, family, 1)
	type object map[string]any
	var shown struct {
		Me         object
		ChildUsers []struct {
			object
			Device  object
			Devlogs struct{ Edges []struct{ Node object } }
		}
	}
	plain := func(of string) string { return plainFields(t, of) }
	var raw map[string]any
	s.Data(t, family.Token, `{ me {`+plain("User")+`} childUsers { device {`+plain("Device")+`} devlogs { edges { node {`+plain("Devlog")+`} } } } }`, nil, &shown)
	s.Data(t, family.Token, `{ childUsers {`+plain("ChildUser")+`} }`, nil, &raw)
	children, _ := raw["childUsers"].([]any)
	child, _ := children[0].(map[string]any)
	for of, want := range map[string]object{
		"User": shown.Me, "ChildUser": child, "Device": shown.ChildUsers[0].Device, "Devlog": shown.ChildUsers[0].Devlogs.Edges[0].Node,
	} {
		var got struct{ Node object }
		document := `query($id: ID!) { node(id: $id) { ... on ` + of + ` {` + plain(of) + `} globalId } }`
		n, reply := s.CountStatements(t, family.Token, document, map[string]any{"id": want["globalId"]})
		if err := json.Unmarshal(reply.Data, &got); err != nil || len(reply.Errors) > 0 {
			t.Fatalf("%s: %v %+v", of, err, reply.Errors)
		}
		if diff := cmp.Diff(want, got.Node); diff != "" {
			t.Errorf("%s (-elsewhere +node):\n%s", of, diff)
		}
		if n > 3 {
			t.Errorf("%s took %d statements", of, n)
		}
	}
}

// TestNodeIsRefused asks for what is not there, for another account's, and with what is no
// globalId.
func TestNodeIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family, other := s.NewFamily(t), s.NewFamily(t)
	uploadComplete(t, s, other, 1)
	free := s.NewFamily(t)
	s.Data(t, free.Token, fmt.Sprintf(`mutation { unregisterDevice(input: {childUserId: %d, uniqueId: %q}) { device { id } } }`, free.ID, free.UniqueID), nil, &struct{}{})
	var logs struct {
		ChildUsers []struct {
			Devlogs struct {
				Edges []struct{ Node struct{ GlobalID string } }
			}
		}
	}
	s.Data(t, other.Token, `{ childUsers { devlogs { edges { node { globalId } } } } }`, nil, &logs)
	for name, tc := range map[string]struct{ id, code string }{
		"another account":           {globalID("User", other.RootUserID), "NOT_AUTHORIZED_USER"},
		"an account that never was": {globalID("User", 999_999), "NOT_AUTHORIZED_USER"},
		"another's child":           {globalID("ChildUser", other.ID), "NOT_AUTHORIZED_USER"},
		"another's device":          {globalID("Device", other.DeviceID), "NOT_AUTHORIZED_USER"},
		"another's log":             {logs.ChildUsers[0].Devlogs.Edges[0].Node.GlobalID, "NOT_AUTHORIZED_USER"},
		"no child":                  {globalID("ChildUser", 999_999), "REAL_USER_IS_NOT_FOUND"},
		"no device":                 {globalID("Device", 999_999), "NOT_FOUND_DEVICE"},
		"a device that is free":     {globalID("Device", free.DeviceID), "NOT_FOUND_DEVICE"},
		"no log":                    {globalID("Devlog", 999_999), "RESOURCE_NOT_FOUND"},
		"the id of a child":         {fmt.Sprint(family.ID), "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		"a type that is no Node":    {globalID("Message", 1), "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		"nothing":                   {"", "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
	} {
		reply := s.GraphQL(t, family.Token, `query($id: ID!) { node(id: $id) { globalId ... on ChildUser { firstName } } }`, map[string]any{"id": tc.id})
		if reply.Code() != tc.code || !strings.Contains(string(reply.Data), `"node":null`) || reply.Errors[0].Extensions.Field != "id" {
			t.Errorf("%s: %s %+v", name, reply.Data, reply.Errors)
		}
	}
}
