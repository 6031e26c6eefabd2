package idempotency_test

import (
	"strings"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/idempotency"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	least, most := strings.Repeat("k", 16), strings.Repeat("~", 255)
	for given, want := range map[string]string{
		key: key, `"` + key + `"`: key, least: least, most: most, `"` + most + `"`: most, `"` + least: `"` + least,
	} {
		if got, err := idempotency.ParseKeys([]string{given}); err != nil || got != want {
			t.Errorf("%q is %q, %v", given, got, err)
		}
	}
	for _, given := range []string{"", `""`, `"`, least[1:], `"` + least[1:] + `"`, most + "~", key + " ", key + "\n", key + "é", key + "\x7f"} {
		if got, err := idempotency.ParseKeys([]string{given}); !apperr.Is(err, apperr.IdempotencyKeyNotValid) {
			t.Errorf("%q is %q, %v", given, got, err)
		}
	}
	if got, err := idempotency.ParseKeys([]string{key, `"` + key + `"`}); err != nil || got != key {
		t.Errorf("twice the same is %q, %v", got, err)
	}
	if got, err := idempotency.ParseKeys([]string{key, key + "1"}); !apperr.Is(err, apperr.IdempotencyKeyNotValid) {
		t.Errorf("two keys are %q, %v", got, err)
	}
}

// FuzzParseKeys holds that a key that is taken is visible and bounded, and is read again as
// what it is.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{key, `"` + key + `"`, "", "short", strings.Repeat(`"`, 20)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		got, err := idempotency.ParseKeys([]string{given})
		if err != nil {
			if got != "" || !apperr.Is(err, apperr.IdempotencyKeyNotValid) {
				t.Fatalf("%q is %q, %v", given, got, err)
			}
			return
		}
		if len(got) < 16 || len(got) > 255 || strings.ContainsFunc(got, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Fatalf("%q is taken for %q", given, got)
		}
		if again, err := idempotency.ParseKeys([]string{`"` + got + `"`}); err != nil || again != got {
			t.Fatalf("%q is read again as %q, %v", got, again, err)
		}
	})
}

// TestDigestKeepsPartsApart: what ends one part does not begin the next.
func TestDigestKeepsPartsApart(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"b", "a"}, {"1:a"}, {"a", "1:b"}, {"a1:b"}} {
		name := strings.Join(parts, "|")
		digest := idempotency.Digest(parts...)
		if other, isThere := seen[digest]; isThere {
			t.Errorf("%q and %q have one digest", name, other)
		}
		seen[digest] = name
	}
}
