package rest_test

import (
	"strings"
	"testing"
)

func TestAddnox(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddDevices(t, "SL20401001,00:80:E1:27:4C:84")
	begin := `{"email": "Parent@lux.example", "password": "correct horse 1"}`
	s.step(t, "GET "+addnox+"/auth/sign-in/check/parent@lux.example", "", "", 404, `{"detail": "User not found"}`)
	s.step(t, "GET "+addnox+"/auth/sign-in/check/%00", "", "", 404, `{"detail": "User not found"}`)
	s.step(t, "POST "+addnox+"/auth/email/get-id/parent@lux.example", "", "", 404, `{"detail": "Failed to get user id"}`)
	begun := s.step(t, "POST "+addnox+"/auth/email/pre-signup", "", begin, 200, `{"email_user_id": "*", "email": "Parent@lux.example"}`)
	id := number(begun, "email_user_id")
	s.step(t, "POST "+addnox+"/auth/email/get-id/parent@lux.example", "", "", 200, `{"email_user_id": `+id+`}`)
	s.step(t, "POST "+addnox+"/auth/email/signin", "", `{"username": "parent@lux.example", "password": "correct horse 1"}`, 401,
		`{"detail": "Sign-up not completed"}`)
	body := person(phone, `"email": "parent@lux.example", "email_user_id": `+id+`, "register_type": "E"`)
	s.step(t, "POST "+addnox+"/auth/email/signup", "", body, 401, `{"detail": "Not authenticated"}`)
	done := s.step(t, "POST "+addnox+"/auth/email/signup", s.validToken(t, addnox, phone), body, 201, tokenAnswer)
	s.step(t, "POST "+addnox+"/auth/email/pre-signup", "", begin, 409, `{"detail": "Same email already registered"}`)
	s.step(t, "GET "+addnox+"/auth/sign-in/check/parent@lux.example", "", "", 200, `{"message": "User already signed up please login"}`)

	token := text(t, done, "access_token")
	s.step(t, "GET "+addnox+"/user/me", token, "", 200, `{"root_user_id": "*", "first_name": "test", "last_name": "",
		"birthdate": "19900506", "gender": "F", "phone": "+821012345678", "is_phone_number_checked": true, "register_type": "E",
		"national_code": "KR", "need_personal_info_update": false, "need_to_pwd_change": false}`)
	s.step(t, "PATCH "+addnox+"/user/policy", token, `{"is_push_agree": true}`, 200,
		`{"is_push_agree": true, "is_marketing_agree": true, "push_agree_date": "*", "marketing_agree_date": "*"}`)
	s.step(t, "GET "+addnox+"/device/get-all-device", token, "", 200, `[]`)
	s.step(t, "POST "+addnox+"/user/create-real-user", token, `{"first_name": "test", "last_name": "kim", "birthdate": "19970101",
		"gender": "F", "serial_code": "SL20401001", "mac_id": "00:80:E1:27:4C:84"}`, 200,
		`{"real_user_id": "*", "first_name": "test", "last_name": "kim", "birthdate": "19970101", "gender": "F", "device_id": "*",
		"now_firmware_id": 1, "unique_id": "*", "serial_code": "SL20401001", "device_alias": "", "mac_id": "00:80:E1:27:4C:84",
		"last_log_file_id": 0, "created_at": "*"}`)
	s.step(t, "GET /api/v1/withnox/device/get-all-device", token, "", 200, `[{"id": "*", "real_user_id": "*", "project_id": 1,
		"hardware_id": 1, "now_firmware_id": 1, "firmware_version": "1.0.0", "unique_id": "*", "serial_code": "SL20401001",
		"device_alias": "", "mac_id": "00:80:E1:27:4C:84", "created_at": "*", "last_log_file_id": 0, "root_user_id": "*",
		"first_name": "test", "last_name": "kim", "birthdate": "19970101", "gender": "F"}]`)
	s.step(t, "POST "+addnox+"/user/change-phone", token, `{}`, 404, `{"detail": "Resource not found"}`)
	s.step(t, "DELETE /api/v1/withnox/user/root-user", token, "", 200, `{"statusCode": 200, "message": "Root user deleted"}`)
}

func TestAddnoxSocial(t *testing.T) {
	t.Parallel()
	s := start(t, fakeFacebook(t))
	signIn := func(provider, body string, status int, want string) {
		t.Helper()
		s.step(t, "POST "+addnox+"/auth/social-signin/"+provider, "", body, status, want)
	}
	signIn("myspace", `{"id_token": "x"}`, 404, `{"detail": "Resource not found"}`)
	signIn("google", `{"id_token": "x"}`, 409, `{"detail": "Invalid google access token"}`)
	signIn("facebook", `{"id_token": "x"}`, 400, badBody)
	signIn("facebook", `{"access_token": "x"}`, 409, `{"detail": "Invalid facebook access token"}`)
	signIn("facebook", `{"access_token": "token 7"}`, 403, `{"detail": "User is not valid, please sign up"}`)
	body := person(phone, `"email": "parent@lux.example", "register_type": "S", "social_id": "token 7", "social_type": "facebook"`)
	s.step(t, "POST "+addnox+"/auth/social/signup", "", body, 401, `{"detail": "Not authenticated"}`)
	valid := s.validToken(t, addnox, phone)
	s.step(t, "POST "+addnox+"/auth/social/signup", valid, strings.Replace(body, "token 7", "x", 1), 409, `{"detail": "Invalid facebook access token"}`)
	s.step(t, "POST "+addnox+"/auth/social/signup", valid, strings.Replace(body, `"facebook"`, `"myspace"`, 1), 404, `{"detail": "Resource not found"}`)
	done := s.step(t, "POST "+addnox+"/auth/social/signup", valid, body, 200, tokenAnswer)
	signIn("facebook", `{"access_token": "token 7"}`, 200, tokenAnswer)
	s.step(t, "POST "+addnox+"/auth/send-reset-mail", "", `{"email": "parent@lux.example"}`, 400,
		`{"detail": "User signed up using a social account"}`)
	s.step(t, "POST "+addnox+"/auth/social/signup", s.validToken(t, addnox, "+821055556666"),
		strings.Replace(strings.Replace(body, "token 7", "token 8", 1), phone, "+821055556666", 1), 409,
		`{"detail": "Same email is already registered"}`)
	s.step(t, "DELETE "+addnox+"/user/root-user", text(t, done, "access_token"), "", 200, `{"statusCode": 200, "message": "Root user deleted"}`)
	signIn("facebook", `{"access_token": "token 7"}`, 403, `{"detail": "User is not valid, please sign up"}`)
}
