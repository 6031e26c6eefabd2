package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
)

// TestEachPayloadShowsTheStateAfterItsMutation has several mutations in one document,
// which run one after the other.
func TestEachPayloadShowsTheStateAfterItsMutation(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	got := s.GraphQL(t, token, strings.ReplaceAll(`mutation {
		a: updateUser(input: {firstName: "a"}) { SHOWN }
		b: addPushDevice(input: {registrationId: "phone"}) { SHOWN }
		c: updateUser(input: {firstName: "c"}) { SHOWN }
		d: updatePolicy(input: {isMarketingAgree: true}) { SHOWN }
		e: removePushDevice(input: {registrationId: "phone"}) { SHOWN }
		f: deleteAccount { ok }
		g: updateUser(input: {firstName: "g"}) { SHOWN }
	}`, "SHOWN", "user { firstName pushDevices { registrationId } policy { isMarketingAgree } }"), nil)
	want := `{"a":{"user":{"firstName":"a","pushDevices":[],"policy":{"isMarketingAgree":false}}},` +
		`"b":{"user":{"firstName":"a","pushDevices":[{"registrationId":"phone"}],"policy":{"isMarketingAgree":false}}},` +
		`"c":{"user":{"firstName":"c","pushDevices":[{"registrationId":"phone"}],"policy":{"isMarketingAgree":false}}},` +
		`"d":{"user":{"firstName":"c","pushDevices":[{"registrationId":"phone"}],"policy":{"isMarketingAgree":true}}},` +
		`"e":{"user":{"firstName":"c","pushDevices":[],"policy":{"isMarketingAgree":true}}},` +
		`"f":{"ok":true},"g":null}`
	if diff := cmp.Diff(want, string(got.Data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantOneError(t, got, "USER_IS_DELETED", "g")
}

func wantOneError(t *testing.T, got apptest.GraphQLResponse, code, path string) {
	t.Helper()
	if len(got.Errors) != 1 || got.Code() != code || got.Errors[0].Path[0] != path {
		t.Errorf("got the errors %+v, want %s at %s", got.Errors, code, path)
	}
}

// TestWhatFollowsTheEndOfASessionIsRefused: the token of the request is looked at again
// before each mutation of a document, and what is refused has done nothing.
func TestWhatFollowsTheEndOfASessionIsRefused(t *testing.T) {
	t.Parallel()
	const password = `changePassword(input: {oldPassword: "secret123", newPassword: "secret1234"}) { user { id } }`
	for name, ending := range map[string]string{"a sign-out": `signOut { ok }`, "a new password": password} {
		for form, document := range map[string]string{
			"fields":     `mutation { before: ENDING after: updateUser(input: {firstName: "after"}) { user { id } } }`,
			"fragments":  `mutation { ...two } fragment two on Mutation { before: ENDING after: updateUser(input: {firstName: "after"}) { user { id } } }`,
			"inlined":    `mutation { ... on Mutation { before: ENDING } ... @include(if: true) { after: updateUser(input: {firstName: "after"}) { user { id } } } }`,
			"a deletion": `mutation { before: ENDING after: deleteAccount { ok } }`,
			"a phone":    `mutation { before: ENDING after: addPushDevice(input: {registrationId: "after"}) { pushDevice { registrationId } } }`,
		} {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				s := apptest.Start(t)
				token, _ := s.Parent(t)
				got := s.GraphQL(t, token, strings.ReplaceAll(document, "ENDING", ending), nil)
				wantOneError(t, got, "UNAUTHENTICATED", "after")
				var data map[string]any
				if err := json.Unmarshal(got.Data, &data); err != nil || data["before"] == nil || data["after"] != nil {
					t.Errorf("got %s, %v", got.Data, err)
				}
				if rows := strings.Join(s.Rows(t, "users", apptest.Columns{}), "\n"); !strings.Contains(rows, "first_name=james") {
					t.Errorf("the account is changed:\n%s", rows)
				}
				if rows := s.Rows(t, "push_devices", apptest.Columns{}); len(rows) > 0 {
					t.Errorf("a push device is stored: %s", rows)
				}
			})
		}
	}
}

// TestALongLivedTokenThatStopsIsRefusedAtOnce does the same for SNUTT's tokens, which
// belong to no session.
func TestALongLivedTokenThatStopsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Call(t, "POST", "/auth/register_local", "", `{"id": "Abcd1234", "password": "abcd1234"}`).JSON(t).(map[string]any)["token"].(string)
	got := s.GraphQL(t, token, `mutation {
		a: addPushDevice(input: {registrationId: "first"}) { user { pushDevices { registrationId } } }
		b: changePassword(input: {oldPassword: "abcd1234", newPassword: "efgh5678"}) { user { localId } }
		c: addPushDevice(input: {registrationId: "second"}) { user { pushDevices { registrationId } } }
	}`, nil)
	wantOneError(t, got, "UNAUTHENTICATED", "c")
	want := `{"a":{"user":{"pushDevices":[{"registrationId":"first"}]}},"b":{"user":{"localId":"Abcd1234"}},"c":null}`
	if diff := cmp.Diff(want, string(got.Data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAMutationAloneReadsItsViewerOnce: only where several stand in a document is the
// viewer read again.
func TestAMutationAloneReadsItsViewerOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	const one = `updateNotificationSettings(input: {isDeviceMuted: true}) { user { id } }`
	alone, _ := s.CountStatements(t, token, `mutation { a: `+one+` }`, nil)
	both, _ := s.CountStatements(t, token, `mutation { a: `+one+` b: `+one+` }`, nil)
	if again := 2; both != 2*alone-1+again {
		t.Errorf("%d statements for one mutation, %d for two", alone, both)
	}
}
