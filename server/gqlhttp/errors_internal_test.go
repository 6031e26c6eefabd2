package gqlhttp

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTruncateCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"short":               {"Home", "Home"},
		"as long as it may":   {strings.Repeat("a", 200), strings.Repeat("a", 200)},
		"ASCII":               {strings.Repeat("a", 201), strings.Repeat("a", 200)},
		"a border at the end": {strings.Repeat("é", 101), strings.Repeat("é", 100)},
		"half of 2 bytes":     {"a" + strings.Repeat("é", 100), "a" + strings.Repeat("é", 99)},
		"a third of 3 bytes":  {strings.Repeat("한", 67), strings.Repeat("한", 66)},
		"half of 4 bytes":     {"ab" + strings.Repeat("😀", 50), "ab" + strings.Repeat("😀", 49)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := truncate(tc.text)
			if got != tc.want || !utf8.ValidString(got) {
				t.Errorf("got %d bytes %q, want %d bytes", len(got), got, len(tc.want))
			}
		})
	}
}
