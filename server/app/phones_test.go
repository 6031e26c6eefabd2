package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// validToken earns a valid_token for a phone in E.164.
func validToken(t *testing.T, s *apptest.Server, phone string) string {
	t.Helper()
	var verified struct{ VerifySmsCode struct{ ValidToken string } }
	var ignored any
	s.Data(t, "", `mutation($phone: String!) { sendSmsCode(input: {phone: $phone}) { ok } }`, map[string]any{"phone": phone}, &ignored)
	s.Data(t, "", `mutation($phone: String!, $code: String!) { verifySmsCode(input: {phone: $phone, code: $code}) { validToken } }`,
		map[string]any{"phone": phone, "code": s.LastCode(t, phone)}, &verified)
	return verified.VerifySmsCode.ValidToken
}

// signUpBody is a sign-up of LUX or, with an email_user_id, of Addnox.
func signUpBody(email, phone, country, rest string) string {
	return fmt.Sprintf(`{"email": %q, "first_name": "a", "last_name": "", "birthdate": "19970101", "gender": "F", "phone": %q,
		"register_type": "E", "is_push_agree": false, "is_marketing_agree": false, "national_code": %q, %s}`, email, phone, country, rest)
}

// TestNationalPhonesAtSignUp: a number as it is written in the country of the sign-up is
// stored in E.164 on every surface, and in another country it is no number.
func TestNationalPhonesAtSignUp(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	stored := func(email, want string) {
		t.Helper()
		var found []string
		for _, row := range s.Rows(t, "users", apptest.Columns{}) {
			if strings.Contains(row, "email="+email+" ") {
				found = append(found, row)
			}
		}
		if len(found) != 1 || !strings.Contains(found[0], " phone="+want+" ") {
			t.Errorf("%s: %q, want the phone %s", email, found, want)
		}
	}
	signUp := func(path, email, phone, national, country, rest string, status int) {
		t.Helper()
		valid := validToken(t, s, phone)
		if got := s.Call(t, http.MethodPost, path, valid, signUpBody(email, national, "DE", rest)); got.Status != http.StatusBadRequest || !strings.Contains(string(got.Body), "Phone number is invalid") {
			t.Errorf("%s, of another country: %d %s", path, got.Status, got.Body)
		}
		if got := s.Call(t, http.MethodPost, path, valid, signUpBody(email, national, country, rest)); got.Status != status {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
		stored(email, phone)
	}
	signUp(apptest.LUX+"/auth/email/signup", "lux@example.com", "+821020000001", "010-2000-0001", "KR", `"password": "secret123"`, http.StatusOK)
	var begun struct {
		EmailUserID int `json:"email_user_id"`
	}
	answer := s.Call(t, http.MethodPost, "/api/v1/addnox/auth/email/pre-signup", "", `{"email": "addnox@example.com", "password": "secret123"}`)
	if err := json.Unmarshal(answer.Body, &begun); err != nil {
		t.Fatal(err)
	}
	signUp("/api/v1/addnox/auth/email/signup", "addnox@example.com", "+14155552671", "(415) 555-2671", "US", fmt.Sprintf(`"email_user_id": %d`, begun.EmailUserID), http.StatusCreated)

	valid := validToken(t, s, "+821020000003")
	var ignored any
	s.Data(t, "", `mutation($input: SignUpInput!) { signUp(input: $input) { user { id } } }`, map[string]any{"input": map[string]any{
		"validToken": valid, "email": "graphql@example.com", "password": "secret123", "firstName": "a", "lastName": "", "birthdate": "1997-01-01",
		"gender": "FEMALE", "phone": "01020000003", "nationalCode": "KR", "isPushAgree": false, "isMarketingAgree": false,
	}}, &ignored)
	stored("graphql@example.com", "+821020000003")
}

// TestNationalPhonesOfAnAccount: a parent who is signed in is sent a code to a number as it is
// written in the parent's country, and takes it. Of somebody who is not, no country is known.
func TestNationalPhonesOfAnAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	const send, change = apptest.LUX + "/auth/send-sms-auth", apptest.LUX + "/user/change-phone"
	mustCall(t, s, http.MethodPost, send, token, `{"phone": "010 2000 0001"}`)
	mustCall(t, s, http.MethodPost, change, token, `{"phone": "010-2000-0001", "validnum": "`+s.LastCode(t, "+821020000001")+`"}`)
	expectPayload(t, s, token, "sendSmsCode", `phone: "01020000002"`, "ok", `{"ok": true}`)
	expectPayload(t, s, token, "changePhone", `phone: "010-2000-0002", validnum: "`+s.LastCode(t, "+821020000002")+`"`, "user { phone }", `{"user": {"phone": "+821020000002"}}`)
	mustCall(t, s, http.MethodPost, send, token, `{"phone": "01020000002"}`)
	mustCall(t, s, http.MethodPost, apptest.LUX+"/auth/find-id-by-phone", token, `{"phone": "01020000002", "validnum": "`+s.LastCode(t, "+821020000002")+`"}`)

	before := s.Dump(t)
	const invalid, bad = `{"detail":"Phone number is invalid"}`, `{"detail":"Invalid request or missing parameters"}`
	for _, c := range []struct{ path, token, phone, want string }{
		{send, "", "01020000003", invalid},
		{"/api/v1/addnox/auth/send-sms-auth", "", "010-2000-0003", invalid},
		{apptest.LUX + "/auth/phone-number-validation", "", "01020000003", invalid},
		{apptest.LUX + "/auth/find-id-by-phone", "", "01020000003", bad},
		{change, token, "0049 1512 3456789", bad},
		{change, token, "821020000003", bad},
		{change, token, "(415) 555-2671", bad},
		{change, token, "+82 10 2000 0003", bad},
		{change, token, "010-2000-0003 ext 5", bad},
		{send, token, "001-82-10-2000-0003", invalid},
	} {
		got := s.Call(t, http.MethodPost, c.path, c.token, fmt.Sprintf(`{"phone": %q, "validnum": "123456"}`, c.phone))
		if got.Status != http.StatusBadRequest || strings.TrimSpace(string(got.Body)) != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.phone, got.Status, got.Body)
		}
	}
	if after := s.Dump(t); len(after["messages"]) != len(before["messages"]) || len(after["verification_codes"]) != len(before["verification_codes"]) {
		t.Error("a refused number has left something")
	}
}

// TestPhonesOfOtherCountriesAreRefused on every surface that takes one, before anything is
// written.
func TestPhonesOfOtherCountriesAreRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.SMSCountries = "KR, US" })
	token, _ := s.Parent(t)
	valid := validToken(t, s, "+14155552671")
	before := s.Dump(t)
	const germany, canada = "+4915112345678", "+16045550123"
	const invalid, bad = `{"detail":"Phone number is invalid"}`, `{"detail":"Invalid request or missing parameters"}`
	for _, phone := range []string{germany, canada} {
		body := `{"phone": "` + phone + `", "validnum": "123456"}`
		for _, c := range []struct{ path, token, body, want string }{
			{apptest.LUX + "/auth/send-sms-auth", "", body, invalid},
			{"/api/v1/addnox/auth/send-sms-auth", "", body, invalid},
			{"/api/v1/withnox/auth/send-sms-auth", "", body, invalid},
			{apptest.LUX + "/auth/phone-number-validation", "", body, invalid},
			{apptest.LUX + "/auth/email/signup", valid, signUpBody("new@example.com", phone, "DE", `"password": "secret123"`), invalid},
			{apptest.LUX + "/auth/find-id-by-phone", "", body, bad},
			{apptest.LUX + "/user/change-phone", token, body, bad},
		} {
			got := s.Call(t, http.MethodPost, c.path, c.token, c.body)
			if got.Status != http.StatusBadRequest || strings.TrimSpace(string(got.Body)) != c.want {
				t.Errorf("%s %s: %d %s", c.path, phone, got.Status, got.Body)
			}
		}
		for mutation, code := range map[string]string{
			`sendSmsCode(input: {phone: "` + phone + `"}) { ok }`:                                 "PHONE_NUMBER_IS_INVALID",
			`verifySmsCode(input: {phone: "` + phone + `", code: "123456"}) { validToken }`:       "PHONE_NUMBER_IS_INVALID",
			`findAccount(input: {phone: "` + phone + `", validnum: "123456"}) { email }`:          "INVALID_REQUEST_OR_MISSING_PARAMETERS",
			`changePhone(input: {phone: "` + phone + `", validnum: "123456"}) { user { phone } }`: "INVALID_REQUEST_OR_MISSING_PARAMETERS",
		} {
			got := s.GraphQL(t, token, "mutation { "+mutation+" }", nil)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != code {
				t.Errorf("%s: %+v", mutation, got.Errors)
			}
		}
	}
	after := s.Dump(t)
	for table := range before {
		if strings.Join(before[table], "\n") != strings.Join(after[table], "\n") {
			t.Errorf("%s: %q, and before %q", table, after[table], before[table])
		}
	}
	mustCall(t, s, http.MethodPost, apptest.LUX+"/auth/send-sms-auth", "", `{"phone": "+821020000001"}`)
}

func TestCountriesOfSMS(t *testing.T) {
	t.Parallel()
	for setting, isGood := range map[string]bool{
		"": true, " ": true, "KR": true, "KR,US": true, "KR, US": true,
		"kr": false, "KOR": false, "KR,": false, ",": false, "KR;US": false, "+82": false, "XX": false, "*": false, "KR US": false,
	} {
		err := app.Config{Env: "development", SMSCountries: setting}.Check()
		if (err == nil) != isGood || err != nil && !strings.Contains(err.Error(), "SMS_COUNTRIES") {
			t.Errorf("%q: %v", setting, err)
		}
	}
}
