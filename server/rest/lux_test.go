package rest_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const byMail = `"email": "parent@lux.example", "password": "correct horse 1", "register_type": "E"`

func (s server) luxParent(t *testing.T) map[string]any {
	t.Helper()
	return s.step(t, "POST "+lux+"/auth/email/signup", s.validToken(t, lux, phone), person(phone, byMail), 200, tokenAnswer)
}

func TestLuxAuth(t *testing.T) {
	t.Parallel()
	s := start(t)
	signedUp := s.luxParent(t)
	s.step(t, "POST "+lux+"/auth/email/signin", "", `{"username": "PARENT@lux.example", "password": "correct horse 1"}`, 200, tokenAnswer)
	form := strings.NewReader("username=parent%40lux.example&password=correct+horse+1")
	answer, err := s.Client().Post(s.URL+lux+"/auth/email/signin", "application/x-www-form-urlencoded", form)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("sign in by form: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	refresh := `{"refresh_token": "` + text(t, signedUp, "refresh_token") + `"}`
	refreshed := s.step(t, "POST "+lux+"/auth/refresh-token", "", refresh, 200, tokenAnswer)
	next := `{"refresh_token": "` + text(t, refreshed, "refresh_token") + `"}`
	s.step(t, "POST "+lux+"/auth/refresh-token", "", next, 200, tokenAnswer)
	s.step(t, "POST "+lux+"/auth/refresh-token", "", refresh, 401, `{"detail": "Refresh token is not valid"}`)
	s.step(t, "POST "+lux+"/auth/send-reset-mail", "", `{"email": "parent@lux.example"}`, 200,
		`{"statusCode": 200, "message": "User reset password email send successfully"}`)
	s.step(t, "POST "+lux+"/auth/send-reset-mail", "", `{"email": "nobody@lux.example"}`, 404, `{"detail": "User id is not found"}`)
	s.step(t, "POST "+lux+"/auth/send-sms-auth", "", `{"phone": "`+phone+`"}`, 200, `true`)
	s.step(t, "POST "+lux+"/auth/find-id-by-phone", "", `{"phone": "`+phone+`"}`, 400, `{"detail": "Validation code is invalid"}`)
	code := `{"phone": "` + phone + `", "validnum": "` + s.LastCode(t, phone) + `"}`
	s.step(t, "POST "+lux+"/auth/phone-number-validation", "", code, 409, `{"detail": "Phone number is already registered"}`)
	s.step(t, "POST "+lux+"/auth/find-id-by-phone", "", code, 200, `{"email": "parent@lux.example", "provider": "email"}`)
	s.Clock.Add(14*24*time.Hour + time.Minute)
	s.step(t, "GET "+lux+"/user/me", text(t, signedUp, "access_token"), "", 401, `{"detail": "Token is expired"}`)
	s.step(t, "POST "+lux+"/auth/refresh-token", "", refresh, 401, `{"detail": "Token is expired"}`)
}

func TestLuxAuthRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	valid := s.validToken(t, lux, phone)
	good := person(phone, byMail)
	for name, tc := range map[string]struct {
		path, token, body string
		status            int
		want              string
	}{
		"no valid_token":             {"/auth/email/signup", "", good, 401, `{"detail": "Token is invalid"}`},
		"as social":                  {"/auth/email/signup", valid, strings.Replace(good, `"E"`, `"S"`, 1), 400, badBody},
		"half a surrogate in a name": {"/auth/email/signup", valid, strings.Replace(good, `"test"`, `"\ud800"`, 1), 400, badBody},
		"impossible birthdate":       {"/auth/email/signup", valid, strings.Replace(good, "19900506", "20250230", 1), 400, badBody},
		"no e-mail":                  {"/auth/email/signup", valid, strings.Replace(good, "parent@lux.example", "", 1), 400, `{"detail": "Email is not valid"}`},
		"weak password":              {"/auth/email/signup", valid, strings.Replace(good, "correct horse 1", "correct", 1), 400, badBody},
		"NUL in a password":          {"/auth/email/signup", valid, strings.Replace(good, "correct horse 1", `correct horse 1\u0000`, 1), 400, badBody},
		"half a surrogate in one":    {"/auth/email/signup", valid, strings.Replace(good, "correct horse 1", `correct horse 1\ud800`, 1), 400, badBody},
		"unknown e-mail":             {"/auth/email/signin", "", `{"username": "a@b.example", "password": "x"}`, 404, `{"detail": "User not found"}`},
		"NUL in an e-mail":           {"/auth/email/signin", "", `{"username": "a\u0000@b.example", "password": "x"}`, 404, `{"detail": "User not found"}`},
		"no password":                {"/auth/email/signin", "", `{"username": "a@b.example"}`, 400, badBody},
		"array":                      {"/auth/email/signin", "", `[]`, 400, badBody},
		"empty body":                 {"/auth/email/signin", "", ``, 400, badBody},
		"2 MB":                       {"/auth/email/signin", "", `{"x": "` + strings.Repeat("x", 2<<20) + `"}`, 413, `{"detail": "Payload too large"}`},
		"no code":                    {"/auth/phone-number-validation", "", `{"phone": "` + phone + `"}`, 400, `{"detail": "Validation code is invalid"}`},
		"forged refresh":             {"/auth/refresh-token", "", `{"refresh_token": "x"}`, 401, `{"detail": "Could not validate credentials"}`},
		"malformed phone":            {"/auth/send-sms-auth", "", `{"phone": "01012345678"}`, 400, `{"detail": "Phone number is invalid"}`},
		"no phone":                   {"/auth/send-sms-auth", "", `{"phone": null}`, 400, badBody},
		"a number for a phone":       {"/auth/send-sms-auth", "", `{"phone": 821012345678}`, 400, badBody},
		"unknown path":               {"/auth/unknown", "", `{}`, 404, `{"detail": "Resource not found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.step(t, "POST "+lux+tc.path, tc.token, tc.body, tc.status, tc.want)
		})
	}
}

// TestOldTokenReachesClientsThatSendFirst holds that an app which reads nothing before it
// has sent a large upload learns that its token is old, and does not see its connection
// closed instead.
func TestOldTokenReachesClientsThatSendFirst(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := text(t, s.luxParent(t), "access_token")
	s.Clock.Add(time.Hour)
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	const length = 10 << 20
	_, err = fmt.Fprintf(connection, "POST %s/device/devlog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		lux, token, length, strings.Repeat(" ", length))
	response, errRead := http.ReadResponse(bufio.NewReader(connection), nil)
	if err = errors.Join(err, errRead); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(response.Body.Close(), connection.Close()); err != nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s, %v", response.Status, err)
	}
}

const luxMe = `{"root_user_id": "*", "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F",
	"phone": "+821012345678", "is_phone_number_checked": true, "register_type": "E", "national_code": "KR",
	"need_personal_info_update": false, "need_to_pwd_change": false, "is_device_muted": false,
	"is_device_alim_talk_enabled": false, "is_basestation_alert_enabled": false}`

func TestLuxUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	signedUp := s.luxParent(t)
	token, id := text(t, signedUp, "access_token"), number(signedUp, "id")
	s.step(t, "GET "+lux+"/user/me", token, "", 200, luxMe)
	s.step(t, "PATCH "+lux+"/user/root-user", token,
		`{"first_name": "james", "last_name": "kim", "birthdate": "19970101", "gender": "M"}`, 200,
		`{"id": `+id+`, "first_name": "james", "last_name": "kim", "birthdate": "19970101", "gender": "M",
		"phone": "+821012345678", "is_phone_number_checked": true, "register_type": "E"}`)
	s.step(t, "PATCH "+lux+"/user/root-user", token, `{"first_name": null, "birthdate": "29990101"}`, 400, badBody)

	push := strings.Repeat("t", 40)
	s.step(t, "POST "+lux+"/user/push/set-token", token, `{"token": "`+push+`"}`, 400, `{"detail": "Push permisson denied"}`)
	s.step(t, "PATCH "+lux+"/user/policy", token, `{"is_push_agree": true, "is_marketing_agree": true}`, 409,
		`{"detail": "User policy update failed"}`)
	s.step(t, "PATCH "+lux+"/user/policy", token, `{"is_push_agree": true, "is_marketing_agree": true, "token": "`+push+`"}`, 200,
		`{"is_push_agree": true, "is_marketing_agree": true, "push_agree_date": "*", "marketing_agree_date": "*"}`)
	s.step(t, "POST "+lux+"/user/push/set-token", token, `{"token": "`+push+`"}`, 200, `"`+push+`"`)
	s.step(t, "POST "+lux+"/user/push/set-token", token, `{"token": "short"}`, 409, `{"detail": "User push token update failed"}`)

	for _, body := range []string{
		`{"is_device_muted": 1, "is_device_alim_talk_enabled": 0, "is_basestation_alert_enabled": true}`,
		`{"is_device_muted": false, "is_device_alim_talk_enabled": true, "is_basestation_alert_enabled": 0}`,
	} {
		s.step(t, "PATCH "+lux+"/user/notification", token, body, 200, body)
	}
	s.step(t, "PATCH "+lux+"/user/notification", token,
		`{"is_device_muted": 2, "is_device_alim_talk_enabled": 0, "is_basestation_alert_enabled": 0}`, 400, badBody)
	s.step(t, "PATCH "+lux+"/user/notification", token, `{"is_device_muted": 1}`, 400, badBody)

	s.step(t, "POST "+lux+"/user/change-phone", token, `{"phone": "+821055556666"}`, 400, `{"detail": "Validation code is invalid"}`)
	s.step(t, "POST "+lux+"/user/change-phone", token, `{"phone": "5556666", "validnum": "123456"}`, 400, badBody)
	s.step(t, "POST "+lux+"/auth/send-sms-auth", "", `{"phone": "+821055556666"}`, 200, `true`)
	s.step(t, "POST "+lux+"/user/change-phone", token,
		`{"phone": "+821055556666", "validnum": "`+s.LastCode(t, "+821055556666")+`"}`, 200,
		`{"statusCode": 200, "message": "Root user phone updated"}`)

	s.step(t, "DELETE "+lux+"/user/root-user", token, "", 200, `{"statusCode": 200, "message": "Root user deleted"}`)
	s.step(t, "GET "+lux+"/user/me", token, "", 401, `{"detail": "User is Deleted"}`)
	s.step(t, "PATCH "+lux+"/user/root-user", token, `not JSON`, 401, `{"detail": "User is Deleted"}`)
	s.step(t, "GET "+lux+"/user/me", "", "", 401, `{"detail": "Could not validate credentials"}`)
	s.step(t, "POST "+lux+"/user/me", token, "", 405, `{"detail": "Method Not Allowed"}`)
	s.step(t, "POST "+lux+"/auth/email/signin", "", `{"username": "parent@lux.example", "password": "x"}`, 410, `{"detail": "User is Deleted"}`)
}

func TestLuxChildren(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddDevices(t, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:4C:84")
	signedUp := s.luxParent(t)
	token, root := text(t, signedUp, "access_token"), number(signedUp, "id")
	create := `{"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F",
		"serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "unique"}`
	made := s.step(t, "POST "+lux+"/user/create-real-user", token, create, 200,
		`{"real_user_id": "*", "first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F", "device_id": "*",
		"now_firmware_id": 1, "unique_id": "unique", "serial_code": "SL20401000", "device_alias": "", "last_log_file_id": 0,
		"created_at": "*"}`)
	s.step(t, "POST "+lux+"/user/create-real-user", token, create, 409, `{"detail": "Already Connected Device"}`)
	s.step(t, "POST "+lux+"/user/create-real-user", token, strings.Replace(create, "SL20401000", "x", 1), 400, `{"detail": "Serial code is not valid"}`)
	s.step(t, "POST "+lux+"/user/create-real-user", token, strings.Replace(create, `"unique"`, `null`, 1), 400, badBody)
	id := number(made, "real_user_id")
	child := `{"id": ` + id + `, "root_user_id": ` + root + `, "first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F"}`
	s.step(t, "GET "+lux+"/user/real-user/"+id, token, "", 200, child)
	s.step(t, "GET "+lux+"/user/real-user/x", token, "", 400, badBody)
	s.step(t, "GET "+lux+"/user/real-user/999", token, "", 404, `{"detail": "Real user is not found"}`)
	other, _ := s.Parent(t)
	s.step(t, "GET "+lux+"/user/real-user/"+id, other, "", 401, `{"detail": "Not authorized user"}`)

	update := `{"id": ` + id + `, "first_name": "tester", "last_name": "john", "birthdate": "20010608", "gender": "P"}`
	updated := `{"id": ` + id + `, "root_user_id": ` + root + `, "first_name": "tester", "last_name": "john", "birthdate": "20010608", "gender": "P"}`
	s.step(t, "PATCH "+lux+"/user/real-user/"+id, token, update, 200, updated)
	s.step(t, "PATCH "+lux+"/user/update-real-user", token, update, 200, updated)
	s.step(t, "PATCH "+lux+"/user/real-user/999", token, update, 400, badBody)
	s.step(t, "PATCH "+lux+"/user/update-real-user", token, `{"first_name": "nobody"}`, 400, badBody)

	gone := `{"real_user_id": ` + id + `, "unique_id": "another"}`
	s.step(t, "DELETE "+lux+"/user/delete-real-user", token, gone, 409, `{"detail": "Real user delete failed"}`)
	s.step(t, "DELETE "+lux+"/user/delete-real-user", other, gone, 401, `{"detail": "Not authorized user"}`)
	s.step(t, "DELETE "+lux+"/user/delete-real-user?real_user_id="+id+"&unique_id=unique", token, "", 200,
		`{"statusCode": 200, "message": "Real user deleted successfully"}`)
	s.step(t, "DELETE "+lux+"/user/delete-real-user", token, gone, 404, `{"detail": "Real user is not found"}`)
}
