package app

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/facebook"
	"luxbff/internal/auth/naver"
	"luxbff/internal/auth/oidc"
	"luxbff/internal/auth/sandbox"
	"luxbff/internal/text"
)

// IdentityConfig is what the program knows of the providers that vouch for people, but
// Facebook's Graph.
type IdentityConfig struct {
	FacebookAppID     string `env:"FACEBOOK_APP_ID" name:"facebook-app-id" help:"Our app at Facebook; empty: no sign-in with Facebook in production."`
	FacebookAppSecret string `env:"FACEBOOK_APP_SECRET" name:"facebook-app-secret" help:"Secret of that app."`
	FacebookIssuer    string `env:"FACEBOOK_ISSUER" default:"https://www.facebook.com" help:"Who issues the id tokens of Facebook's Limited Login."`
	NaverURL          string `env:"NAVER_URL" name:"naver-url" default:"https://openapi.naver.com" help:"Naver's API; empty: no sign-in with Naver."`
	GoogleClientIDs   string `env:"GOOGLE_CLIENT_IDS" name:"google-client-ids" help:"Ids of our apps at Google, comma-separated; empty: no sign-in with Google."`
	GoogleIssuer      string `env:"GOOGLE_ISSUER" default:"https://accounts.google.com" help:"Who issues Google's id tokens."`
	AppleClientIDs    string `env:"APPLE_CLIENT_IDS" name:"apple-client-ids" help:"Ids of our apps at Apple, comma-separated; empty: no sign-in with Apple."`
	AppleIssuer       string `env:"APPLE_ISSUER" default:"https://appleid.apple.com" help:"Who issues Apple's id tokens."`
	KakaoClientIDs    string `env:"KAKAO_CLIENT_IDS" name:"kakao-client-ids" help:"Keys of our apps at Kakao, comma-separated; empty: no sign-in with Kakao."`
	KakaoIssuer       string `env:"KAKAO_ISSUER" default:"https://kauth.kakao.com" help:"Who issues Kakao's id tokens."`
}

// openID are the settings of a provider that speaks OpenID Connect.
type openID struct {
	provider identity.Provider
	// setting is what the names of both settings begin with.
	setting, clientIDs, issuer string
	// aliases are what else stands for the issuer in its tokens.
	aliases []string
}

func (c Config) openIDs() []openID {
	i := c.Identity
	return []openID{
		{identity.ProviderGoogle, "GOOGLE", i.GoogleClientIDs, i.GoogleIssuer, []string{"accounts.google.com"}},
		{identity.ProviderApple, "APPLE", i.AppleClientIDs, i.AppleIssuer, nil},
		{identity.ProviderKakao, "KAKAO", i.KakaoClientIDs, i.KakaoIssuer, nil},
	}
}

// socialProviders are those that are configured, by their names in the routes; signing in
// with another is refused. The error names each setting that is malformed.
func (c Config) socialProviders(o Options) (map[string]auth.SocialProvider, error) {
	providers := map[string]auth.SocialProvider{}
	var wrong []error
	for _, p := range c.openIDs() {
		if p.clientIDs == "" {
			continue
		}
		ids, err := parseClientIDs(p.setting+"_CLIENT_IDS", p.clientIDs)
		wrong = append(wrong, err, checkProviderURL(p.setting+"_ISSUER", p.issuer))
		providers[p.provider.String()] = oidc.New(oidc.Config{
			Issuer: p.issuer, IssuerAliases: p.aliases, ClientIDs: ids, Clock: o.Clock,
		})
	}
	if i := c.Identity; i.NaverURL != "" {
		wrong = append(wrong, checkProviderURL("NAVER_URL", i.NaverURL))
		providers[identity.ProviderNaver.String()] = naver.New(i.NaverURL)
	}
	client, err := c.facebook(o)
	if client != nil {
		providers[identity.ProviderFacebook.String()] = client
	}
	return providers, errors.Join(append(wrong, err)...)
}

// facebook is nil where nobody signs in with Facebook: without an address, and in
// production without an app, because a token of any app would be taken then.
func (c Config) facebook(o Options) (*facebook.Client, error) {
	i := c.Identity
	if (i.FacebookAppID == "") != (i.FacebookAppSecret == "") {
		return nil, errors.New("FACEBOOK_APP_ID and FACEBOOK_APP_SECRET belong together: a token is checked with both")
	}
	if c.FacebookURL == "" {
		return nil, nil
	}
	wrong := []error{checkProviderURL("FACEBOOK_GRAPH_URL", c.FacebookURL)}
	if i.FacebookAppID != "" {
		if strings.Trim(i.FacebookAppID, "0123456789") != "" {
			wrong = append(wrong, errors.New("FACEBOOK_APP_ID must be the number of an app"))
		}
		wrong = append(wrong, checkProviderURL("FACEBOOK_ISSUER", i.FacebookIssuer))
	}
	if i.FacebookAppID == "" && !c.Development() {
		return nil, errors.Join(wrong...)
	}
	return facebook.New(facebook.Config{
		URL: c.FacebookURL, AppID: i.FacebookAppID, AppSecret: i.FacebookAppSecret, Issuer: i.FacebookIssuer, Clock: o.Clock,
	}), errors.Join(wrong...)
}

// parseClientIDs reads ids that are separated by commas.
func parseClientIDs(setting, list string) ([]string, error) {
	const limit = 255
	ids := strings.Split(list, ",")
	for n, id := range ids {
		ids[n] = strings.TrimSpace(id)
		if ids[n] == "" || len(ids[n]) > limit || !text.Clean(ids[n], limit) || strings.ContainsAny(ids[n], " \t\"'") {
			return nil, errors.New(setting + " must be the ids of apps, comma-separated, without quotes and spaces in them")
		}
	}
	return ids, nil
}

// withSandbox has the sandbox stand in, in development, for each provider: it takes its own
// tokens, and a provider that is configured gets all others.
func (c Config) withSandbox(providers map[string]auth.SocialProvider) map[string]auth.SocialProvider {
	if !c.Development() {
		return providers
	}
	all := map[string]auth.SocialProvider{}
	for _, provider := range auth.SocialProviders() {
		all[provider.String()] = sandbox.New(provider.String(), providers[provider.String()])
	}
	return all
}

// serveSandboxToken gives a token of a person whom the query describes, at the provider of
// the path. In development alone.
func (a *App) serveSandboxToken(w http.ResponseWriter, r *http.Request) {
	provider, known := auth.ParseSocialProvider(r.PathValue("provider"))
	if !known {
		writeJSON(w, http.StatusNotFound, map[string]string{"detail": apperr.ResourceNotFound.New().Detail()})
		return
	}
	query := r.URL.Query()
	token, err := sandbox.Token(sandbox.Person{
		Provider: provider.String(), Subject: cmp.Or(query.Get("sub"), "1"),
		Name: query.Get("name"), Email: query.Get("email"), Nonce: query.Get("nonce"), Failure: query.Get("fail"),
	})
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"detail": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

// providerNames are the providers by which people sign in, in alphabetical order.
func (c Config) providerNames() ([]string, error) {
	providers, err := c.socialProviders(Options{}.withDefaults())
	var names []string
	for name := range providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}
