package sandbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/auth"
	"luxbff/internal/auth/sandbox"
)

// itself is a provider that knows one token.
type itself struct{}

func (itself) Verify(_ context.Context, credential auth.Credential) (auth.Profile, error) {
	if credential.Token != "its own" {
		return auth.Profile{}, auth.ErrTokenRefused
	}
	return auth.Profile{Subject: "7"}, nil
}

func token(t *testing.T, p sandbox.Person) string {
	t.Helper()
	made, err := sandbox.Token(p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestVerify(t *testing.T) {
	t.Parallel()
	kim := token(t, sandbox.Person{Provider: "google", Subject: "42", Name: "Kim", Email: "kim@lux.example", Nonce: "n-1"})
	for _, provider := range []*sandbox.Provider{sandbox.New("google", nil), sandbox.New("google", itself{})} {
		for _, nonce := range []string{"", "n-1"} {
			got, err := provider.Verify(t.Context(), auth.Credential{Token: kim, Nonce: nonce})
			if diff := cmp.Diff(auth.Profile{Subject: "42", Name: "Kim", Email: "kim@lux.example"}, got); err != nil || diff != "" {
				t.Errorf("nonce %q: %v %s", nonce, err, diff)
			}
		}
		for name, credential := range map[string]auth.Credential{
			"another nonce":       {Token: kim, Nonce: "n-2"},
			"another provider's":  {Token: token(t, sandbox.Person{Provider: "apple", Subject: "42"})},
			"not base64":          {Token: "sandbox.="},
			"not JSON":            {Token: "sandbox.AAAA"},
			"of another provider": {Token: "x"},
		} {
			if _, err := provider.Verify(t.Context(), credential); !errors.Is(err, auth.ErrTokenRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, failure := range sandbox.Failures() {
			_, err := provider.Verify(t.Context(), auth.Credential{Token: token(t, sandbox.Person{Provider: "google", Subject: "42", Failure: failure})})
			if err == nil || errors.Is(err, auth.ErrTokenRefused) == (failure == sandbox.Unavailable) {
				t.Errorf("%s: %v", failure, err)
			}
		}
	}
	if _, err := sandbox.Token(sandbox.Person{Failure: "toothache"}); err == nil {
		t.Error("a failure that nobody knows is accepted")
	}
}

// TestAConfiguredProviderIsAskedItself leaves its own tokens to it.
func TestAConfiguredProviderIsAskedItself(t *testing.T) {
	t.Parallel()
	got, err := sandbox.New("google", itself{}).Verify(t.Context(), auth.Credential{Token: "its own"})
	if err != nil || got.Subject != "7" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := sandbox.New("google", nil).Verify(t.Context(), auth.Credential{Token: "its own"}); !errors.Is(err, auth.ErrTokenRefused) {
		t.Errorf("not configured: %v", err)
	}
}
