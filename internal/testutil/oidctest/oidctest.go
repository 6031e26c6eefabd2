// Package oidctest is an OpenID Connect issuer for tests, on loopback: it publishes a
// discovery document and keys, rolls them, and signs the id tokens that a test asks for,
// sound ones and others. It imports nothing of the project.
package oidctest

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	// keysPath is where the keys are at first, which is where Facebook has its own.
	keysPath = "/.well-known/oauth/openid/jwks/"
)

// Issuer is an OpenID Connect provider. Its URL is its iss.
type Issuer struct {
	URL string

	mu         sync.Mutex
	generation int
	rsa        *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
	keysPath   string
	announced  string           // the issuer of the discovery document; empty: URL
	answer     http.HandlerFunc // nil: its own
	fetches    int
}

// Start starts an issuer that ends with the test.
func Start(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{keysPath: keysPath}
	i.Roll(t)
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Roll replaces the keys: what the old ones have signed is good no more.
func (i *Issuer) Roll(t testing.TB) {
	t.Helper()
	byRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	byEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.generation++
	i.rsa, i.ec = byRSA, byEC
}

// Answer has every request answered in this way from now on; nil in the issuer's own.
func (i *Issuer) Answer(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// Move publishes the keys at another path, and no more where they were.
func (i *Issuer) Move(path string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keysPath = path
}

// Announce has the discovery document name another issuer.
func (i *Issuer) Announce(issuer string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.announced = issuer
}

// Down answers every request as a server does that is being restarted.
func Down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// Fetches counts the requests for keys that were answered or failed.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	if r.URL.Path != discoveryPath {
		i.fetches++
	}
	answer := i.answer
	i.mu.Unlock()
	if answer == nil {
		answer = i.Own
	}
	answer(w, r)
}

// Own is how the issuer answers unless a test has it answer otherwise.
func (i *Issuer) Own(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch r.URL.Path {
	case discoveryPath:
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": cmp.Or(i.announced, i.URL), "jwks_uri": i.URL + i.keysPath})
	case i.keysPath:
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys()})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// keys are the public ones as JSON Web Keys. Among them are those that a client has to
// pass over: one of a kind that nobody knows, and one that is not for signatures.
func (i *Issuer) keys() []map[string]string {
	modulus, exponent := encode(i.rsa.N.Bytes()), encode(big.NewInt(int64(i.rsa.E)).Bytes())
	point, err := i.ec.PublicKey.Bytes()
	if err != nil {
		return nil
	}
	half := (len(point) - 1) / 2
	return []map[string]string{
		{"kty": "unheard-of", "kid": "other"},
		{"kty": "RSA", "use": "enc", "kid": "encryption", "n": modulus, "e": exponent},
		{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.kid("RS256"), "n": modulus, "e": exponent},
		{"kty": "EC", "crv": "P-256", "kid": i.kid("ES256"), "x": encode(point[1 : 1+half]), "y": encode(point[1+half:])},
	}
}

// kid names the key that signs by the algorithm. HS256 and none, for which an issuer has
// no key, name the RSA key, as a forger does.
func (i *Issuer) kid(algorithm string) string {
	if algorithm != "ES256" {
		algorithm = "RS256"
	}
	return fmt.Sprintf("%s-%d", algorithm, i.generation)
}

// Claims are those of a sound token of a person for an app, good for an hour, with what
// is changed about them. A change to nil leaves a claim out.
func (i *Issuer) Claims(now time.Time, app, subject string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "aud": app, "sub": subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// Token signs claims with the key that is the issuer's now. The algorithm is RS256 or
// ES256; HS256 signs with what the issuer publishes, and none not at all.
func (i *Issuer) Token(t testing.TB, algorithm string, claims map[string]any) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(t, algorithm, i.kid(algorithm), claims)
}

// TokenOf is Token with a key id of the test's choice.
func (i *Issuer) TokenOf(t testing.TB, kid string, claims map[string]any) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(t, "RS256", kid, claims)
}

func (i *Issuer) sign(t testing.TB, algorithm, kid string, claims map[string]any) string {
	t.Helper()
	header, err := json.Marshal(map[string]string{"alg": algorithm, "kid": kid, "typ": "JWT"})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := encode(header) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	var signature []byte
	switch algorithm {
	case "RS256":
		signature, err = rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, digest[:])
	case "ES256":
		signature, err = i.signEC(digest[:])
	case "HS256":
		mac := hmac.New(sha256.New, i.rsa.N.Bytes())
		mac.Write([]byte(signed))
		signature = mac.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// signEC gives the two numbers of the signature one after the other (RFC 7518, 3.4).
func (i *Issuer) signEC(digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, i.ec, digest)
	if err != nil {
		return nil, err
	}
	const size = 32 // of a number of P-256
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
