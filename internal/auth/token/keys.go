// Package token signs and reads the JSON Web Tokens that clients carry, with
// Ed25519 keys that can be replaced one by one. It knows neither rows nor rules:
// whether a session is still open is for internal/auth to say. It must not import
// ent or any other package of the project.
package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// cachedTokens is how many tokens are remembered as well signed, because phones
// send the same token with each request and checking an Ed25519 signature costs
// more than all else that a small query does (BenchmarkVerify).
const cachedTokens = 8192

// Keys are the keys of one deployment: the first signs, all verify. So a key is
// replaced without a sign-out: a new one is put first, and the old one is taken
// out once no token signed by it is good any more. They also give the secrets by
// which codes and deleted identities are stored as digests.
type Keys struct {
	signer jwk.Key
	public jwk.Set
	jwks   []byte
	named  []namedSeed
	// verified holds what well signed tokens say. Whether one has expired is looked at
	// each time.
	verified *lru.Cache[digest, remembered]
}

// ParseKeys reads the setting TOKEN_KEYS: `kid:base64 of an Ed25519 seed`,
// comma-separated. An error names the key by its place in the list, and never
// holds a seed, because it is logged.
func ParseKeys(text string) (*Keys, error) {
	var named []namedSeed
	for i, item := range strings.Split(text, ",") {
		key, err := parseSeed(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		named = append(named, key)
	}
	return newKeys(named)
}

// DevelopmentKeys are the same in every checkout, so that a token is still good
// after a restart. Whoever reads this file can forge tokens for them: production
// must have keys of its own.
func DevelopmentKeys() *Keys {
	keys, err := newKeys([]namedSeed{{id: "development", seed: developmentSeed()}})
	if err != nil {
		panic("token: the development key is malformed: " + err.Error())
	}
	return keys
}

func developmentSeed() []byte {
	seed := sha256.Sum256([]byte("luxbff development key, not a secret"))
	return seed[:]
}

// Guessable lists the ids of keys that others know or may guess: the development
// key, and seeds that no random source gives, such as text or a few bytes repeated.
func (k *Keys) Guessable() []string {
	var ids []string
	for _, n := range k.named {
		if bytes.Equal(n.seed, developmentSeed()) || isText(n.seed) || distinctBytes(n.seed) < ed25519.SeedSize/2 {
			ids = append(ids, n.id)
		}
	}
	return ids
}

func isText(seed []byte) bool {
	return !bytes.ContainsFunc(seed, func(r rune) bool { return r < ' ' || r > '~' })
}

func distinctBytes(seed []byte) int {
	seen := map[byte]bool{}
	for _, b := range seed {
		seen[b] = true
	}
	return len(seen)
}

type namedSeed struct {
	id   string
	seed []byte
}

func parseSeed(item string) (namedSeed, error) {
	id, encoded, found := strings.Cut(item, ":")
	if !found || id == "" {
		return namedSeed{}, errors.New("not of the form kid:base64")
	}
	seed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(seed) != ed25519.SeedSize {
		return namedSeed{}, fmt.Errorf("%s is not the base64 of a %d-byte seed", id, ed25519.SeedSize)
	}
	return namedSeed{id: id, seed: seed}, nil
}

func newKeys(named []namedSeed) (*Keys, error) {
	k := &Keys{public: jwk.NewSet(), named: named}
	for i, n := range named {
		private := ed25519.NewKeyFromSeed(n.seed)
		if err := k.addPublic(n.id, private.Public()); err != nil {
			return nil, err
		}
		if i > 0 {
			continue
		}
		signer, err := importKey(n.id, private)
		if err != nil {
			return nil, err
		}
		k.signer = signer
	}
	var err error
	if k.jwks, err = json.Marshal(k.public); err != nil {
		return nil, fmt.Errorf("publish keys: %w", err)
	}
	k.verified, err = lru.New[digest, remembered](cachedTokens)
	return k, err
}

func (k *Keys) addPublic(id string, public any) error {
	if _, taken := k.public.LookupKeyID(id); taken {
		return fmt.Errorf("the key id %s is there twice", id)
	}
	key, err := importKey(id, public)
	if err != nil {
		return err
	}
	return k.public.AddKey(key)
}

func importKey(id string, raw any) (jwk.Key, error) {
	key, err := jwk.Import(raw)
	if err != nil {
		return nil, fmt.Errorf("import key %s: %w", id, err)
	}
	return key, errors.Join(
		key.Set(jwk.KeyIDKey, id),
		key.Set(jwk.AlgorithmKey, jwa.EdDSA()),
		key.Set(jwk.KeyUsageKey, "sig"),
	)
}

// JWKS is the JSON Web Key Set by which others check signatures, as JSON.
func (k *Keys) JWKS() []byte { return k.jwks }

// Secrets derives a secret for the purpose from each key, that of the signing key
// first. Who writes with the first and accepts all loses nothing while keys are
// replaced.
func (k *Keys) Secrets(purpose string) ([][]byte, error) {
	secrets := make([][]byte, len(k.named))
	for i, n := range k.named {
		secret, err := hkdf.Key(sha256.New, n.seed, nil, purpose, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive a secret: %w", err)
		}
		secrets[i] = secret
	}
	return secrets, nil
}
