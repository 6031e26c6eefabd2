package parity_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/internal/testutil/apptest"
)

// What the payloads of the mutations below are asked for: everything that one of the
// others may change.
const (
	shownDevice = `{ id uniqueId deviceAlias lastLogFileId childUser { id firstName device { id deviceAlias } } }`
	shownChild  = `{ id firstName device { id uniqueId deviceAlias lastLogFileId childUser { firstName } }
		devlogs(first: 5) { edges { node { id status device { deviceAlias childUser { id } } } } } }`
	shownUser = `{ firstName localId notificationSettings { isDeviceMuted } policy { isMarketingAgree marketingAgreeDate }
		pushDevices { registrationId } childUsers ` + shownChild + ` }`
)

// mutations are written for an account with the children ${a} and ${b}, of whom a has
// the device ${device}.
func mutations() []string {
	return []string{
		`updateUser(input: {firstName: "${n}"}) { user ` + shownUser + ` }`,
		`updateNotificationSettings(input: {isDeviceMuted: true}) { user ` + shownUser + ` }`,
		`updatePolicy(input: {isMarketingAgree: true}) { policy { isMarketingAgree } user ` + shownUser + ` }`,
		`addPushDevice(input: {registrationId: "${email}${n}"}) { pushDevice { registrationId } user ` + shownUser + ` }`,
		`removePushDevice(input: {registrationId: "${email}1"}) { user ` + shownUser + ` }`,
		`updateChildUser(input: {childUserId: ${a}, firstName: "${n}"}) { childUser ` + shownChild + ` }`,
		`deleteChildUser(input: {childUserId: ${b}}) { childUserId }`,
		`unregisterDevice(input: {childUserId: ${a}, uniqueId: "${unique}"}) { device ` + shownDevice + ` }`,
		`registerDevice(input: {childUserId: ${b}, serialCode: "${serial}", macId: "${mac}", uniqueId: "${unique}"}) { device ` + shownDevice + ` }`,
		`registerDevice(input: {childUserId: ${a}, serialCode: "${serial}", macId: "${mac}", uniqueId: "${unique}"}) { device ` + shownDevice + ` }`,
		`updateDeviceAlias(input: {childUserId: ${a}, deviceId: ${device}, deviceAlias: "${n}"}) { device ` + shownDevice + ` }`,
		`uploadDevlogs(input: {logs: [{childUserId: ${a}, deviceId: ${device}, uniqueId: "${unique}", treatmentDate: "2025-02-21T15:48:49",
			lastIntensity: 2, treatmentTime: 600, logFileId: ${n}}]}) { devlogs { id status childUser ` + shownChild + ` device ` + shownDevice + ` } }`,
		`signIn(input: {email: "${email}", password: "secret123"}) { user ` + shownUser + ` }`,
		`changePassword(input: {oldPassword: "secret123", newPassword: "secret1234"}) { user ` + shownUser + ` }`,
		`signOut { ok }`,
		`signOutEverywhere { ok }`,
		`deleteAccount { ok }`,
	}
}

// TestADocumentOfSeveralMutationsIsAsManyRequests sends mutations in one document to one
// program, and one by one to another with an equal database: the payloads and errors are
// the same, whatever the order.
func TestADocumentOfSeveralMutationsIsAsManyRequests(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	together := &world{Server: apptest.StartAt(t, at), vars: map[string]string{}}
	oneByOne := &world{Server: apptest.StartAt(t, at), vars: map[string]string{}}
	accounts := 0
	rapid.Check(t, func(rt *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SampledFrom(mutations()), 2, 5).Draw(rt, "mutations")
		accounts++
		together.newAccount(t, accounts)
		oneByOne.newAccount(t, accounts)
		var document strings.Builder
		want, wantCodes := map[string]json.RawMessage{}, map[string]string{}
		for i, mutation := range drawn {
			name := fmt.Sprint("m", i)
			field := name + ": " + oneByOne.fill(strings.ReplaceAll(mutation, "${n}", fmt.Sprint(i+1)))
			document.WriteString(field + "\n")
			response := oneByOne.GraphQL(t, oneByOne.vars["parent"], "mutation { "+field+" }", nil)
			var data map[string]json.RawMessage
			if err := json.Unmarshal(response.Data, &data); err != nil {
				rt.Fatalf("%s: %s, %v", field, response.Data, err)
			}
			want[name] = data[name]
			if code := response.Code(); code != "" {
				wantCodes[name] = code
			}
		}
		response := together.GraphQL(t, together.vars["parent"], "mutation {\n"+document.String()+"}", nil)
		got, gotCodes := map[string]json.RawMessage{}, map[string]string{}
		if err := json.Unmarshal(response.Data, &got); err != nil {
			rt.Fatalf("%s: %+v, %v", document.String(), response, err)
		}
		for _, e := range response.Errors {
			gotCodes[fmt.Sprint(e.Path[0])] = e.Extensions.Code
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("one by one (-), in one document (+):\n%s", diff)
		}
		if diff := cmp.Diff(wantCodes, gotCodes); diff != "" {
			rt.Errorf("errors one by one (-), in one document (+):\n%s", diff)
		}
	})
}

// newAccount makes the account that the mutations are for, and sets their variables.
func (w *world) newAccount(t *testing.T, n int) {
	t.Helper()
	w.vars["parent"], _ = w.Parent(t)
	w.vars["email"] = fmt.Sprintf("parent%d@example.com", n)
	a, b := w.CreateChild(t, w.vars["parent"]), w.CreateChild(t, w.vars["parent"])
	w.Data(t, w.vars["parent"], unregister, map[string]any{"child": b.ID, "unique": b.UniqueID}, &struct{}{})
	w.vars["a"], w.vars["b"] = fmt.Sprint(a.ID), fmt.Sprint(b.ID)
	w.vars["device"], w.vars["unique"] = fmt.Sprint(a.DeviceID), a.UniqueID
	var shown struct {
		ChildUser struct {
			Device struct{ SerialCode, MacID string }
		}
	}
	w.Data(t, w.vars["parent"], `query($id: ID!) { childUser(id: $id) { device { serialCode macId } } }`, map[string]any{"id": a.ID}, &shown)
	w.vars["serial"], w.vars["mac"] = shown.ChildUser.Device.SerialCode, shown.ChildUser.Device.MacID
}
