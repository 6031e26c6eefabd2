package authorization_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// program is the running program, with the families in it.
type program struct {
	*apptest.Server
	families int
	// ghost is the access token of an account that was deleted.
	ghost string
}

func start(t *testing.T) *program {
	t.Helper()
	facebook := apptest.StartFacebook(t)
	p := &program{Server: apptest.Start(t, func(c *app.Config) { c.FacebookURL = facebook })}
	p.ghost, _ = p.Parent(t)
	p.Data(t, p.ghost, `mutation { deleteAccount { ok } }`, nil, &struct{}{})
	return p
}

// family is an account that has one of everything.
type family struct {
	id     int
	tokens map[string]string
	// values are what it has, by the names that the table gives them.
	values map[string]string
}

// noLocal is a family without a local credential and a Facebook link, whose long-lived
// token is that of a temporary account; unlinked is one without a Facebook link.
const (
	noLocal  = "nolocal"
	unlinked = "unlinked"
)

// newFamily makes a family.
func (p *program) newFamily(t *testing.T, steps []string) *family {
	t.Helper()
	p.families++
	n := p.families
	access, id := p.Parent(t)
	f := &family{id: id, tokens: map[string]string{owner: access}, values: map[string]string{
		"n": strconv.Itoa(n), "unique": fmt.Sprintf("unique-%d", n), "serial": fmt.Sprintf("SLA%07d", n), "mac": mac(2 * n),
		"freeserial": fmt.Sprintf("SLB%07d", n), "freemac": mac(2*n + 1), "freeunique": fmt.Sprintf("free-%d", n),
		"phone-id": fmt.Sprintf("phone-%d", n), "push": fmt.Sprintf("push-token-of-the-family-number-%08d", n),
		"local": fmt.Sprintf("local%d", n), "fb": strconv.Itoa(1000 + n), "password": "secret123",
		"newphone": fmt.Sprintf("+8211%08d", n), "newemail": fmt.Sprintf("new%d@example.com", n),
	}}
	p.AddDevices(t, f.values["serial"]+","+f.values["mac"], f.values["freeserial"]+","+f.values["freemac"])
	var made struct {
		UpdateUser struct {
			User struct{ Email, Phone, GlobalID string }
		}
		Child struct {
			ChildUser struct {
				ID     string
				Device struct{ ID string }
			}
		}
	}
	p.Data(t, access, f.fill(`mutation {
		updateUser(input: {firstName: "First ${n}", lastName: "Last ${n}"}) { user { email phone globalId } }
		child: createChildUser(input: {firstName: "Child ${n}", lastName: "of ${n}", birthdate: "2015-05-05", gender: FEMALE,
			serialCode: "${serial}", macId: "${mac}", uniqueId: "${unique}"}) { childUser { id device { id } } }
		updatePolicy(input: {isPushAgree: true, token: "${push}"}) { policy { isPushAgree } }
		addPushDevice(input: {registrationId: "${phone-id}"}) { pushDevice { registrationId } }
	}`), nil, &made)
	f.values["user"] = strconv.Itoa(id)
	f.values["email"], f.values["phone"] = made.UpdateUser.User.Email, made.UpdateUser.User.Phone
	f.values["global-user"] = made.UpdateUser.User.GlobalID
	f.values["child"], f.values["device"] = made.Child.ChildUser.ID, made.Child.ChildUser.Device.ID
	type node struct{ GlobalID string }
	var uploaded struct {
		UploadDevlogs struct {
			Devlogs []struct {
				node
				ChildUser, Device node
			}
		}
	}
	p.Data(t, access, f.fill(`mutation {
		updateDeviceAlias(input: {deviceId: "${device}", childUserId: "${child}", deviceAlias: "Alias ${n}"}) { device { id } }
		uploadDevlogs(input: {logs: [{childUserId: "${child}", deviceId: "${device}", uniqueId: "${unique}",
			treatmentDate: "2025-02-21T15:48:49", finishFlag: BUTTON_SHUTDOWN, lastIntensity: 2, treatmentTime: 60, logFileId: 1}]}) { devlogs { globalId childUser { globalId } device { globalId } } }
	}`), nil, &uploaded)
	log := uploaded.UploadDevlogs.Devlogs[0]
	f.values["global"], f.values["global-device"], f.values["global-log"] = log.ChildUser.GlobalID, log.Device.GlobalID, log.GlobalID
	p.signIn(t, f, steps)
	for _, step := range steps {
		p.step(t, f, step)
	}
	return f
}

func mac(n int) string {
	return fmt.Sprintf("00:80:%02X:%02X:%02X:%02X", n>>24&0xff, n>>16&0xff, n>>8&0xff, n&0xff)
}

// signIn gives the family one token of each kind.
func (p *program) signIn(t *testing.T, f *family, steps []string) {
	t.Helper()
	if slices.Contains(steps, noLocal) {
		f.tokens[longLife] = p.member(t, http.MethodPost, "/auth/request_temp", "", "", "token")
	} else {
		link := `connectFacebook(input: {facebookId: "${fb}", facebookToken: "token ${fb}"}) { user { id } }`
		if slices.Contains(steps, unlinked) {
			link = ""
		}
		p.Data(t, f.tokens[owner], f.fill(`mutation {
			createLocalCredential(input: {localId: "${local}", password: "${password}"}) { user { id } } `+link+`
		}`), nil, &struct{}{})
		f.tokens[longLife] = p.member(t, http.MethodPost, "/auth/login_local", "", f.fill(`{"id": "${local}", "password": "${password}"}`), "token")
	}
	var signedIn struct {
		SignIn struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	p.Data(t, "", f.fill(`mutation { signIn(input: {email: "${email}", password: "${password}"}) { tokens { accessToken refreshToken } } }`), nil, &signedIn)
	f.tokens[owner], f.values["refresh"] = signedIn.SignIn.Tokens.AccessToken, signedIn.SignIn.Tokens.RefreshToken
	f.tokens[expired] = p.expiredToken(t, f.id)
	var me struct {
		Me struct {
			Sessions []struct{ ID string }
			Messages struct {
				Edges []struct{ Node struct{ ID string } }
			}
		}
	}
	p.Data(t, f.tokens[owner], `{ me { sessions { id } messages(first: 1) { edges { node { id } } } } }`, nil, &me)
	f.values["session"] = me.Me.Sessions[0].ID
	if reports := me.Me.Messages.Edges; len(reports) > 0 { // of the local credential
		f.values["message"] = reports[0].Node.ID
	}
}

func (p *program) expiredToken(t *testing.T, id int) string {
	t.Helper()
	now := p.Clock.Now()
	signed, err := token.DevelopmentKeys().Sign(token.Claims{
		Use: token.Access, RootUserID: id, SessionID: 1, IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-45 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

var linkToken = regexp.MustCompile(`token=([^\s&"]+)`)

// mailedToken is the token of the link that was mailed to the family last.
func (p *program) mailedToken(t *testing.T, f *family) string {
	t.Helper()
	sent, err := p.App.Outbox.Recent(t.Context(), f.values["email"], 1)
	if err != nil || len(sent) == 0 {
		t.Fatalf("no mail: %v", err)
	}
	return linkToken.FindStringSubmatch(sent[0].Text)[1]
}

// step brings the family to the state in which an operation can succeed.
func (p *program) step(t *testing.T, f *family, step string) {
	t.Helper()
	do := func(operation string) {
		p.Data(t, f.tokens[owner], f.fill("mutation { "+operation+" }"), nil, &struct{}{})
	}
	switch step {
	case noLocal, unlinked: // see newFamily
	case "code": // was sent to a phone that nobody has
		do(`sendSmsCode(input: {phone: "${newphone}"}) { ok }`)
		f.values["code"] = p.LastCode(t, f.values["newphone"])
	case "owncode": // was sent to the family's phone
		do(`sendSmsCode(input: {phone: "${phone}"}) { ok }`)
		f.values["code"] = p.LastCode(t, f.values["phone"])
	case "valid": // is the token of a verified phone
		p.step(t, f, "code")
		var verified struct{ VerifySmsCode struct{ ValidToken string } }
		p.Data(t, "", f.fill(`mutation { verifySmsCode(input: {phone: "${newphone}", code: "${code}"}) { validToken } }`), nil, &verified)
		f.values["valid"] = verified.VerifySmsCode.ValidToken
	case "mailcode": // was sent to the family's address
		do(`sendEmailVerification(input: {}) { ok }`)
		f.values["code"] = p.LastCode(t, f.values["email"])
	case "reset": // is the token of a mail
		do(`requestPasswordReset(input: {email: "${email}"}) { ok }`)
		f.values["reset"] = p.mailedToken(t, f)
	case "revert": // is the token of the mail about a changed address
		do(`updateUser(input: {email: "${newemail}"}) { user { id } }`)
		f.values["revert"] = p.mailedToken(t, f)
	case "free": // is a child without a device
		do(`unregisterDevice(input: {childUserId: "${child}", uniqueId: "${unique}"}) { device { id } }`)
	case "presignup":
		f.values["signup"] = p.member(t, http.MethodPost, "/api/v1/addnox/auth/email/pre-signup", "",
			f.fill(`{"email": "${newemail}", "password": "${password}"}`), "email_user_id")
	default:
		t.Fatalf("%s: there is no step %q", tablePath, step)
	}
}

// member sends a request that must succeed and gives one member of the answer.
func (p *program) member(t *testing.T, method, path, accessToken, body, name string) string {
	t.Helper()
	response := p.Call(t, method, path, accessToken, body)
	object, _ := response.JSON(t).(map[string]any)
	if response.Status >= http.StatusBadRequest || object[name] == nil {
		t.Fatalf("%s %s: %d %s", method, path, response.Status, response.Body)
	}
	return fmt.Sprint(object[name])
}

func (f *family) fill(text string) string {
	for name, value := range f.values {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// private are the values by which an answer would show something of the family.
func (f *family) private() map[string]bool {
	all := map[string]bool{}
	for value := range maps.Values(map[string]string{
		"first": "First ${n}", "last": "Last ${n}", "child": "Child ${n}", "of": "of ${n}", "alias": "Alias ${n}", "unique": "${unique}",
		"serial": "${serial}", "mac": "${mac}", "email": "${email}", "phone": "${phone}", "phone-id": "${phone-id}",
		"push": "${push}", "local": "${local}",
	}) {
		all[f.fill(value)] = true
	}
	for _, secret := range f.tokens {
		all[secret] = true
	}
	return all
}
