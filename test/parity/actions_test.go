package parity_test

import (
	"net/http"
	"testing"
)

func profileActions() []action {
	const all = `{"first_name": "하나", "last_name": "", "birthdate": "19900506", "gender": "P"}`
	return []action{
		{
			name: "who am I", arrange: family, as: "parent", graphql: `me { id }`,
			rest: []string{"GET " + lux + "/user/me", "GET " + addnox + "/user/me", "GET /user/info"},
		},
		{
			name: "who am I, without a token", graphql: `me { id }`, code: "UNAUTHENTICATED",
			rest: []string{"GET " + lux + "/user/me", "GET " + addnox + "/user/me", "GET /user/info"},
		},
		{
			name: "update my data", arrange: parent, as: "parent",
			graphql: `updateUser(input: {firstName: "하나", lastName: "", birthdate: "1990-05-06", gender: PREFER_NOT_TO_SAY}) { user { id } }`,
			rest:    []string{"PATCH " + lux + "/user/root-user " + all, "PATCH " + addnox + "/user/root-user " + all},
		},
		{
			name: "update my data, born in the future", arrange: parent, as: "parent",
			graphql: `updateUser(input: {birthdate: "2999-01-01"}) { user { id } }`, code: "INVALID_REQUEST_OR_MISSING_PARAMETERS",
			rest: []string{
				"PATCH " + lux + `/user/root-user {"birthdate": "29990101"}`, "PATCH " + withnox + `/user/root-user {"birthdate": "29990101"}`,
			},
		},
		{
			name: "update my e-mail", arrange: local, as: "parent",
			graphql: `updateUser(input: {email: "New@snu.example"}) { user { id } }`,
			rest:    []string{`PUT /user/info {"email": "New@snu.example"}`, `PUT /v1/user/info {"email": "New@snu.example"}`},
		},
		{
			name: "update my e-mail, malformed", arrange: local, as: "parent",
			graphql: `updateUser(input: {email: "new"}) { user { id } }`, code: "NOT_AN_EMAIL_ADDRESS",
			rest: []string{`PUT /user/info {"email": "new"}`},
		},
		{
			name: "notification settings", arrange: parent, as: "parent",
			graphql: `updateNotificationSettings(input: {isDeviceMuted: true, isDeviceAlimTalkEnabled: false, isBasestationAlertEnabled: true}) { user { id } }`,
			rest: []string{
				"PATCH " + lux + `/user/notification {"is_device_muted": 1, "is_device_alim_talk_enabled": false, "is_basestation_alert_enabled": true}`,
			},
		},
		{
			name: "change my phone", arrange: steps(parent, code), as: "parent",
			graphql: `changePhone(input: {phone: "${phone}", validnum: "${code}"}) { user { id } }`,
			rest:    []string{"POST " + lux + `/user/change-phone {"phone": "${phone}", "validnum": "${code}"}`},
		},
		{
			name: "change my phone, wrong code", arrange: steps(parent, code), as: "parent",
			graphql: `changePhone(input: {phone: "${phone}", validnum: "none"}) { user { id } }`, code: "VALIDATION_CODE_IS_INVALID",
			rest: []string{"POST " + lux + `/user/change-phone {"phone": "${phone}"}`},
		},
		{
			name: "delete my account", arrange: steps(family, code), as: "parent", graphql: `deleteAccount { ok }`,
			rest: []string{"DELETE " + lux + "/user/root-user", "DELETE " + addnox + "/user/root-user", "DELETE /user/account"},
		},
	}
}

func consentActions() []action {
	const yes = `{"is_push_agree": true, "is_marketing_agree": false, "token": "${push}"}`
	consent := steps(parent, sent(http.MethodPatch, lux+"/user/policy", `{"is_push_agree": true, "token": "${push}"}`))
	return []action{
		{
			name: "consent", arrange: parent, as: "parent",
			graphql: `updatePolicy(input: {isPushAgree: true, isMarketingAgree: false, token: "${push}"}) { policy { isPushAgree } }`,
			rest:    []string{"PATCH " + lux + "/user/policy " + yes, "PATCH " + addnox + "/user/policy " + yes},
		},
		{
			name: "consent without a push token", arrange: parent, as: "parent", code: "USER_POLICY_UPDATE_FAILED",
			graphql: `updatePolicy(input: {isPushAgree: true}) { policy { isPushAgree } }`,
			rest:    []string{"PATCH " + lux + `/user/policy {"is_push_agree": true}`},
		},
		{
			name: "consent of an account that was never asked", arrange: local, as: "parent", code: "USER_POLICY_NOT_FOUND",
			graphql: `updatePolicy(input: {isPushAgree: false}) { policy { isPushAgree } }`,
			rest:    []string{"PATCH " + lux + `/user/policy {"is_push_agree": false}`, "PATCH " + addnox + `/user/policy {"is_push_agree": false}`},
		},
		{
			name: "set the push token", arrange: consent, as: "parent", graphql: `setPushToken(input: {token: "${push}x"}) { ok }`,
			rest: []string{"POST " + lux + `/user/push/set-token {"token": "${push}x"}`, "POST " + addnox + `/user/push/set-token {"token": "${push}x"}`},
		},
		{
			name: "set the push token without consent", arrange: parent, as: "parent", code: "PUSH_PERMISSON_DENIED",
			graphql: `setPushToken(input: {token: "${push}"}) { ok }`,
			rest:    []string{"POST " + lux + `/user/push/set-token {"token": "${push}"}`, "POST " + addnox + `/user/push/set-token {"token": "${push}"}`},
		},
		{
			name: "set a malformed push token", arrange: consent, as: "parent", code: "USER_PUSH_TOKEN_UPDATE_FAILED",
			graphql: `setPushToken(input: {token: "short"}) { ok }`,
			rest:    []string{"POST " + lux + `/user/push/set-token {"token": "short"}`, "POST " + addnox + `/user/push/set-token {"token": "short"}`},
		},
		{
			name: "add a push device", arrange: local, as: "parent", graphql: `addPushDevice(input: {registrationId: "phone:1"}) { user { id } }`,
			rest: []string{"POST /user/device/phone:1", "POST /v1/user/device/phone:1"},
		},
		{
			name: "remove a push device", arrange: steps(local, sent(http.MethodPost, "/user/device/phone:1", "")), as: "parent",
			graphql: `removePushDevice(input: {registrationId: "phone:1"}) { ok }`,
			rest: []string{
				"DELETE /user/device/phone:1", "DELETE /v1/user/device/phone:1",
				`POST /auth/logout {"user_id": "1", "registration_id": "phone:1"}`, `POST /v1/auth/logout {"registration_id": "phone:1"}`,
			},
		},
	}
}

const (
	person = `, "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F", "phone": "${phone}",
		"is_push_agree": true, "is_marketing_agree": false, "national_code": "KR"}`
	signUpInput = `validToken: "${valid}", email: "${email}", password: "${password}", firstName: "test", lastName: "",
		birthdate: "1990-05-06", gender: FEMALE, phone: "${phone}", isPushAgree: true, isMarketingAgree: false, nationalCode: "KR"`
	signUpBody = `{"email": "${email}", "password": "${password}", "register_type": "E"` + person
)

func mail(email, password string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.vars["email"], w.vars["password"] = email, password }
}

func signUpActions() []action {
	refresh := func(t *testing.T, w *world) {
		t.Helper()
		answer := w.mustCall(t, http.MethodPost, lux+"/auth/email/signin", "", `{"username": "parent1@example.com", "password": "secret123"}`)
		w.vars["refresh"], _ = answer["refresh_token"].(string)
	}
	// refreshedTwice uses the successor of the refresh token.
	refreshedTwice := func(t *testing.T, w *world) {
		t.Helper()
		token := w.vars["refresh"]
		for range 2 {
			answer := w.mustCall(t, http.MethodPost, lux+"/auth/refresh-token", "", `{"refresh_token": "`+token+`"}`)
			token, _ = answer["refresh_token"].(string)
		}
	}
	return []action{
		{
			name: "send a code", graphql: `sendSmsCode(input: {phone: "${phone}"}) { ok }`,
			rest: []string{"POST " + lux + `/auth/send-sms-auth {"phone": "${phone}"}`, "POST " + addnox + `/auth/send-sms-auth {"phone": "${phone}"}`},
		},
		{
			name: "send a code for one purpose", graphql: `sendSmsCode(input: {phone: "${phone}", purpose: RECOVERY}) { ok }`,
		},
		{
			name: "send a code to nowhere", graphql: `sendSmsCode(input: {phone: "nowhere"}) { ok }`, code: "PHONE_NUMBER_IS_INVALID",
			rest: []string{"POST " + lux + `/auth/send-sms-auth {"phone": "nowhere"}`, "POST " + withnox + `/auth/send-sms-auth {"phone": "nowhere"}`},
		},
		{
			name: "verify a code", arrange: code, graphql: `verifySmsCode(input: {phone: "${phone}", code: "${code}"}) { validToken }`,
			rest: []string{
				"POST " + lux + `/auth/phone-number-validation {"phone": "${phone}", "validnum": "${code}"}`,
				"POST " + addnox + `/auth/phone-number-validation {"phone": "${phone}", "validnum": "${code}"}`,
			},
		},
		{
			name: "verify a wrong code", arrange: code, code: "VALIDATION_CODE_IS_INVALID",
			graphql: `verifySmsCode(input: {phone: "${phone}", code: "x"}) { validToken }`,
			rest:    []string{"POST " + lux + `/auth/phone-number-validation {"phone": "${phone}", "validnum": "x"}`},
		},
		{
			name: "sign up", arrange: steps(validToken, mail("new@lux.example", "correct horse 1")), as: "valid",
			graphql: `signUp(input: {` + signUpInput + `}) { user { id } }`,
			rest:    []string{"POST " + lux + "/auth/email/signup " + signUpBody},
		},
		{
			name: "sign up with an e-mail that is taken", arrange: steps(parent, validToken, mail("PARENT1@example.com", "correct horse 1")), as: "valid",
			graphql: `signUp(input: {` + signUpInput + `}) { user { id } }`, code: "SAME_EMAIL_IS_ALREADY_REGISTERED",
			rest: []string{"POST " + lux + "/auth/email/signup " + signUpBody},
		},
		{
			name: "sign up with a weak password", arrange: steps(validToken, mail("new@lux.example", "weak")), as: "valid",
			graphql: `signUp(input: {` + signUpInput + `}) { user { id } }`, code: "INVALID_REQUEST_OR_MISSING_PARAMETERS",
			rest: []string{"POST " + lux + "/auth/email/signup " + signUpBody},
		},
		{
			name: "sign in", arrange: parent, graphql: `signIn(input: {email: "parent1@example.com", password: "secret123"}) { user { id } }`,
			rest: []string{
				"POST " + lux + `/auth/email/signin {"username": "parent1@example.com", "password": "secret123"}`,
				"POST " + addnox + `/auth/email/signin {"username": "parent1@example.com", "password": "secret123"}`,
			},
		},
		{
			name: "sign in with a wrong password", arrange: parent, code: "PASSWORD_IS_INVALID",
			graphql: `signIn(input: {email: "parent1@example.com", password: "wrong"}) { user { id } }`,
			rest:    []string{"POST " + lux + `/auth/email/signin {"username": "parent1@example.com", "password": "wrong"}`},
		},
		{
			name: "refresh", arrange: steps(parent, refresh), graphql: `refreshToken(input: {refreshToken: "${refresh}"}) { tokens { expiresIn } }`,
			rest: []string{"POST " + lux + `/auth/refresh-token {"refresh_token": "${refresh}"}`, "POST " + addnox + `/auth/refresh-token {"refresh_token": "${refresh}"}`},
		},
		{
			name:    "refresh again after a lost answer",
			arrange: steps(parent, refresh, sent(http.MethodPost, lux+"/auth/refresh-token", `{"refresh_token": "${refresh}"}`)),
			graphql: `refreshToken(input: {refreshToken: "${refresh}"}) { tokens { expiresIn } }`,
			rest:    []string{"POST " + lux + `/auth/refresh-token {"refresh_token": "${refresh}"}`},
		},
		{
			name: "refresh with a token whose successor was used", code: "REFRESH_TOKEN_IS_NOT_VALID",
			arrange: steps(parent, refresh, refreshedTwice),
			graphql: `refreshToken(input: {refreshToken: "${refresh}"}) { tokens { expiresIn } }`,
			rest:    []string{"POST " + lux + `/auth/refresh-token {"refresh_token": "${refresh}"}`},
		},
		{
			name: "find my account", arrange: steps(parent, code, sent(http.MethodPost, lux+"/user/change-phone", `{"phone": "${phone}", "validnum": "${code}"}`), code),
			graphql: `findAccount(input: {phone: "${phone}", validnum: "${code}"}) { email provider }`,
			rest: []string{
				"POST " + lux + `/auth/find-id-by-phone {"phone": "${phone}", "validnum": "${code}"}`,
				"POST " + addnox + `/auth/find-id-by-phone {"phone": "${phone}", "validnum": "${code}"}`,
			},
		},
		{
			name: "find nobody's account", arrange: code, code: "USER_ID_IS_NOT_FOUND",
			graphql: `findAccount(input: {phone: "${phone}", validnum: "${code}"}) { email provider }`,
			rest:    []string{"POST " + lux + `/auth/find-id-by-phone {"phone": "${phone}", "validnum": "${code}"}`},
		},
		{
			name: "ask for a reset mail", arrange: parent, graphql: `requestPasswordReset(input: {email: "parent1@example.com"}) { ok }`,
			rest: []string{"POST " + lux + `/auth/send-reset-mail {"email": "parent1@example.com"}`, "POST " + addnox + `/auth/send-reset-mail {"email": "parent1@example.com"}`},
		},
		{
			name: "ask for nobody's reset mail", code: "USER_ID_IS_NOT_FOUND",
			graphql: `requestPasswordReset(input: {email: "nobody@example.com"}) { ok }`,
			rest:    []string{"POST " + lux + `/auth/send-reset-mail {"email": "nobody@example.com"}`},
		},
	}
}

// What somebody signs up with who has the token of a provider.
const (
	socialInput = `provider: FACEBOOK, token: "token 7", validToken: "${valid}", email: "${email}", firstName: "하나", lastName: "",
		birthdate: "1990-05-06", gender: FEMALE, phone: "${phone}", isPushAgree: false, isMarketingAgree: true, nationalCode: "KR"`
	socialBody = `{"email": "${email}", "register_type": "S", "social_id": "token 7", "social_type": "facebook", "first_name": "하나", "last_name": "",
		"birthdate": "19900506", "gender": "F", "phone": "${phone}", "is_push_agree": false, "is_marketing_agree": true, "national_code": "KR"}`
)

func socialSignUp(t *testing.T, w *world) {
	t.Helper()
	steps(validToken, mail("new@lux.example", ""))(t, w)
	w.mustCall(t, http.MethodPost, addnox+"/auth/social/signup", "valid", socialBody)
}

func credentialActions() []action {
	long := []string{"sessions"}
	linked := steps(local, sent(http.MethodPost, "/user/facebook", `{"fb_id": "7", "fb_token": "token 7"}`))
	mailed := steps(local, sent(http.MethodPost, "/user/email/verification", ""), func(t *testing.T, w *world) {
		t.Helper()
		w.vars["code"] = w.LastCode(t, "john@snu.example")
	})
	temporary := func(t *testing.T, w *world) {
		t.Helper()
		answer := w.mustCall(t, http.MethodPost, "/auth/request_temp", "", "")
		w.vars["parent"], _ = answer["token"].(string)
	}
	return []action{
		{
			name: "register a local id", differing: long,
			graphql: `registerLocal(input: {localId: "Abcd1234", password: "abcd1234", email: "john@snu.example"}) { user { id } }`,
			rest:    []string{`POST /auth/register_local {"id": "Abcd1234", "password": "abcd1234", "email": "john@snu.example"}`},
		},
		{
			name: "register a taken local id", arrange: local, code: "ID_IS_ALREADY_TAKEN",
			graphql: `registerLocal(input: {localId: "ABCD1234", password: "abcd1234"}) { user { id } }`,
			rest:    []string{`POST /auth/register_local {"id": "ABCD1234", "password": "abcd1234"}`},
		},
		{
			name: "sign in by local id", arrange: local, differing: long,
			graphql: `signInLocal(input: {localId: "abcd1234", password: "abcd1234"}) { user { id } }`,
			rest:    []string{`POST /auth/login_local {"id": "abcd1234", "password": "abcd1234"}`},
		},
		{
			name: "sign in by local id, wrong password", arrange: local, code: "WRONG_PASSWORD",
			graphql: `signInLocal(input: {localId: "abcd1234", password: "wrong"}) { user { id } }`,
			rest:    []string{`POST /v1/auth/login_local {"id": "abcd1234", "password": "wrong"}`},
		},
		{
			name: "sign in with Facebook", differing: long, graphql: `signInWithFacebook(input: {facebookId: "7", facebookToken: "token 7"}) { user { id } }`,
			rest: []string{`POST /auth/login_fb {"fb_id": "7", "fb_token": "token 7"}`},
		},
		{
			name: "sign in with Facebook, refused", code: "FACEBOOK_TOKEN_IS_REFUSED",
			graphql: `signInWithFacebook(input: {facebookId: "7", facebookToken: "x"}) { user { id } }`,
			rest:    []string{`POST /auth/login_fb {"fb_id": "7", "fb_token": "x"}`},
		},
		{
			name: "sign up through a provider", arrange: steps(validToken, mail("new@lux.example", "")), as: "valid",
			graphql: `signUpWithProvider(input: {` + socialInput + `}) { user { id } }`,
			rest:    []string{"POST " + addnox + "/auth/social/signup " + socialBody},
		},
		{
			name: "sign in through a provider", arrange: socialSignUp,
			graphql: `signInWithProvider(input: {provider: FACEBOOK, token: "token 7"}) { user { id } }`,
			rest:    []string{"POST " + addnox + `/auth/social-signin/facebook {"access_token": "token 7"}`},
		},
		{
			name: "sign in through a provider, signed up nowhere", code: "USER_IS_NOT_VALID_PLEASE_SIGN_UP",
			graphql: `signInWithProvider(input: {provider: FACEBOOK, token: "token 7"}) { user { id } }`,
			rest:    []string{"POST " + addnox + `/auth/social-signin/facebook {"access_token": "token 7"}`},
		},
		{
			name: "link a provider", arrange: local, as: "parent", differing: long,
			graphql: `connectProvider(input: {provider: FACEBOOK, token: "token 7"}) { user { id } }`,
			rest:    []string{`POST /user/facebook {"fb_id": "7", "fb_token": "token 7"}`},
		},
		{
			name: "unlink a provider", arrange: linked, as: "parent", differing: long,
			graphql: `disconnectProvider(input: {provider: FACEBOOK}) { user { id } }`, rest: []string{"DELETE /user/facebook"},
		},
		{
			name: "change my password", arrange: local, as: "parent", differing: long,
			graphql: `changePassword(input: {oldPassword: "abcd1234", newPassword: "efgh5678"}) { user { id } }`,
			rest:    []string{`PUT /user/password {"old_password": "abcd1234", "new_password": "efgh5678"}`},
		},
		{
			name: "change my password, wrong old one", arrange: local, as: "parent", code: "WRONG_PASSWORD",
			graphql: `changePassword(input: {oldPassword: "", newPassword: "efgh5678"}) { user { id } }`,
			rest:    []string{`PUT /user/password {"new_password": "efgh5678"}`},
		},
		{
			name: "create a local credential", arrange: temporary, as: "parent", differing: long,
			graphql: `createLocalCredential(input: {localId: "fresh1", password: "abcd1234"}) { user { id } }`,
			rest:    []string{`POST /user/password {"id": "fresh1", "password": "abcd1234"}`},
		},
		{
			name: "create a local credential beside a password", arrange: parent, as: "parent", differing: long,
			graphql: `createLocalCredential(input: {localId: "fresh1", password: "secret123"}) { user { id } }`,
			rest:    []string{`POST /user/password {"id": "fresh1", "password": "secret123"}`},
		},
		{
			name: "create a local credential with another password", arrange: parent, as: "parent", code: "WRONG_PASSWORD",
			graphql: `createLocalCredential(input: {localId: "fresh1", password: "abcd1234"}) { user { id } }`,
			rest:    []string{`POST /user/password {"id": "fresh1", "password": "abcd1234"}`, `POST /v1/user/password {"id": "fresh1", "password": "abcd1234"}`},
		},
		{
			name: "create a second local credential", arrange: local, as: "parent", code: "ACCOUNT_HAS_A_LOCAL_ID_ALREADY",
			graphql: `createLocalCredential(input: {localId: "fresh1", password: "abcd1234"}) { user { id } }`,
			rest:    []string{`POST /user/password {"id": "fresh1", "password": "abcd1234"}`},
		},
		{
			name: "link Facebook", arrange: local, as: "parent", differing: long,
			graphql: `connectFacebook(input: {facebookId: "7", facebookToken: "token 7"}) { user { id } }`,
			rest:    []string{`POST /user/facebook {"fb_id": "7", "fb_token": "token 7"}`},
		},
		{
			name: "link Facebook twice", arrange: linked, as: "parent", code: "ACCOUNT_HAS_A_FACEBOOK_LINK_ALREADY",
			graphql: `connectFacebook(input: {facebookId: "8", facebookToken: "token 8"}) { user { id } }`,
			rest:    []string{`POST /user/facebook {"fb_id": "8", "fb_token": "token 8"}`},
		},
		{
			name: "unlink Facebook", arrange: linked, as: "parent", differing: long, graphql: `disconnectFacebook { user { id } }`,
			rest: []string{"DELETE /user/facebook"},
		},
		{
			name: "unlink Facebook, no local id", arrange: temporary, as: "parent", graphql: `disconnectFacebook { user { id } }`,
			code: "ACCOUNT_HAS_NO_LOCAL_ID", rest: []string{"DELETE /user/facebook"},
		},
		{
			name: "show Facebook", arrange: linked, as: "parent", graphql: `me { facebook { attached name } }`,
			rest: []string{"GET /user/facebook"},
		},
		{
			name: "ask for an e-mail code", arrange: local, as: "parent", graphql: `sendEmailVerification(input: {email: "new@snu.example"}) { ok }`,
			rest: []string{`POST /user/email/verification {"email": "new@snu.example"}`},
		},
		{
			name: "verify my e-mail", arrange: mailed, as: "parent", graphql: `verifyEmail(input: {code: "${code}"}) { user { id } }`,
			rest: []string{`POST /user/email/verification/code {"code": "${code}"}`},
		},
		{
			name: "verify my e-mail, wrong code", arrange: mailed, as: "parent", graphql: `verifyEmail(input: {code: "x"}) { user { id } }`,
			code: "VERIFICATION_CODE_IS_WRONG", rest: []string{`POST /user/email/verification/code {}`},
		},
	}
}
