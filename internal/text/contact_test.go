package text_test

import (
	"strings"
	"testing"

	"luxbff/internal/text"
)

func TestValidEmail(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 60)+".", 3) + "domain" // 254 bytes
	for address, want := range map[string]bool{
		"parent@lux.example":                     true,
		"first.last+tag@lux.co.kr":               true,
		longest:                                  true,
		longest + "c":                            false,
		strings.Repeat("a", 65) + "@lux.example": false,
		"":                                       false,
		"parent":                                 false,
		"parent@lux":                             false,
		"parent@-lux.example":                    false,
		"Kim <parent@lux.example>":               false,
		`"a b"@lux.example`:                      false,
		"a b@lux.example":                        false,
		"한글@lux.example":                         false,
		"parent@lux.example\n":                   false,
		"parent@[127.0.0.1]":                     false,
		"parent@lux.example, b@c.d":              false,
	} {
		if got := text.ValidEmail(address); got != want {
			t.Errorf("ValidEmail(%q) = %v, want %v", address, got, want)
		}
	}
}

func TestValidPhone(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]bool{
		"+821012345678":     true,
		"+14155552671":      true,
		"":                  false,
		"01012345678":       false,
		"+82 10 1234 5678":  false,
		"+8201012345678":    false,
		"+821":              false,
		"+999123456789":     false,
		"+82101234567890":   false,
		"+821012345678\x00": false,
		"＋821012345678":     false,
	} {
		if got := text.ValidPhone(phone); got != want {
			t.Errorf("ValidPhone(%q) = %v, want %v", phone, got, want)
		}
	}
}

func TestValidCountry(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"KR": true, "US": true, "kr": false, "KOR": false, "XX": false, "": false, "1A": false,
	} {
		if got := text.ValidCountry(code); got != want {
			t.Errorf("ValidCountry(%q) = %v, want %v", code, got, want)
		}
	}
}
