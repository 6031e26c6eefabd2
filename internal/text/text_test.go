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

// TestInvisibleNames tries each character of which there is nothing to see, alone, several
// times, and beside others of the kind.
func TestInvisibleNames(t *testing.T) {
	t.Parallel()
	invisible := []rune{
		'\u0020', '\u00a0', '\u00ad', '\u034f', '\u061c', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u180b', '\u180e', '\u2000', '\u200b', '\u200c',
		'\u200d', '\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u202f', '\u205f', '\u2060', '\u2061', '\u2064', '\u2065', '\u2066',
		'\u2069', '\u206f', '\u2800', '\u3000', '\u3164', '\ufe00', '\ufe0f', '\ufeff', '\uffa0', '\ufff0', '\ufff9', '\U00013441', '\U0001d159', '\U0001d173',
		'\U000e0001', '\U000e0041', '\U000e0100', '\u0301', '\u0903', '\u093e', '\u0e34', '\u20dd', '\u302e',
	}
	all := ""
	for _, r := range invisible {
		all += string(r)
		for _, name := range []string{string(r), strings.Repeat(string(r), 3), " " + string(r), all} {
			if text.Name(name) || text.NameOrEmpty(name) {
				t.Errorf("%q is a name", name)
			}
		}
	}
	for _, name := range []string{
		"👨\u200d👩\u200d👧", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e007f", "🇰🇷", "ක්\u200dෂ", "क्\u200dष", "می\u200cخواهم", "\u200fדוד", "e\u0301", "ㄱ", "ᄒ", "ᅡ",
		"1", "-", "!", "김\u3164", "\u2801", "\u25cc\u0301", "\ue000", "\U0010ffff",
	} {
		if !text.Name(name) {
			t.Errorf("%q is no name", name)
		}
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
