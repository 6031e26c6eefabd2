package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"luxbff/internal/apperr"
	"luxbff/internal/httpclient"
)

const (
	// timeout is how long a sign-in waits for a provider.
	timeout = 5 * time.Second
	// maxDocument is far above what a discovery document or a set of keys takes.
	maxDocument = 256 << 10
	// fetchEvery is how often a provider is asked at most: a key that nobody has published
	// must not make us ask for each token that names it.
	fetchEvery = 10 * time.Second
	// renewEvery is the same for keys that are old and serve on: a provider that lets us wait
	// must not do so at each sign-in.
	renewEvery = time.Minute
	// freshFor is how long keys are taken without asking again. A key that the provider
	// withdraws is refused after that at the latest.
	freshFor = time.Hour
	// usableFor is how long keys go on serving while the provider can't be asked.
	usableFor = 24 * time.Hour
)

var (
	errOtherIssuer   = apperr.Text("oidc: the discovery document is another issuer's")
	errOtherProtocol = apperr.Text("oidc: the keys are published at an address that can be changed on its way")
	errNoKeys        = apperr.Text("oidc: the provider publishes no key that can be used")
)

// keySet holds the keys that a provider publishes, and asks for them when one is missing.
type keySet struct {
	cfg  Config
	http *http.Client
	// lock is taken by whoever reads or fetches; the others wait for its result instead of
	// asking as well. It is a channel so that waiting ends with the request.
	lock    chan struct{}
	keysURL string
	keys    map[string]crypto.PublicKey
	// fetchedAt is of the keys; triedAt and failure are of the last time that they were
	// asked for.
	fetchedAt, triedAt time.Time
	failure            error
}

func newKeySet(cfg Config) *keySet {
	return &keySet{cfg: cfg, http: httpclient.New(timeout), lock: make(chan struct{}, 1), keysURL: cfg.KeysURL}
}

// find gives the key of that id. A provider that is down doesn't matter while the key is
// known and was published within a day. An unknown one is refused where the provider was
// asked less than [fetchEvery] ago; where it gave no answer, that is the error.
func (k *keySet) find(ctx context.Context, kid string) (crypto.PublicKey, error) {
	select {
	case k.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("oidc: %w", ctx.Err())
	}
	defer func() { <-k.lock }()

	now := k.cfg.Clock()
	key, known := k.keys[kid]
	if known && within(freshFor, k.fetchedAt, now) {
		return key, nil
	}
	every := fetchEvery
	if known {
		every = renewEvery
	}
	if k.triedAt.IsZero() || !within(every, k.triedAt, now) {
		k.triedAt = now
		// A client that hangs up must not spoil the answer for those who wait.
		if k.failure = k.fetch(context.WithoutCancel(ctx)); k.failure == nil {
			k.fetchedAt = now
		}
		key, known = k.keys[kid]
	}
	switch {
	case known && within(usableFor, k.fetchedAt, now):
		return key, nil
	case k.failure != nil:
		return nil, k.failure
	}
	return nil, refuse("unknown key")
}

// within is false as well for a time that a clock which was set back has made the future.
func within(age time.Duration, at, now time.Time) bool {
	elapsed := now.Sub(at)
	return elapsed >= 0 && elapsed < age
}

// fetch replaces the keys by those that the provider publishes now.
func (k *keySet) fetch(ctx context.Context) error {
	if k.keysURL == "" {
		found, err := k.discover(ctx)
		if err != nil {
			return err
		}
		k.keysURL = found
	}
	document, err := k.get(ctx, k.keysURL)
	if err == nil {
		var keys map[string]crypto.PublicKey
		if keys, err = parseKeys(document); err == nil {
			k.keys = keys
			return nil
		}
	}
	// They may have moved: next time the provider is asked where to.
	k.keysURL = k.cfg.KeysURL
	return err
}

// discover asks where the keys are (OpenID Connect Discovery 1.0).
func (k *keySet) discover(ctx context.Context) (keysURL string, err error) {
	document, err := k.get(ctx, strings.TrimSuffix(k.cfg.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var said struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(document, &said); err != nil {
		return "", apperr.Text("oidc: the discovery document can't be read")
	}
	if said.Issuer != k.cfg.Issuer {
		return "", errOtherIssuer
	}
	// A stand-in on this machine has both without TLS.
	if !strings.HasPrefix(said.KeysURL, "https://") && strings.HasPrefix(k.cfg.Issuer, "https://") {
		return "", errOtherProtocol
	}
	return said.KeysURL, nil
}

func (k *keySet) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, apperr.Text("oidc: the address is malformed")
	}
	response, err := k.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, apperr.Text(fmt.Sprintf("oidc: status %d", response.StatusCode))
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", httpclient.WithoutAddress(err))
	}
	return document, nil
}

// parseKeys reads a set of keys (RFC 7517). One of a kind that isn't known, or that isn't
// for signatures, is passed over.
func parseKeys(document []byte) (map[string]crypto.PublicKey, error) {
	set, err := jwk.Parse(document, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, errNoKeys
	}
	keys := map[string]crypto.PublicKey{}
	for i := range set.Len() {
		one, _ := set.Key(i)
		kid, _ := one.KeyID()
		usage, hasUsage := one.KeyUsage()
		var raw any
		if kid == "" || hasUsage && usage != "sig" || jwk.Export(one, &raw) != nil {
			continue
		}
		switch public := raw.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey:
			keys[kid] = public
		}
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}
