//go:build upgrade

package upgrade_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/clustertest"
	"luxbff/internal/testutil/subscriptiontest"
)

// people counts the accounts of a test: each needs a phone number, an address and a
// device of its own.
type people struct{ last atomic.Int64 }

// person is somebody who is about to sign up, with the device of a child.
type person struct{ phone, email, localID, serial, mac, uniqueID string }

func (p *people) next() person {
	n := int(p.last.Add(1))
	return person{
		phone: fmt.Sprintf("+8210%08d", 20_000_000+n), email: fmt.Sprintf("parent%d@example.com", n), localID: fmt.Sprintf("parent%d", n),
		serial: fmt.Sprintf("UP%08d", n), mac: fmt.Sprintf("00:80:E1:28:%02X:%02X", n>>8, n&0xff), uniqueID: fmt.Sprint("unique", n),
	}
}

// catalogue is the file of as many devices.
func catalogue(devices int) string {
	var all people
	file := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n"
	for range devices {
		one := all.next()
		file += one.serial + "," + one.mac + ",1,1,1,1.0.0\n"
	}
	return file
}

const password = "secret123"

// signUp signs somebody up over GraphQL.
func (c *client) signUp(who person) tokens {
	c.t.Helper()
	valid := c.proven(who.phone)
	var data struct{ SignUp struct{ Tokens tokens } }
	c.graphQL("", `mutation($input: SignUpInput!) { signUp(input: $input) { tokens { accessToken refreshToken } } }`, map[string]any{
		"input": map[string]any{
			"validToken": valid, "email": who.email, "password": password, "firstName": "James", "lastName": "Kim", "birthdate": "1997-01-01",
			"gender": "MALE", "phone": who.phone, "isPushAgree": false, "isMarketingAgree": false, "nationalCode": "KR",
		},
	}, &data)
	return data.SignUp.Tokens
}

// newFamily signs somebody up and creates a child with a device.
func (c *client) newFamily(who person) *clustertest.Family {
	c.t.Helper()
	token := c.signUp(who).AccessToken
	var data struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     int `json:",string"`
				Device struct {
					ID int `json:",string"`
				}
			}
		}
		Me struct {
			ID int `json:",string"`
		}
	}
	c.graphQL(token, `mutation($input: CreateChildUserInput!) { createChildUser(input: $input) { childUser { id device { id } } } }`, map[string]any{
		"input": map[string]any{
			"firstName": "test", "lastName": "", "birthdate": "2020-01-01", "gender": "FEMALE",
			"serialCode": who.serial, "macId": who.mac, "uniqueId": who.uniqueID,
		},
	}, &data)
	c.graphQL(token, `{ me { id } }`, nil, &data)
	child := data.CreateChildUser.ChildUser
	return &clustertest.Family{
		RootUserID: data.Me.ID, Token: token, ChildUserID: child.ID, DeviceID: child.Device.ID, UniqueID: who.uniqueID,
	}
}

// home is all that an account sees of itself.
const home = `{ me { id firstName lastName birthdate gender email isEmailVerified phone isPhoneNumberChecked registerType nationalCode
	needsPersonalInfoUpdate needsPasswordChange createdAt localId notificationSettings { isDeviceMuted isDeviceAlimTalkEnabled isBasestationAlertEnabled }
	policy { isPushAgree isMarketingAgree pushAgreeDate marketingAgreeDate } facebook { attached name } pushDevices { registrationId createdAt } }
	childUsers { id firstName lastName birthdate gender device { id serialCode uniqueId deviceAlias firmwareVersion lastLogFileId }
	devlogs(first: 10) { edges { cursor node { id status finishFlag treatmentDate lastIntensity treatmentTime logFileId createdAt updatedAt } }
	pageInfo { hasNextPage endCursor } } } }`

// sees gives what an account sees of itself at the next replica, on every surface.
func (c *client) sees(token string) (all []string) {
	c.t.Helper()
	var data json.RawMessage
	c.graphQL(token, home, nil, &data)
	all = append(all, string(data))
	for _, path := range []string{"/api/v1/lux/user/me", "/api/v1/lux/device/get-all-device", "/api/v1/addnox/user/me", "/user/info"} {
		status, answer, by := c.send(http.MethodGet, path, token, "")
		if status != http.StatusOK {
			c.t.Fatalf("%s at %s: %d %s", path, by, status, answer)
		}
		all = append(all, string(answer))
	}
	return all
}

// checkEqualViews checks that an account sees the same at each replica.
func (c *client) checkEqualViews(token string) {
	c.t.Helper()
	one, another := c.sees(token), c.sees(token) // five requests each: the second time at another replica
	if diff := cmp.Diff(one, another); diff != "" {
		c.t.Errorf("two replicas show an account differently (-one +another):\n%s", diff)
	}
}

// checkSignedOut checks that a token lets nobody in, at any replica.
func (c *client) checkSignedOut(token, why string) {
	c.t.Helper()
	for range c.urls {
		if code := c.code(token, `{ me { id } }`, nil, nil); code == "" {
			c.t.Errorf("%s, and the token still lets somebody in", why)
		}
	}
}

// luxJourney is what a parent does with the app of LUX, up to the deletion of the account.
func luxJourney(c *client, who person) {
	const api = "/api/v1/lux"
	valid := c.proven(who.phone)
	signedUp := c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/signup", valid, fmt.Sprintf(`{"email": %q, "password": %q,
		"first_name": "james", "last_name": "", "birthdate": "19970101", "gender": "M", "phone": %q, "register_type": "E",
		"is_push_agree": false, "is_marketing_agree": true, "national_code": "KR"}`, who.email, password, who.phone))
	refresh, token := c.text(signedUp, "refresh_token"), c.text(signedUp, "access_token")

	// Each replica trades the refresh token that another has signed.
	for range 4 {
		answer := c.rest(http.StatusOK, http.MethodPost, api+"/auth/refresh-token", "", fmt.Sprintf(`{"refresh_token": %q}`, refresh))
		refresh, token = c.text(answer, "refresh_token"), c.text(answer, "access_token")
		for range c.urls {
			c.rest(http.StatusOK, http.MethodGet, api+"/user/me", token, "")
		}
	}

	made := c.rest(http.StatusOK, http.MethodPost, api+"/user/create-real-user", token, fmt.Sprintf(`{"first_name": "test", "last_name": "",
		"birthdate": "20200101", "gender": "F", "serial_code": %q, "mac_id": %q, "unique_id": %q}`, who.serial, who.mac, who.uniqueID))
	child, device := made["real_user_id"], made["device_id"]
	c.rest(http.StatusOK, http.MethodGet, api+"/device/check-device?unique_id="+who.uniqueID, token, "")
	c.rest(http.StatusOK, http.MethodPatch, api+"/device/update-alias", token,
		fmt.Sprintf(`{"device_id": %v, "real_user_id": %v, "device_alias": "kitchen"}`, device, child))
	log := func(file int, finish string) string {
		return fmt.Sprintf(`{"log_arrays": [{"real_user_id": %v, "device_id": %v, "unique_id": %q, "log_file_id": %d, "detail_data":
			{"treatment_date": "2025-02-%02dT15:48:49", %s "last_intensity": 25, "treatment_time": 600}}]}`, child, device, who.uniqueID, file, file, finish)
	}
	for file := 1; file <= 8; file++ {
		c.rest(http.StatusOK, http.MethodPost, api+"/device/devlog", token, log(file, ""))                   // begun at one replica
		c.rest(http.StatusOK, http.MethodPost, api+"/device/devlog", token, log(file, `"finish_flag": 2, `)) // and completed at another
		c.rest(http.StatusOK, http.MethodPost, api+"/device/devlog", token, log(file, `"finish_flag": 2, `)) // and sent once more
	}
	c.checkPages(token, fmt.Sprint(child), 8)

	c.rest(http.StatusOK, http.MethodPatch, api+"/user/policy", token, `{"is_push_agree": true, "token": "fcm-token-of-`+who.localID+`-0123456789012345"}`)
	c.rest(http.StatusOK, http.MethodPost, api+"/user/push/set-token", token, `{"token": "fcm-token-two-of-`+who.localID+`-0123456789012345"}`)
	c.rest(http.StatusOK, http.MethodPatch, api+"/user/notification", token, `{"is_device_muted": 1, "is_device_alim_talk_enabled": 1, "is_basestation_alert_enabled": 0}`)
	c.rest(http.StatusOK, http.MethodPost, api+"/device/alimtalk", token, "")
	c.rest(http.StatusOK, http.MethodPatch, fmt.Sprintf("%s/device/un-connect?unique_id=%s&real_user_id=%v", api, who.uniqueID, child), token, "")
	c.rest(http.StatusOK, http.MethodPost, fmt.Sprintf("%s/device/set-my-device?serial_code=%s&mac_id=%s&unique_id=%s&real_user_id=%v",
		api, who.serial, who.mac, who.uniqueID, child), token, "")
	c.checkEqualViews(token)

	// The account changes its phone, is found by it, and gets another password by mail.
	phone := "+8211" + who.phone[5:]
	c.rest(http.StatusOK, http.MethodPost, api+"/auth/send-sms-auth", "", fmt.Sprintf(`{"phone": %q}`, phone))
	c.rest(http.StatusOK, http.MethodPost, api+"/user/change-phone", token, fmt.Sprintf(`{"phone": %q, "validnum": %q}`, phone, c.message(phone, codePattern)))
	c.rest(http.StatusOK, http.MethodPost, api+"/auth/send-sms-auth", "", fmt.Sprintf(`{"phone": %q}`, phone))
	found := c.rest(http.StatusOK, http.MethodPost, api+"/auth/find-id-by-phone", "", fmt.Sprintf(`{"phone": %q, "validnum": %q}`, phone, c.message(phone, codePattern)))
	if found["email"] != who.email {
		c.t.Errorf("the account of %s is %v", phone, found)
	}
	c.resetPassword(who.email, "another1234")
	c.checkSignedOut(token, "the password was reset")
	signedIn := c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/signin", "", fmt.Sprintf(`{"username": %q, "password": "another1234"}`, who.email))
	refresh = c.text(signedIn, "refresh_token")

	// A refresh token that comes again after its successor was used ends the session.
	answer := c.rest(http.StatusOK, http.MethodPost, api+"/auth/refresh-token", "", fmt.Sprintf(`{"refresh_token": %q}`, refresh))
	token = c.text(answer, "access_token")
	for range c.urls {
		c.rest(http.StatusOK, http.MethodGet, api+"/user/me", token, "")
	}
	if status, body, by := c.send(http.MethodPost, api+"/auth/refresh-token", "", fmt.Sprintf(`{"refresh_token": %q}`, refresh)); status != http.StatusUnauthorized {
		c.t.Errorf("a refresh token that was used before: %d %s at %s", status, body, by)
	}
	c.checkSignedOut(token, "its refresh token came twice")

	signedIn = c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/signin", "", fmt.Sprintf(`{"username": %q, "password": "another1234"}`, who.email))
	token = c.text(signedIn, "access_token")
	c.rest(http.StatusOK, http.MethodDelete, api+"/user/delete-real-user", token, fmt.Sprintf(`{"real_user_id": %v, "unique_id": %q}`, child, who.uniqueID))
	c.rest(http.StatusOK, http.MethodDelete, api+"/user/root-user", token, "")
	c.checkSignedOut(token, "the account was deleted")
}

// resetPassword asks for the mail and follows its link.
func (c *client) resetPassword(email, to string) {
	c.t.Helper()
	c.rest(http.StatusOK, http.MethodPost, "/api/v1/lux/auth/send-reset-mail", "", fmt.Sprintf(`{"email": %q}`, email))
	link := c.message(email, `/reset-password\?token=(\S+)`)
	c.graphQL("", `mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { ok } }`,
		map[string]any{"input": map[string]any{"token": link, "newPassword": to}}, nil)
}

// checkPages reads the history of a child a page at a time: each log is there once,
// newest first, although another replica gives the next page.
func (c *client) checkPages(token, child string, logs int) {
	c.t.Helper()
	var files []int
	after := any(nil)
	for more := true; more; {
		var data struct {
			ChildUser struct {
				Devlogs struct {
					Edges    []struct{ Node struct{ LogFileID int } }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		c.graphQL(token, `query($id: ID!, $after: String) { childUser(id: $id) { devlogs(first: 3, after: $after) {
			edges { node { logFileId } } pageInfo { hasNextPage endCursor } } } }`, map[string]any{"id": child, "after": after}, &data)
		for _, edge := range data.ChildUser.Devlogs.Edges {
			files = append(files, edge.Node.LogFileID)
		}
		after, more = data.ChildUser.Devlogs.PageInfo.EndCursor, data.ChildUser.Devlogs.PageInfo.HasNextPage
	}
	var want []int
	for file := logs; file > 0; file-- {
		want = append(want, file)
	}
	if diff := cmp.Diff(want, files); diff != "" {
		c.t.Errorf("the history (-want +got):\n%s", diff)
	}
}

// addnoxJourney is a sign-up in two steps, and the routes that Addnox has for itself.
func addnoxJourney(c *client, who person) {
	const api = "/api/v1/addnox"
	begun := c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/pre-signup", "", fmt.Sprintf(`{"email": %q, "password": %q}`, who.email, password))
	again := c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/pre-signup", "", fmt.Sprintf(`{"email": %q, "password": %q}`, who.email, password))
	if begun["email_user_id"] != again["email_user_id"] {
		c.t.Errorf("a sign-up that was begun twice has the ids %v and %v", begun, again)
	}
	valid := c.proven(who.phone)
	done := c.rest(http.StatusCreated, http.MethodPost, api+"/auth/email/signup", valid, fmt.Sprintf(`{"email": %q, "email_user_id": %v,
		"first_name": "james", "last_name": "kim", "birthdate": "19970101", "gender": "M", "phone": %q, "register_type": "E",
		"is_push_agree": true, "is_marketing_agree": false, "national_code": "KR"}`, who.email, begun["email_user_id"], who.phone))
	token := c.text(done, "access_token")
	c.rest(http.StatusOK, http.MethodPost, api+"/auth/email/signin", "", fmt.Sprintf(`{"username": %q, "password": %q}`, who.email, password))
	made := c.rest(http.StatusOK, http.MethodPost, api+"/user/create-real-user", token, fmt.Sprintf(`{"first_name": "test", "last_name": "",
		"birthdate": "20200101", "gender": "F", "serial_code": %q, "mac_id": %q, "unique_id": %q}`, who.serial, who.mac, who.uniqueID))
	c.rest(http.StatusOK, http.MethodPost, "/api/v1/lux/device/devlog", token, fmt.Sprintf(`{"log_arrays": [{"real_user_id": %v, "device_id": %v,
		"unique_id": %q, "log_file_id": 1, "detail_data": {"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60}}]}`,
		made["real_user_id"], made["device_id"], who.uniqueID))
	c.rest(http.StatusOK, http.MethodPost, api+"/user/push/set-token", token, `{"token": "fcm-token-of-`+who.localID+`-0123456789012345"}`)
	c.checkEqualViews(token)
	c.rest(http.StatusOK, http.MethodDelete, api+"/user/root-user", token, "")
	c.checkSignedOut(token, "the account was deleted")
}

// snuttJourney is what SNUTT's apps do, which keep one token for as long as the password
// stays.
func snuttJourney(c *client, who person) {
	made := c.rest(http.StatusOK, http.MethodPost, "/auth/register_local", "", fmt.Sprintf(`{"id": %q, "password": "abcd1234", "email": %q}`, who.localID, who.email))
	token := c.text(made, "token")
	for range c.urls {
		again := c.rest(http.StatusOK, http.MethodPost, "/auth/login_local", "", fmt.Sprintf(`{"id": %q, "password": "abcd1234"}`, who.localID))
		if c.text(again, "token") != token {
			c.t.Error("another replica gives another long-lived token")
		}
	}
	c.rest(http.StatusOK, http.MethodPost, "/user/device/phone-of-"+who.localID, token, "")
	c.rest(http.StatusOK, http.MethodPost, "/user/device/phone-of-"+who.localID, token, "")
	c.rest(http.StatusOK, http.MethodPost, "/user/email/verification", token, fmt.Sprintf(`{"email": "new-%s"}`, who.email))
	verified := c.rest(http.StatusOK, http.MethodPost, "/user/email/verification/code", token, fmt.Sprintf(`{"code": %q}`, c.message("new-"+who.email, codePattern)))
	if verified["is_email_verified"] != true {
		c.t.Errorf("the address is not verified: %v", verified)
	}
	c.checkEqualViews(token)
	c.rest(http.StatusOK, http.MethodDelete, "/user/device/phone-of-"+who.localID, token, "")
	changed := c.rest(http.StatusOK, http.MethodPut, "/user/password", token, `{"new_password": "efgh5678", "old_password": "abcd1234"}`)
	c.checkSignedOut(token, "the password was changed")
	token = c.text(changed, "token")
	c.checkEqualViews(token)
	c.rest(http.StatusOK, http.MethodDelete, "/user/account", token, "")
	c.checkSignedOut(token, "the account was deleted")
}

// graphQLJourney signs in by each way that GraphQL has, and ends the live feed of one
// replica by a sign-out at another.
func graphQLJourney(c *client, who person) {
	family := c.newFamily(who)
	c.graphQL(family.Token, `mutation($input: CreateLocalCredentialInput!) { createLocalCredential(input: $input) { user { localId } } }`,
		map[string]any{"input": map[string]any{"localId": who.localID, "password": password}}, nil)
	for i := range c.urls {
		byID := c.mutateForTokens(fmt.Sprintf(`signInLocal(input: {localId: %q, password: %q})`, who.localID, password))
		byEmail := c.mutateForTokens(fmt.Sprintf(`signIn(input: {email: %q, password: %q})`, who.email, password))
		refreshed := c.mutateForTokens(fmt.Sprintf(`refreshToken(input: {refreshToken: %q})`, byID.RefreshToken))
		feed, err := subscriptiontest.Open(c.t.Context(), subscriptiontest.Request{
			URL: c.next(), Token: refreshed.AccessToken, Transport: transports()[i],
		})
		if err != nil {
			c.t.Fatal(err)
		}
		c.graphQL(refreshed.AccessToken, `mutation { signOut { ok } }`, nil, nil)
		if event, err := feed.Next(); err == nil {
			c.t.Errorf("the feed of a session that ended at another replica has %v", event)
		} else if !strings.Contains(err.Error(), "the server ended") {
			c.t.Errorf("the feed ends by %v", err)
		}
		feed.Close()
		c.checkSignedOut(refreshed.AccessToken, "it was signed out")
		changed := c.mutateWith(byEmail.AccessToken, fmt.Sprintf(`changePassword(input: {oldPassword: %q, newPassword: %q})`, password, password))
		c.checkSignedOut(byEmail.AccessToken, "the password was changed")
		c.graphQL(changed.AccessToken, `mutation { updatePolicy(input: {isMarketingAgree: true}) { policy { isMarketingAgree } } }`, nil, nil)
		c.graphQL(changed.AccessToken, `mutation { updateUser(input: {firstName: "Jane"}) { user { firstName } } }`, nil, nil)
		family.Token = changed.AccessToken
	}
	c.checkEqualViews(family.Token)
	checkCursors(c, family)
	c.graphQL(family.Token, `mutation($input: DeleteChildUserInput!) { deleteChildUser(input: $input) { childUserId } }`,
		map[string]any{"input": map[string]any{"childUserId": strconv.Itoa(family.ChildUserID), "uniqueId": who.uniqueID}}, nil)
	c.graphQL(family.Token, `mutation { deleteAccount { ok } }`, nil, nil)
	c.checkSignedOut(family.Token, "the account was deleted")
}

// mutateWith is mutateForTokens for somebody who is signed in.
func (c *client) mutateWith(token, mutation string) tokens {
	c.t.Helper()
	var data struct{ Got struct{ Tokens tokens } }
	c.graphQL(token, `mutation { got: `+mutation+` { tokens { accessToken refreshToken } } }`, nil, &data)
	return data.Got.Tokens
}

// transports are those that the release before has as well.
func transports() []subscriptiontest.Transport {
	return []subscriptiontest.Transport{
		subscriptiontest.WebSocket, subscriptiontest.LegacyWebSocket, subscriptiontest.EventStream, subscriptiontest.Multipart,
	}
}

// checkCursors follows a feed whose connection is lost after each event. It goes on at
// another replica, by the cursor that the one before has given, over each transport.
func checkCursors(c *client, family *clustertest.Family) {
	c.t.Helper()
	open := func(transport subscriptiontest.Transport, after string) *subscriptiontest.Subscription {
		feed, err := subscriptiontest.Open(c.t.Context(), subscriptiontest.Request{URL: c.next(), Token: family.Token, Transport: transport, After: after})
		if err != nil {
			c.t.Fatal(err)
		}
		return feed
	}
	file := 0
	upload := func() {
		file++
		if err := family.Upload(c.next(), file); err != nil {
			c.t.Fatal(err)
		}
	}
	// The header of a stream's answer says that the subscription has started.
	feed := open(subscriptiontest.EventStream, "")
	upload()
	cursor := ""
	for _, transport := range transports() {
		for range 2 * len(c.urls) {
			event, err := feed.Next()
			feed.Close()
			if err != nil || event.LogFileID != file {
				c.t.Fatalf("%s: event %+v, %v; want that of log file %d", transport, event, err, file)
			}
			cursor = event.Cursor
			upload()
			feed = open(transport, cursor)
		}
	}
	feed.Close()
}

// journeys are the ways through the program, by surface.
func journeys() map[string]func(*client, person) {
	return map[string]func(*client, person){"LUX": luxJourney, "Addnox": addnoxJourney, "SNUTT": snuttJourney, "GraphQL": graphQLJourney}
}

// travel makes each journey twice, so that each of its requests comes to each of two
// replicas.
func travel(t *testing.T, everybody *people, urls []string) {
	t.Helper()
	for surface, journey := range journeys() {
		for first := range urls {
			t.Run(fmt.Sprintf("%s/%d", surface, first), func(t *testing.T) {
				t.Parallel()
				journey(&client{t: t, urls: urls, sent: first}, everybody.next())
			})
		}
	}
}
