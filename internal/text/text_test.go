package text_test

import (
	"strings"
	"testing"

	"luxbff/internal/text"
)

func TestName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"kim":                    true,
		"김 하나":                   true,
		strings.Repeat("é", 100): true,
		strings.Repeat("é", 101): false,
		"":                       false,
		" \u00a0":                false,
		"a\x00b":                 false,
		"a\nb":                   false,
		"half\ufffdpair":         false,
		"\xff":                   false,
	} {
		if got := text.Name(name); got != want {
			t.Errorf("Name(%q) = %v, want %v", name, got, want)
		}
	}
	if !text.NameOrEmpty("") || text.NameOrEmpty("\x00") {
		t.Error("NameOrEmpty takes the empty name and nothing else that Name refuses")
	}
}
