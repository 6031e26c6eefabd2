package token_test

import (
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
		got, err := keys.Verify(text, noon.Add(15*time.Minute-time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(access(), got); diff != "" {
			t.Error(diff)
		}
		if got, err := keys.Verify(text, noon.Add(15*time.Minute)); !errors.Is(err, token.ErrExpired) || got.RootUserID != 7 {
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
	f.Fuzz(func(t *testing.T, text string) {
		if claims, err := keys.Verify(text, noon); err == nil && claims != access() {
			t.Errorf("%q was taken as %+v", text, claims)
		}
	})
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
