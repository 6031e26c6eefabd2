package token_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth/token"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func access() token.Claims {
	return token.Claims{
		Use: token.Access, RootUserID: 7, SessionID: 3,
		IssuedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
	}
}

func seed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return name + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

func parse(t *testing.T, text string) *token.Keys {
	t.Helper()
	keys, err := token.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sign(t *testing.T, keys *token.Keys, claims token.Claims) string {
	t.Helper()
	text, err := keys.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerify(t *testing.T) {
	t.Parallel()
	keys := token.DevelopmentKeys()
	text := sign(t, keys, access())
	for range 2 { // the second time it comes from the cache
		got, err := keys.Verify(text, noon.Add(15*time.Minute+token.Skew-time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(access(), got); diff != "" {
			t.Error(diff)
		}
		if got, err := keys.Verify(text, noon.Add(15*time.Minute+token.Skew)); !errors.Is(err, token.ErrExpired) || got.RootUserID != 7 {
			t.Errorf("at its end: %v, %+v; want ErrExpired and the claims", err, got)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	keys := token.DevelopmentKeys()
	good := sign(t, keys, access())
	parts := strings.Split(good, ".")
	swapped := sign(t, keys, token.Claims{Use: token.Long, RootUserID: 8, CredentialVersion: 1})
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"development"}`)) + "." + parts[1] + "."
	for name, text := range map[string]string{
		"nothing":          "",
		"words":            "your_token_here",
		"another key":      sign(t, parse(t, seed("development")), access()),
		"unknown key id":   sign(t, parse(t, seed("other")), access()),
		"another's body":   parts[0] + "." + strings.Split(swapped, ".")[1] + "." + parts[2],
		"no signature":     unsigned,
		"cut":              good[:len(good)-4],
		"too long":         good + strings.Repeat("A", 4096),
		"JSON form":        `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"AAAA"}`,
		"no use":           sign(t, keys, token.Claims{RootUserID: 7, SessionID: 3, ExpiresAt: noon}),
		"access forever":   sign(t, keys, token.Claims{Use: token.Access, RootUserID: 7, SessionID: 3}),
		"refresh, no id":   sign(t, keys, token.Claims{Use: token.Refresh, RootUserID: 7, SessionID: 3, ExpiresAt: noon}),
		"long, no version": sign(t, keys, token.Claims{Use: token.Long, RootUserID: 7}),
	} {
		if _, err := keys.Verify(text, noon.Add(-time.Hour)); !errors.Is(err, token.ErrForged) {
			t.Errorf("%s: %v, want ErrForged", name, err)
		}
	}
}

// forge signs any header and claims with the development key, as a program could that
// shares it with us.
func forge(header, claims string) string {
	seed := sha256.Sum256([]byte("luxbff development key, not a secret"))
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	return signed + "." + encode(ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), []byte(signed)))
}

// TestHeadersAndClaims holds what is read of a token whose signature is good: those of
// before there was a `typ` and an `aud` stay good, wrong ones never were.
func TestHeadersAndClaims(t *testing.T) {
	t.Parallel()
	const (
		of       = `{"alg":"EdDSA","kid":"development"`
		access   = `{"iss":"luxbff","sub":"7","use":"access","sid":3,"exp":1772626500`
		refresh  = `{"iss":"luxbff","sub":"7","use":"refresh","sid":3,"jti":"a","exp":1772626500`
		long     = `{"iss":"luxbff","sub":"7","use":"long","ver":1`
		at, rt   = of + `,"typ":"at+jwt"}`, of + `,"typ":"rt+jwt"}`
		in30, in = "1772625630", "1772625631" // s after noon
	)
	for name, tc := range map[string]struct {
		header, claims string
		good           bool
	}{
		"access":                             {at, access + `,"aud":"luxbff"}`, true},
		"refresh":                            {rt, refresh + `,"aud":"luxbff"}`, true},
		"long":                               {of + `}`, long + `}`, true},
		"access of before":                   {of + `}`, access + `}`, true},
		"refresh of before":                  {of + `}`, refresh + `}`, true},
		"for several, us among them":         {at, access + `,"aud":["other","luxbff"]}`, true},
		"for another":                        {at, access + `,"aud":"other"}`, false},
		"for others":                         {at, access + `,"aud":["other"]}`, false},
		"for nobody":                         {at, access + `,"aud":[]}`, false},
		"for a number":                       {at, access + `,"aud":1}`, false},
		"long for another":                   {of + `}`, long + `,"aud":"other"}`, false},
		"access by the header of a refresh":  {rt, access + `}`, false},
		"refresh by the header of an access": {at, refresh + `}`, false},
		"long by the header of an access":    {at, long + `}`, false},
		"another program's type":             {of + `,"typ":"JWT"}`, access + `}`, false},
		"an empty type":                      {of + `,"typ":""}`, access + `}`, false},
		"a type that is no text":             {of + `,"typ":1}`, access + `}`, false},
		"critical, unknown":                  {of + `,"crit":["x"],"x":1}`, access + `}`, false},
		"critical, known elsewhere":          {of + `,"crit":["b64"],"b64":true}`, access + `}`, false},
		"critical, empty":                    {of + `,"crit":[]}`, access + `}`, false},
		"critical, no list":                  {of + `,"crit":"x"}`, access + `}`, false},
		"not before: 30 s ahead":             {at, access + `,"nbf":` + in30 + `}`, true},
		"not before: 31 s ahead":             {at, access + `,"nbf":` + in + `}`, false},
		"issued by a clock that was ahead":   {at, access + `,"iat":` + in + `}`, true},
		"long, issued by such a clock":       {of + `}`, long + `,"iat":` + in + `}`, true},
		"another algorithm":                  {`{"alg":"HS256","kid":"development"}`, access + `}`, false},
		"another issuer":                     {at, strings.Replace(access, "luxbff", "other", 1) + `}`, false},
	} {
		keys := token.DevelopmentKeys()
		for range 2 { // the second time it comes from the cache, if at all
			_, err := keys.Verify(forge(tc.header, tc.claims), noon)
			if tc.good && err != nil || !tc.good && !errors.Is(err, token.ErrForged) {
				t.Errorf("%s: %v, want good: %v", name, err, tc.good)
			}
		}
	}
}

// TestTypes: a token says in its header what it is (RFC 8725, section 3.11), but for the
// long-lived one, whose text must be that of before.
func TestTypes(t *testing.T) {
	t.Parallel()
	keys := token.DevelopmentKeys()
	long := token.Claims{Use: token.Long, RootUserID: 7, CredentialVersion: 2, IssuedAt: noon}
	refresh := access()
	refresh.Use, refresh.Nonce = token.Refresh, "a"
	for want, claims := range map[string]token.Claims{"at+jwt": access(), "rt+jwt": refresh, "": long} {
		header, err := base64.RawURLEncoding.DecodeString(strings.Split(sign(t, keys, claims), ".")[0])
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Typ string }
		if err := json.Unmarshal(header, &got); err != nil || got.Typ != want {
			t.Errorf("%s: %s, %v", claims.Use, header, err)
		}
	}
	const before = `{"iss":"luxbff","sub":"7","use":"long","ver":2,"iat":1772625600}`
	if got, want := sign(t, keys, long), forge(`{"alg":"EdDSA","kid":"development"}`, before); got != want {
		t.Errorf("a long-lived token is\n%s, and was\n%s", got, want)
	}
}

func TestLongTokenIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	keys := token.DevelopmentKeys()
	claims := token.Claims{Use: token.Long, RootUserID: 7, CredentialVersion: 2}
	first := sign(t, keys, claims)
	if again := sign(t, token.DevelopmentKeys(), claims); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	claims.CredentialVersion++
	if risen := sign(t, keys, claims); risen == first {
		t.Error("a new credential version gave the old token")
	}
}

func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	before, during, after := parse(t, seed("a")), parse(t, seed("b")+", "+seed("a")), parse(t, seed("b"))
	old := sign(t, before, access())
	if _, err := during.Verify(old, noon); err != nil {
		t.Errorf("while both are there: %v", err)
	}
	if _, err := after.Verify(old, noon); !errors.Is(err, token.ErrForged) {
		t.Errorf("once the old one is out: %v, want ErrForged", err)
	}
	if _, err := after.Verify(sign(t, during, access()), noon); err != nil {
		t.Errorf("signed by the new key: %v", err)
	}
	older, _ := before.Secrets("codes")
	newer, _ := during.Secrets("codes")
	if diff := cmp.Diff(older[0], newer[1]); diff != "" {
		t.Errorf("the old key's secret changed: %s", diff)
	}
	if others, _ := before.Secrets("digests"); cmp.Equal(older, others) {
		t.Error("two purposes share a secret")
	}
}

func TestParseKeysNamesTheBadKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "key 1",
		"a":                         "kid:base64",
		seed("a") + ",b:AAAA":       "key 2",
		seed("a") + "," + seed("a"): "twice",
		":AAAA":                     "kid:base64",
	} {
		if _, err := token.ParseKeys(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestJWKSHoldsOnlyPublicKeys(t *testing.T) {
	t.Parallel()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(parse(t, seed("a")+","+seed("b")).JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for i, id := range []string{"a", "b"} {
		key := set.Keys[i]
		if key["kid"] != id || key["alg"] != "EdDSA" || key["crv"] != "Ed25519" || key["use"] != "sig" || key["d"] != "" {
			t.Errorf("%v", key)
		}
	}
}

func FuzzVerify(f *testing.F) {
	keys := token.DevelopmentKeys()
	good, err := keys.Sign(access())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("a.b.c")
	f.Add(forge(`{"alg":"EdDSA","kid":"development","crit":["x"],"x":1}`, `{"iss":"luxbff"}`))
	f.Add(forge(`{"alg":"EdDSA","kid":"development","typ":"rt+jwt"}`, `{"iss":"luxbff","aud":["luxbff"],"nbf":1}`))
	f.Fuzz(func(t *testing.T, text string) {
		if claims, err := keys.Verify(text, noon); err == nil && claims != access() {
			t.Errorf("%q was taken as %+v", text, claims)
		}
	})
}

// TestKnownTokenIsVerifiedWithoutAllocation holds that the digest by which a token is
// found costs no request anything of the heap.
func TestKnownTokenIsVerifiedWithoutAllocation(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	keys := token.DevelopmentKeys()
	text := sign(t, keys, access())
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := keys.Verify(text, noon); err != nil {
			t.Error(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkVerify(b *testing.B) {
	keys := token.DevelopmentKeys()
	text, err := keys.Sign(access())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			fresh := token.DevelopmentKeys()
			if _, err := fresh.Verify(text, noon); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			if _, err := keys.Verify(text, noon); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestGuessable(t *testing.T) {
	t.Parallel()
	encoded := func(seed string) string { return base64.StdEncoding.EncodeToString([]byte(seed)) }
	development := sha256.Sum256([]byte("luxbff development key, not a secret"))
	keys, err := token.ParseKeys(strings.Join([]string{
		seed("random"), "text:" + encoded("correct horse battery staple ..."), seed("random too"),
		"zero:" + encoded(strings.Repeat("\x00", 32)), "few:" + encoded(strings.Repeat("\x01\xfe", 16)),
		"known:" + encoded(string(development[:])),
	}, ","))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"text", "zero", "few", "known"}, keys.Guessable()); diff != "" {
		t.Errorf("guessable keys (-want +got):\n%s", diff)
	}
}
