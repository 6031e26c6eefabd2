package app_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/store/admin"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/oidctest"
	"luxbff/internal/testutil/processtest"
	"luxbff/server/app"
)

// ourApp is the id of our app at each OpenID Connect provider.
const ourApp = "app.lux.example"

// vouchers stand in for the five providers that vouch for people.
type vouchers struct {
	*apptest.Server

	openID map[string]*oidctest.Issuer // by provider; Facebook's is that of Limited Login
	sms    *smsProvider
}

// startVouchers starts the program as it runs in production, with stand-ins of all
// providers.
func startVouchers(t *testing.T, change ...func(*app.Config)) *vouchers {
	t.Helper()
	v := &vouchers{openID: map[string]*oidctest.Issuer{}, sms: startSMSProvider(t)}
	for _, provider := range []string{"google", "apple", "kakao", "facebook"} {
		v.openID[provider] = oidctest.Start(t)
	}
	configure := func(cfg *app.Config) {
		cfg.Env, cfg.PublicURL, cfg.TokenKeys = "production", "https://luxbff.example.com", processtest.TokenKeys()
		cfg.Solapi = app.SolapiConfig{URL: v.sms.URL, Key: "key", Secret: "secret", From: "0212345678"}
		cfg.FacebookURL = apptest.StartFacebook(t)
		cfg.Identity = app.IdentityConfig{
			GoogleClientIDs: "other-app, " + ourApp, GoogleIssuer: v.openID["google"].URL,
			AppleClientIDs: ourApp, AppleIssuer: v.openID["apple"].URL,
			KakaoClientIDs: ourApp, KakaoIssuer: v.openID["kakao"].URL,
			FacebookAppID: apptest.FacebookAppID, FacebookAppSecret: apptest.FacebookAppSecret, FacebookIssuer: v.openID["facebook"].URL,
			NaverURL: apptest.StartNaver(t),
		}
	}
	v.Server = apptest.Start(t, append([]func(*app.Config){configure}, change...)...)
	return v
}

// token is a sound one of a person at a provider.
func (v *vouchers) token(t *testing.T, provider, subject string) string {
	t.Helper()
	switch provider {
	case "facebook":
		return "token " + subject
	case "naver":
		return "token-" + subject
	}
	return v.idToken(t, provider, subject, nil)
}

// idToken is one of a provider that issues them, with what is changed about its claims.
func (v *vouchers) idToken(t *testing.T, provider, subject string, changes map[string]any) string {
	t.Helper()
	audience := ourApp
	if provider == "facebook" {
		audience = apptest.FacebookAppID
	}
	issuer := v.openID[provider]
	return issuer.Token(t, "RS256", issuer.Claims(v.Clock.Now(), audience, subject, changes))
}

// validToken is what a phone gets for the code that the provider of SMS was given.
func (v *vouchers) validToken(t *testing.T, phone string) string {
	t.Helper()
	var ignored any
	v.Data(t, "", `mutation($phone: String!) { sendSmsCode(input: {phone: $phone, purpose: SIGN_UP}) { ok } }`, map[string]any{"phone": phone}, &ignored)
	code := ""
	for code == "" { // the reports of links come by SMS as well
		code = codeInSMS.FindString((<-v.sms.got).text)
	}
	var verified struct{ VerifySmsCode struct{ ValidToken string } }
	v.Data(t, "", `mutation($phone: String!, $code: String!) { verifySmsCode(input: {phone: $phone, code: $code}) { validToken } }`,
		map[string]any{"phone": phone, "code": code}, &verified)
	return verified.VerifySmsCode.ValidToken
}

// answer expects a status and a text in the body.
func (v *vouchers) answer(t *testing.T, path, token, body string, status int, want string) {
	t.Helper()
	got := v.Call(t, http.MethodPost, path, token, body)
	if got.Status != status || !strings.Contains(string(got.Body), want) {
		t.Errorf("POST %s: %d %s, want %d %s", path, got.Status, got.Body, status, want)
	}
}

// signInBody is that of social-signin.
func signInBody(provider, token string) string {
	if provider == "facebook" {
		return `{"access_token": "` + token + `"}`
	}
	return `{"id_token": "` + token + `"}`
}

// TestSignUpThroughEachProviderInProduction: a parent signs up on Addnox through each of the
// five providers, and signs in again there and on Withnox.
func TestSignUpThroughEachProviderInProduction(t *testing.T) {
	t.Parallel()
	v := startVouchers(t)
	const addnox = "/api/v1/addnox/auth"
	for number, provider := range []string{"google", "apple", "kakao", "naver", "facebook"} {
		phone := "+82101000000" + string(rune('0'+number))
		token := v.token(t, provider, "42")
		signIn := func(status int, want string) {
			t.Helper()
			v.answer(t, addnox+"/social-signin/"+provider, "", signInBody(provider, token), status, want)
		}
		signIn(403, "User is not valid, please sign up")
		body := `{"email": "` + provider + `@lux.example", "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F", "phone": "` + phone + `",
			"is_push_agree": false, "is_marketing_agree": false, "national_code": "KR", "register_type": "S", "social_type": "` + provider + `", "social_id": "`
		valid := v.validToken(t, phone)
		v.answer(t, addnox+"/social/signup", valid, body+`forged"}`, 409, "Invalid "+provider+" access token")
		v.answer(t, addnox+"/social/signup", valid, body+token+`"}`, 200, "access_token")
		signIn(200, "access_token")
		v.answer(t, "/api/v1/withnox/auth/social-signin/"+provider, "", signInBody(provider, token), 200, "access_token")
		v.answer(t, addnox+"/social-signin/"+provider, "", signInBody(provider, v.token(t, provider, "7")), 403, "User is not valid, please sign up")
	}
	// Limited Login knows the same person.
	v.answer(t, addnox+"/social-signin/facebook", "", signInBody("facebook", v.idToken(t, "facebook", "42", nil)), 200, "access_token")
	v.answer(t, addnox+"/social-signin/facebook", "", signInBody("facebook", "stranger 42"), 409, "Invalid facebook access token")
	v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "`+v.idToken(t, "facebook", "42", nil)+`"}`, 200, "token")
	v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "stranger 42"}`, 403, "8198")
	v.answer(t, addnox+"/social-signin/naver", "", `{"access_token": "token-42"}`, 200, "access_token")
	// A provider's verified e-mail tells how its person did sign up.
	v.answer(t, addnox+"/social-signin/apple", "", signInBody("apple", v.idToken(t, "apple", "8", map[string]any{
		"email": "google@lux.example", "email_verified": "true",
	})), 404, "User is signed up with google type")
}

// TestNoFacebookWithoutAnAppInProduction holds that a token which cannot be bound to our app
// opens nothing there.
func TestNoFacebookWithoutAnAppInProduction(t *testing.T) {
	t.Parallel()
	v := startVouchers(t, func(cfg *app.Config) { cfg.Identity.FacebookAppID, cfg.Identity.FacebookAppSecret = "", "" })
	v.answer(t, "/api/v1/addnox/auth/social-signin/facebook", "", signInBody("facebook", "token 42"), 409, "Invalid facebook access token")
	v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "token 42"}`, 403, "8198")
	if code := v.GraphQL(t, "", `mutation { signInWithFacebook(input: {facebookId: "42", facebookToken: "token 42"}) { user { id } } }`, nil).Code(); code != "INVALID_FACEBOOK_ACCESS_TOKEN" {
		t.Errorf("GraphQL: %s", code)
	}
}

// soundIdentities are settings of production with every provider.
func soundIdentities() app.Config {
	return app.Config{
		Env: "production", PublicURL: "https://luxbff.example.com", TokenKeys: processtest.TokenKeys(), FacebookURL: "https://graph.facebook.com",
		Identity: app.IdentityConfig{
			GoogleClientIDs: ourApp, GoogleIssuer: "https://accounts.google.com", AppleClientIDs: ourApp, AppleIssuer: "https://appleid.apple.com",
			KakaoClientIDs: ourApp, KakaoIssuer: "https://kauth.kakao.com", NaverURL: "https://openapi.naver.com",
			FacebookAppID: "1234", FacebookAppSecret: "hush", FacebookIssuer: "https://www.facebook.com",
		},
	}
}

// TestIdentitySettings names each setting that is wrong, and repeats no secret.
func TestIdentitySettings(t *testing.T) {
	t.Parallel()
	for setting, change := range map[string]func(*app.Config){
		"":                    func(*app.Config) {},
		"GOOGLE_CLIENT_IDS":   func(c *app.Config) { c.Identity.GoogleClientIDs = "one,,two" },
		"APPLE_CLIENT_IDS":    func(c *app.Config) { c.Identity.AppleClientIDs = `"quoted"` },
		"KAKAO_CLIENT_IDS":    func(c *app.Config) { c.Identity.KakaoClientIDs = "one two" },
		"GOOGLE_ISSUER":       func(c *app.Config) { c.Identity.GoogleIssuer = "accounts.google.com" },
		"APPLE_ISSUER":        func(c *app.Config) { c.Identity.AppleIssuer = "http://appleid.example.com" },
		"KAKAO_ISSUER":        func(c *app.Config) { c.Identity.KakaoIssuer = "" },
		"NAVER_URL":           func(c *app.Config) { c.Identity.NaverURL = "naver" },
		"FACEBOOK_APP_ID":     func(c *app.Config) { c.Identity.FacebookAppID = "app" },
		"FACEBOOK_APP_SECRET": func(c *app.Config) { c.Identity.FacebookAppSecret = "" },
		"FACEBOOK_ISSUER":     func(c *app.Config) { c.Identity.FacebookIssuer = "ftp://www.facebook.com" },
		"FACEBOOK_GRAPH_URL":  func(c *app.Config) { c.FacebookURL = "http://graph.example.com" },
	} {
		cfg := soundIdentities()
		change(&cfg)
		err := cfg.Check()
		switch {
		case setting == "" && err != nil:
			t.Errorf("sound settings: %v", err)
		case setting != "" && (err == nil || !strings.Contains(err.Error(), setting) || strings.Contains(err.Error(), "hush")):
			t.Errorf("%s: %v", setting, err)
		}
	}
}

// TestProvidersInGraphQLInProduction: a parent signs up through each of the five providers,
// signs in again, links another provider and removes the first.
func TestProvidersInGraphQLInProduction(t *testing.T) {
	t.Parallel()
	v := startVouchers(t)
	providers := []string{"google", "apple", "kakao", "naver", "facebook"}
	for number, provider := range providers {
		phone := "+82102000000" + string(rune('0'+number))
		token, another := v.token(t, provider, "42"), providers[(number+1)%len(providers)]
		given := map[string]any{"provider": strings.ToUpper(provider), "token": token}
		signIn := func() string {
			t.Helper()
			return v.GraphQL(t, "", `mutation($input: SignInWithProviderInput!) { signInWithProvider(input: $input) { user { registerType } tokens { accessToken } } }`,
				map[string]any{"input": given}).Code()
		}
		if code := signIn(); code != "USER_IS_NOT_VALID_PLEASE_SIGN_UP" {
			t.Errorf("%s: sign in first: %q", provider, code)
		}
		var done struct {
			SignUpWithProvider struct{ Tokens struct{ AccessToken string } }
		}
		v.Data(t, "", `mutation($input: SignUpWithProviderInput!) { signUpWithProvider(input: $input) { tokens { accessToken } } }`, map[string]any{"input": map[string]any{
			"provider": given["provider"], "token": token, "validToken": v.validToken(t, phone), "email": provider + "@lux.example", "firstName": "james", "lastName": "",
			"birthdate": "1997-01-01", "gender": "MALE", "phone": phone, "nationalCode": "KR", "isPushAgree": false, "isMarketingAgree": false,
		}}, &done)
		if code := signIn(); code != "" {
			t.Errorf("%s: sign in again: %q", provider, code)
		}
		parent := done.SignUpWithProvider.Tokens.AccessToken
		remove := `mutation { disconnectProvider(input: {provider: ` + strings.ToUpper(provider) + `}) { user { id } } }`
		if code := v.GraphQL(t, parent, remove, nil).Code(); code != "LAST_WAY_TO_SIGN_IN_CANNOT_BE_REMOVED" {
			t.Errorf("%s: remove the last way: %q", provider, code)
		}
		connect := `mutation($input: ConnectProviderInput!) { connectProvider(input: $input) { user { identities { provider name connectedAt } } } }`
		for _, c := range []struct{ provider, subject, want string }{
			{another, "1" + string(rune('0'+number)), ""}, {another, "99", "ACCOUNT_HAS_AN_IDENTITY_OF_THIS_PROVIDER_ALREADY"},
		} {
			input := map[string]any{"provider": strings.ToUpper(c.provider), "token": v.token(t, c.provider, c.subject)}
			if got := v.GraphQL(t, parent, connect, map[string]any{"input": input}); got.Code() != c.want {
				t.Errorf("%s: connect %s: %+v, want %q", provider, c.provider, got.Errors, c.want)
			}
		}
		if code := v.GraphQL(t, parent, remove, nil).Code(); code != "" {
			t.Errorf("%s: remove the first: %q", provider, code)
		}
		var me struct {
			Me struct {
				Identities []struct{ Provider, ConnectedAt string }
			}
		}
		v.Data(t, parent, `{ me { identities { provider name connectedAt } } }`, nil, &me)
		if len(me.Me.Identities) != 1 || me.Me.Identities[0].Provider != strings.ToUpper(another) || me.Me.Identities[0].ConnectedAt == "" {
			t.Errorf("%s: me has %+v", provider, me.Me.Identities)
		}
	}
}

// TestBadProviderTokens sends each surface every token that is not good, and asks for the
// answer that the surface has for it. None makes an account or changes a row.
func TestBadProviderTokens(t *testing.T) {
	t.Parallel()
	v := startVouchers(t)
	now := v.Clock.Now()
	tokens := map[string]map[string]string{}
	for _, provider := range []string{"google", "apple", "kakao", "facebook"} {
		issuer := v.openID[provider]
		sound := issuer.Claims(now, ourApp, "42", nil)
		old := v.idToken(t, provider, "42", nil)
		issuer.Roll(t) // nobody has asked for keys before
		tokens[provider] = map[string]string{
			"old key":        old,
			"wrong audience": v.idToken(t, provider, "42", map[string]any{"aud": "stranger"}),
			"wrong issuer":   v.idToken(t, provider, "42", map[string]any{"iss": "https://evil.example"}),
			"expired":        v.idToken(t, provider, "42", map[string]any{"exp": now.Unix() - 1}),
			"not yet valid":  v.idToken(t, provider, "42", map[string]any{"nbf": now.Unix() + 3600}),
			"unsigned":       issuer.Token(t, "none", sound),
			"HS256":          issuer.Token(t, "HS256", sound),
			"garbage":        "garbage",
		}
	}
	tokens["facebook"]["another app's"] = "stranger 42"
	tokens["naver"] = map[string]string{"garbage": "garbage", "refused": "Bearer x"}
	by := caller{valid: v.validToken(t, "+821030000000"), snutt: v.local(t)}
	before := v.Dump(t)
	for provider, bad := range tokens {
		for name, token := range bad {
			v.refused(t, by, provider+", "+name, provider, token)
		}
		v.refusedInGraphQL(t, by, provider+", another nonce", provider, v.token(t, provider, "42"), "n-2")
	}
	if diff := cmp.Diff(before, v.Dump(t)); diff != "" {
		t.Errorf("rows have changed:\n%s", diff)
	}
}

// caller is who sends a bad token: with the valid_token of +821030000000, or signed in to
// SNUTT.
type caller struct{ valid, snutt string }

// local makes an account of SNUTT and gives its token.
func (v *vouchers) local(t *testing.T) string {
	t.Helper()
	object, _ := v.Call(t, http.MethodPost, "/auth/register_local", "", `{"id": "abcd1234", "password": "abcd1234"}`).JSON(t).(map[string]any)
	token, _ := object["token"].(string)
	return token
}

// refused sends a bad token to each surface.
func (v *vouchers) refused(t *testing.T, by caller, name, provider, token string) {
	t.Helper()
	v.refusedInGraphQL(t, by, name, provider, token, "")
	const addnox = "/api/v1/addnox/auth"
	v.answer(t, addnox+"/social-signin/"+provider, "", signInBody(provider, token), 409, "Invalid "+provider+" access token")
	v.answer(t, addnox+"/social/signup", by.valid, `{"email": "new@lux.example", "first_name": "test", "last_name": "", "birthdate": "19900506", "gender": "F",
		"phone": "+821030000000", "is_push_agree": false, "is_marketing_agree": false, "national_code": "KR", "register_type": "S",
		"social_type": "`+provider+`", "social_id": "`+token+`"}`, 409, "Invalid "+provider+" access token")
	if provider == "facebook" {
		v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "`+token+`"}`, 403, "8198")
		v.answer(t, "/user/facebook", by.snutt, `{"fb_id": "42", "fb_token": "`+token+`"}`, 403, "8198")
	}
}

func (v *vouchers) refusedInGraphQL(t *testing.T, by caller, name, provider, token, nonce string) {
	t.Helper()
	v.Clock.Add(12 * time.Second) // in which a client may try again as often
	given := map[string]any{"provider": strings.ToUpper(provider), "token": token, "nonce": nonce}
	signUp := maps.Clone(given)
	maps.Copy(signUp, map[string]any{
		"validToken": by.valid, "email": "new@lux.example", "firstName": "james", "lastName": "", "birthdate": "1997-01-01", "gender": "MALE",
		"phone": "+821030000000", "nationalCode": "KR", "isPushAgree": false, "isMarketingAgree": false,
	})
	for field, input := range map[string]map[string]any{"signInWithProvider": given, "signUpWithProvider": signUp, "connectProvider": given} {
		kind := strings.ToUpper(field[:1]) + field[1:] + "Input!"
		response := v.GraphQL(t, by.snutt, `mutation($input: `+kind+`) { `+field+`(input: $input) { user { id } } }`, map[string]any{"input": input})
		if response.Code() != "INVALID_"+strings.ToUpper(provider)+"_ACCESS_TOKEN" || response.Errors[0].Extensions.Status != http.StatusConflict {
			t.Errorf("%s: %s answers %+v", name, field, response.Errors)
		}
	}
}

// TestProvidersThatAreDown: each surface says that nothing is wrong with the token, and
// serves again once the provider is back.
func TestProvidersThatAreDown(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	v := startVouchers(t, func(cfg *app.Config) { cfg.Identity.NaverURL, cfg.FacebookURL = nobody.URL, nobody.URL })
	for _, issuer := range v.openID {
		issuer.Answer(oidctest.Down)
	}
	for _, provider := range []string{"google", "apple", "kakao", "naver", "facebook"} {
		token := v.token(t, provider, "42")
		v.answer(t, "/api/v1/addnox/auth/social-signin/"+provider, "", signInBody(provider, token), 500, "Internal server error. Please try again later.")
		response := v.GraphQL(t, "", `mutation($input: SignInWithProviderInput!) { signInWithProvider(input: $input) { user { id } } }`,
			map[string]any{"input": map[string]any{"provider": strings.ToUpper(provider), "token": token}})
		if response.Code() != "PROVIDER_UNAVAILABLE" || response.Errors[0].Extensions.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: GraphQL answers %+v", provider, response.Errors)
		}
		if strings.Contains(v.Log.String(), token) {
			t.Errorf("%s: the log holds the token", provider)
		}
	}
	limited := v.idToken(t, "facebook", "42", nil)
	v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "`+limited+`"}`, 500, "Internal server error")
	for _, issuer := range v.openID {
		issuer.Answer(nil)
	}
	v.Clock.Add(10 * time.Second)
	v.answer(t, "/auth/login_fb", "", `{"fb_id": "42", "fb_token": "`+limited+`"}`, 200, "token")
	v.answer(t, "/api/v1/addnox/auth/social-signin/google", "", signInBody("google", v.token(t, "google", "42")), 403, "please sign up")
}

// TestTheSandboxInDevelopment: an app team signs up through each provider, and meets each
// failure, without an account anywhere.
func TestTheSandboxInDevelopment(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token := func(provider, query string) string {
		t.Helper()
		response := s.Call(t, http.MethodGet, "/dev/identity/"+provider+"?"+query, "", "")
		object, _ := response.JSON(t).(map[string]any)
		made, _ := object["token"].(string)
		if response.Status != http.StatusOK || made == "" {
			t.Fatalf("%s: %d %s", provider, response.Status, response.Body)
		}
		return made
	}
	signIn := func(provider, given, nonce string) string {
		t.Helper()
		return s.GraphQL(t, "", `mutation($input: SignInWithProviderInput!) { signInWithProvider(input: $input) { user { id } } }`,
			map[string]any{"input": map[string]any{"provider": strings.ToUpper(provider), "token": given, "nonce": nonce}}).Code()
	}
	parent, _ := s.Parent(t)
	for _, provider := range []string{"google", "apple", "kakao", "naver", "facebook"} {
		person := "sub=42&name=Kim&email=kim@lux.example&nonce=n-1"
		if code := signIn(provider, token(provider, person), "n-1"); code != "USER_IS_NOT_VALID_PLEASE_SIGN_UP" {
			t.Errorf("%s: sign in first: %q", provider, code)
		}
		connect := `mutation($input: ConnectProviderInput!) { connectProvider(input: $input) { user { identities { name } } } }`
		if code := s.GraphQL(t, parent, connect, map[string]any{"input": map[string]any{
			"provider": strings.ToUpper(provider), "token": token(provider, person),
		}}).Code(); code != "" {
			t.Errorf("%s: connect: %q", provider, code)
		}
		if got := s.Call(t, http.MethodPost, "/api/v1/addnox/auth/social-signin/"+provider, "", signInBody(provider, token(provider, "sub=42"))); got.Status != http.StatusOK {
			t.Errorf("%s: sign in on Addnox: %d %s", provider, got.Status, got.Body)
		}
		refused := "INVALID_" + strings.ToUpper(provider) + "_ACCESS_TOKEN"
		for query, want := range map[string]string{
			"sub=42": "", "sub=43": "USER_IS_NOT_VALID_PLEASE_SIGN_UP", "sub=43&email=parent1@example.com": "USER_IS_SIGNED_UP_WITH_EMAIL_TYPE",
			"sub=42&fail=expired": refused, "sub=42&fail=audience": refused, "sub=42&fail=revoked": refused, "sub=42&fail=unavailable": "PROVIDER_UNAVAILABLE",
		} {
			if code := signIn(provider, token(provider, query), ""); code != want {
				t.Errorf("%s?%s: %q, want %q", provider, query, code, want)
			}
		}
	}
	for path, want := range map[string]int{"google?fail=toothache": 400, "myspace": 404, "email": 404} {
		if got := s.Call(t, http.MethodGet, "/dev/identity/"+path, "", ""); got.Status != want {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
}

// TestNoSandboxInProduction: nobody makes tokens there, and what the sandbox has made opens
// nothing.
func TestNoSandboxInProduction(t *testing.T) {
	t.Parallel()
	development, v := apptest.Start(t), startVouchers(t)
	by := caller{valid: v.validToken(t, "+821030000000"), snutt: v.local(t)}
	for _, provider := range []string{"google", "apple", "kakao", "naver", "facebook"} {
		if got := v.Call(t, http.MethodGet, "/dev/identity/"+provider+"?sub=42", "", ""); got.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", provider, got.Status, got.Body)
		}
		object, _ := development.Call(t, http.MethodGet, "/dev/identity/"+provider+"?sub=42", "", "").JSON(t).(map[string]any)
		made, _ := object["token"].(string)
		v.refused(t, by, provider, provider, made)
	}
}

// TestTheDoctorNamesProviders lists those that are set, and what Facebook lacks.
func TestTheDoctorNamesProviders(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*app.Config){
		"by apple, facebook, google, kakao, naver as well": func(*app.Config) {},
		"by google, kakao, naver as well; by facebook once FACEBOOK_APP_ID and FACEBOOK_APP_SECRET are set": func(c *app.Config) {
			c.Identity.FacebookAppID, c.Identity.FacebookAppSecret, c.Identity.AppleClientIDs = "", "", ""
		},
		"by no other provider":              func(c *app.Config) { c.Identity, c.FacebookURL = app.IdentityConfig{}, "" },
		"the settings are wrong: see above": func(c *app.Config) { c.Identity.NaverURL = "naver" },
	} {
		cfg := soundIdentities()
		change(&cfg)
		found := ""
		for _, finding := range app.Examine(t.Context(), cfg, slog.New(slog.DiscardHandler)) {
			if finding.Check == "sign-in" {
				found = finding.Detail
			}
		}
		if found != want {
			t.Errorf("the doctor says %q, want %q", found, want)
		}
	}
}

// TestTheDoctorTellsNeededChannels: without SMS or e-mail parents cannot do what they have
// to; without Alimtalk and push they can.
func TestTheDoctorTellsNeededChannels(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		severity admin.Severity
		change   func(*app.Config)
	}{
		"nothing sends push, alimtalk: without push its messages are left out, without Alimtalk alerts go by SMS": {
			admin.Warning, func(*app.Config) {},
		},
		"nothing sends push, alimtalk, email: without SMS there is no sign-up, without e-mail no new password": {
			admin.Wrong, func(c *app.Config) { c.SMTPURL = "" },
		},
		"nothing sends push, sms, alimtalk: without SMS there is no sign-up, without e-mail no new password": {
			admin.Wrong, func(c *app.Config) { c.Twilio = app.TwilioConfig{} },
		},
	} {
		cfg := soundIdentities()
		cfg.SMTPURL, cfg.MailFrom = "smtps://mail.example.com", "no-reply@example.com"
		cfg.Twilio = app.TwilioConfig{URL: "https://api.twilio.com", AccountSID: "AC1", AuthToken: "token", From: "+15005550006"}
		c.change(&cfg)
		wanted := admin.Finding{Check: "messages", Detail: want, Severity: c.severity}
		if found := app.Examine(t.Context(), cfg, slog.New(slog.DiscardHandler)); !slices.Contains(found, wanted) {
			t.Errorf("the doctor says %v, want %v", found, wanted)
		}
	}
}
