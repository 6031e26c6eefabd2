// Package text checks free text that people or phones send, before it is
// stored. It imports the standard library only.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name, in characters.
const MaxName = 100

// Clean reports whether s is at most limit characters of valid UTF-8 without
// control characters. U+FFFD is refused: it stands where a decoder met half a
// surrogate pair or a broken byte.
func Clean(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.IndexFunc(s, broken) < 0
}

// Name reports whether s can be a name: clean, and more than white space.
func Name(s string) bool { return Clean(s, MaxName) && strings.TrimSpace(s) != "" }

// NameOrEmpty is Name for a name that may be left empty, as a last name may.
func NameOrEmpty(s string) bool { return s == "" || Name(s) }

func broken(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }
