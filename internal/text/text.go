// Package text checks what people and phones send before it is stored: free
// text, e-mail addresses, phone numbers, country codes and what names a device. It
// holds no rule of the domain and imports no other package of the project.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name that is stored, in characters.
const MaxName = 100

// Clean reports whether s is at most limit characters of valid UTF-8 without
// control characters. U+FFFD is refused too: a decoder puts it where it met half
// a surrogate pair or a broken byte, so what the sender meant is lost.
func Clean(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.IndexFunc(s, isBroken) < 0
}

// Name reports whether s can be a name: clean, at most [MaxName] characters, and
// more than white space.
func Name(s string) bool { return Clean(s, MaxName) && strings.TrimSpace(s) != "" }

// NameOrEmpty is [Name] for a name that may be left empty, as a last name may
// (auth.md).
func NameOrEmpty(s string) bool { return s == "" || Name(s) }

func isBroken(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }
