package rest_test

import (
	"fmt"
	"net/http"
	"testing"
)

// refused is the body of an error of SNUTT.
func refused(errcode int) string { return fmt.Sprintf(`{"errcode": %d, "message": "*"}`, errcode) }

const (
	okBody   = `{"message": "ok"}`
	newToken = `{"token": "*"}`
)

func (s server) local(t *testing.T, id string) string {
	t.Helper()
	got := s.step(t, "POST /auth/register_local", "", `{"id": "`+id+`", "password": "abcd1234"}`, 200,
		`{"message": "ok", "token": "*", "user_id": "*"}`)
	return text(t, got, "token")
}

func TestSnuttAccount(t *testing.T) {
	t.Parallel()
	s := start(t, fakeFacebook(t))
	token := s.local(t, "Abcd1234")
	s.step(t, "GET /user/info", token, "", 200, `{"isAdmin": false, "regDate": "*", "notificationCheckedAt": "*",
		"email": null, "local_id": "Abcd1234", "fb_name": null}`)
	signedIn := s.step(t, "POST /v1/auth/login_local", "", `{"id": "ABCD1234", "password": "abcd1234"}`, 200, `{"token": "*", "user_id": "*"}`)
	if text(t, signedIn, "token") != token {
		t.Error("signing in again gave another token")
	}
	s.step(t, "PUT /v1/user/info", token, `{"email": "john@snu.example"}`, 200, okBody)
	s.step(t, "PUT /user/info", token, `{"email": null}`, 200, okBody)
	s.step(t, "PUT /user/info", token, `{"email": "john"}`, 403, refused(0x300F))

	s.step(t, "PUT /user/password", token, `{"new_password": "efgh5678"}`, 403, refused(0x2005))
	s.step(t, "PUT /user/password", token, `{"new_password": "e", "old_password": "abcd1234"}`, 403, refused(0x3001))
	s.step(t, "PUT /user/password", token, `{"new_password": "efgh5678\u0000", "old_password": "abcd1234"}`, 403, refused(0x3001))
	s.step(t, "PUT /user/password", token, `{"new_password": "efgh5678\ud800", "old_password": "abcd1234"}`, 403, refused(0x3001))
	old := token
	token = text(t, s.step(t, "PUT /user/password", token, `{"new_password": "efgh5678", "old_password": "abcd1234"}`, 200, newToken), "token")
	s.step(t, "GET /user/info", old, "", 403, refused(0x2002))
	s.step(t, "POST /user/password", token, `{"id": "other1", "password": "abcd1234"}`, 403, refused(0x3005))

	s.step(t, "GET /user/facebook", token, "", 200, `{"name": null, "attached": false}`)
	s.step(t, "DELETE /user/facebook", token, "", 403, refused(0x3008))
	s.step(t, "POST /user/facebook", token, `{"fb_id": "7"}`, 400, refused(0x1001))
	s.step(t, "POST /user/facebook", token, `{"fb_id": "7", "fb_token": "token 8"}`, 403, refused(0x2006))
	token = text(t, s.step(t, "POST /user/facebook", token, `{"fb_id": "7", "fb_token": "token 7"}`, 200, newToken), "token")
	s.step(t, "GET /user/facebook", token, "", 200, `{"name": "John Smith", "attached": true}`)
	s.step(t, "POST /user/facebook", token, `{"fb_id": "7", "fb_token": "token 7"}`, 403, refused(0x3006))
	s.step(t, "POST /user/facebook", s.local(t, "second1"), `{"fb_id": "7", "fb_token": "token 7"}`, 403, refused(0x3009))
	token = text(t, s.step(t, "DELETE /user/facebook", token, "", 200, newToken), "token")

	s.step(t, "POST /user/device/phone:1", token, "", 200, okBody)
	s.step(t, "DELETE /user/device/phone:1", token, "", 200, okBody)
	s.step(t, "POST /user/device/phone:1", token, "", 200, okBody)
	s.step(t, "POST /user/device/phone%00", token, "", 400, refused(0))
	s.step(t, "DELETE /user/device/phone%00", token, "", 200, okBody)
	s.step(t, "POST /auth/logout", "", `{"user_id": "`+text(t, signedIn, "user_id")+`", "registration_id": "phone:1"}`, 200, okBody)

	s.step(t, "DELETE /user/account", token, "", 200, okBody)
	s.step(t, "GET /user/info", token, "", 403, refused(0x2002))
	s.step(t, "POST /auth/login_local", "", `{"id": "Abcd1234", "password": "efgh5678"}`, 403, refused(0x2004))
}

func TestSnuttSignIn(t *testing.T) {
	t.Parallel()
	s := start(t, fakeFacebook(t))
	s.step(t, "GET /user/info", "", "", 401, refused(0x2001))
	s.step(t, "GET /user/info", "forged", "", 403, refused(0x2002))
	s.step(t, "GET /user/unknown", "", "", 404, refused(0))
	s.step(t, "PATCH /user/info", "", "", 405, refused(0))
	for body, errcode := range map[string]int{
		`{"id": "abc", "password": "abcd1234"}`:                         0x3000,
		`{"password": "abcd1234"}`:                                      0x3000,
		`{"id": "abcd", "password": "abcdefgh"}`:                        0x3001,
		`{"id": "abcd"}`:                                                0x3001,
		`{"id": "abcd", "password": "abcd1234", "email": "not a mail"}`: 0x300F,
	} {
		s.step(t, "POST /auth/register_local", "", body, 403, refused(errcode))
	}
	s.local(t, "taken1")
	s.step(t, "POST /auth/register_local", "", `{"id": "TAKEN1", "password": "abcd1234"}`, 403, refused(0x3002))
	s.step(t, "POST /auth/login_local", "", `{"id": "nobody", "password": "abcd1234"}`, 403, refused(0x2004))
	s.step(t, "POST /auth/login_local", "", `{"id": "taken1", "password": "wrong123"}`, 403, refused(0x2005))
	s.step(t, "POST /auth/login_local", "", `[`, 400, refused(0))

	temp := s.step(t, "POST /auth/request_temp", "", "", 200, `{"message": "ok", "token": "*", "user_id": "*"}`)
	token := text(t, temp, "token")
	s.step(t, "PUT /user/password", token, `{"new_password": "efgh5678", "old_password": "x"}`, 403, refused(0x3007))
	s.step(t, "DELETE /user/facebook", token, "", 403, refused(0x3007))
	s.step(t, "GET "+lux+"/user/me", token, "", 200, `{"root_user_id": "*", "first_name": null, "last_name": null, "birthdate": null,
		"gender": null, "phone": null, "is_phone_number_checked": false, "register_type": "L", "national_code": null,
		"need_personal_info_update": true, "need_to_pwd_change": false, "is_device_muted": false,
		"is_device_alim_talk_enabled": false, "is_basestation_alert_enabled": false}`)
	s.step(t, "PATCH "+lux+"/user/policy", token, `{}`, 404, `{"detail": "User policy not found"}`)
	s.step(t, "DELETE "+lux+"/user/root-user", token, "", 404, `{"detail": "Sign in type is not found"}`)
	s.step(t, "POST /user/password", token, `{"id": "fresh1", "password": "abcd1234"}`, 200, newToken)

	first := s.step(t, "POST /auth/login_fb", "", `{"fb_id": "7", "fb_token": "token 7"}`, 200, `{"token": "*", "user_id": "*"}`)
	s.step(t, "POST /auth/login_fb", "", `{"fb_id": "7", "fb_token": "token 7"}`, 200,
		`{"token": "`+text(t, first, "token")+`", "user_id": "`+text(t, first, "user_id")+`"}`)
	s.step(t, "POST /auth/login_fb", "", `{}`, 400, refused(0x1001))
	s.step(t, "DELETE /user/facebook", text(t, first, "token"), "", 403, refused(0x3007))

	r, err := http.NewRequest(http.MethodGet, s.URL+"/user/facebook", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Access-Token", text(t, first, "token"))
	answer, err := s.Client().Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("by x-access-token: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
}

func TestSnuttEmail(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.local(t, "abcd1234")
	const send, check = "POST /user/email/verification", "POST /user/email/verification/code"
	s.step(t, send, token, "", 403, refused(0x300F))
	s.step(t, check, token, `{"code": "123456"}`, 400, refused(0x1010))
	s.step(t, send, token, `{"email": "john@snu.example"}`, 200, okBody)
	s.step(t, "GET /user/email/verification", token, "", 200, `{"is_email_verified": false}`)
	s.step(t, check, token, `{}`, 400, refused(0x1010))
	for range 4 {
		s.step(t, send, token, "", 200, okBody)
	}
	s.step(t, send, token, `{"email": null}`, 429, refused(0xA000))
	s.step(t, check, token, `{"code": "`+s.LastCode(t, "john@snu.example")+`"}`, 200, `{"is_email_verified": true}`)
	s.step(t, "GET /v1/user/email/verification", token, "", 200, `{"is_email_verified": true}`)
	s.step(t, send, token, "", 409, refused(0x9000))
	second := s.local(t, "second1")
	s.step(t, send, second, `{"email": "JOHN@snu.example"}`, 409, refused(0x9001))
}
