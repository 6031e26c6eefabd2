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

func TestSerialCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"abcd": true, "SL20401000": true, strings.Repeat("Z", 32): true,
		"": false, "abc": false, strings.Repeat("Z", 33): false, "SL-2040": false, "SL 2040": false, "SL2040\n": false, "ＳＬ２０４０": false,
	} {
		if got := text.SerialCode(code); got != want {
			t.Errorf("SerialCode(%q) = %v, want %v", code, got, want)
		}
	}
}

func TestUniqueID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"u": true, " ": true, strings.Repeat("é", 255): true,
		"": false, strings.Repeat("é", 256): false, "a\x00": false, "a\nb": false, "\xff": false,
	} {
		if got := text.UniqueID(id); got != want {
			t.Errorf("UniqueID(%q) = %v, want %v", id, got, want)
		}
	}
}
