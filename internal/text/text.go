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
// something to see. Invisible characters beside visible ones are left alone, because
// emoji and names in the scripts of India need joiners.
func Name(s string) bool { return Clean(s, MaxName) && IsVisible(s) }

// NameOrEmpty is [Name] for a name that may be left empty, as a last name may
// (auth.md).
func NameOrEmpty(s string) bool { return s == "" || Name(s) }

// IsVisible reports whether there is anything to see of s: more than white space,
// controls, joiners, fillers and marks without a letter to carry them.
func IsVisible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !isSpaceOrFormat(r) && !isBlank(r) })
}

func isSpaceOrFormat(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// isBlank reports whether r shows nothing by itself: a mark, a control, what Unicode
// says may be ignored in display, as the Hangul fillers, and the few letters and symbols
// that are drawn as empty room.
func isBlank(r rune) bool {
	const brailleBlank, nullNotehead, fullBlank, halfBlank = '\u2800', '\U0001d159', '\U00013441', '\U00013442'
	switch r {
	case brailleBlank, nullNotehead, fullBlank, halfBlank:
		return true
	}
	return isBroken(r) || unicode.IsMark(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

func isBroken(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }
