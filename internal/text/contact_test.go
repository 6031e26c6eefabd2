package text_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/language"
	"pgregory.net/rapid"

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

func TestNormalizePhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ phone, country, want string }{
		{"010-1234-5678", "KR", "+821012345678"},
		{"01012345678", "KR", "+821012345678"},
		{"010 1234 5678", "KR", "+821012345678"},
		{"010.1234.5678", "KR", "+821012345678"},
		{"(02) 312-3456", "KR", "+8223123456"},
		{"(415) 555-2671", "US", "+14155552671"},
		{"0151 12345678", "DE", "+4915112345678"},
		{"+821012345678", "KR", "+821012345678"},
		{"+821012345678", "DE", "+821012345678"},
		{"+821012345678", "", "+821012345678"},
		{"010-1234-5678", "", ""},
		{"010-1234-5678", "kr", ""},
		{"010-1234-5678", "XX", ""},
		{"010-1234-5678", "DE", ""},
		{"(604) 555-0123", "US", ""}, // of Canada
		{"(415) 555-2671", "KR", ""},
		{"1012345678", "KR", ""},
		{"1 415 555 2671", "US", ""},
		{"821012345678", "KR", ""},
		{"00821012345678", "KR", ""},
		{"001-82-10-1234-5678", "KR", ""},
		{"+82 10 1234 5678", "KR", ""},
		{"010-1234-5678 ext. 5", "KR", ""},
		{"010-1234-5678;ext=5", "KR", ""},
		{"010-1234", "KR", ""},
		{"010-1234-56789", "KR", ""},
		{"０１０-1234-5678", "KR", ""},
		{"010-CALL-ME99", "KR", ""},
		{"tel:010-1234-5678", "KR", ""},
		{"010-1234-5678\n", "KR", ""},
		{"010-1234-5678\x00", "KR", ""},
		{" 010-1234-5678", "KR", ""},
		{"", "KR", ""},
	} {
		if got, ok := text.NormalizePhone(c.phone, c.country); got != c.want || ok != (c.want != "") {
			t.Errorf("NormalizePhone(%q, %q) = %q, %v, want %q", c.phone, c.country, got, ok, c.want)
		}
	}
}

func TestPhoneCountry(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{
		"+821012345678": "KR", "+14155552671": "US", "+16045550123": "CA", "+4915112345678": "DE",
		"+881612345678": "", "+38349123456": "", "010": "", "": "",
	} {
		if got := text.PhoneCountry(phone); got != want {
			t.Errorf("PhoneCountry(%q) = %q, want %q", phone, got, want)
		}
	}
}

// TestValidCountry compares with the regions that golang.org/x/text knows: what it takes
// for a country besides is withdrawn, reserved or in private use.
func TestValidCountry(t *testing.T) {
	t.Parallel()
	const besidesKnown = "AC AN BU CP CQ CS CT DD DG DY EA EU EZ FQ FX HV IC JT MI NH NQ NT PC PU PZ RH SU TA TP UK UN VD WK XK YD YU ZR"
	var valid, besides int
	for first := 'A'; first <= 'Z'; first++ {
		for second := 'A'; second <= 'Z'; second++ {
			code := string(first) + string(second)
			region, err := language.ParseRegion(code)
			known := err == nil && region.IsCountry() && region.String() == code
			switch {
			case text.ValidCountry(code) && !known:
				t.Errorf("%s is no country", code)
			case text.ValidCountry(code):
				valid++
			case known:
				besides++
				if !strings.Contains(besidesKnown, code) {
					t.Errorf("%s is missing", code)
				}
			}
		}
	}
	if valid != 249 || besides == 0 {
		t.Errorf("%d countries and %d codes besides, want 249 and some", valid, besides)
	}
	for _, code := range []string{"kr", "Kr", "KOR", "", " ", "  ", "R ", " K", "R K", "1A", "XX", "ZZ", "XK", "EU", "UK", "AN", "SU", "YU", "TP", "ＫＲ"} {
		if text.ValidCountry(code) {
			t.Errorf("ValidCountry(%q)", code)
		}
	}
}

func TestTrimEmail(t *testing.T) {
	t.Parallel()
	const address = "Parent@lux.example"
	for _, around := range []string{
		"", " ", "\t", "\r\n", "\v\f", "\u0085", "\u00a0", "\u2003", "\u2028", "\u202f", "\u3000", "\u200b", "\ufeff", "\u2060", "\u200e\u200f",
		"\u202a\u202c", "\u2068\u2069", "\u00ad",
	} {
		for _, given := range []string{around + address, address + around, around + address + around} {
			if got := text.TrimEmail(given); got != address {
				t.Errorf("TrimEmail(%q) = %q", given, got)
			}
			if got := text.NormalizeEmail(given); got != "parent@lux.example" {
				t.Errorf("NormalizeEmail(%q) = %q", given, got)
			}
		}
	}
	for _, kept := range []string{"", "a b@lux.example", "\x00" + address, address + "\x00", "." + address, "\xff" + address} {
		if got := text.TrimEmail(kept); got != kept {
			t.Errorf("TrimEmail(%q) = %q", kept, got)
		}
	}
	if got := text.TrimEmail(" \u00a0"); got != "" {
		t.Errorf("of white space %q is left", got)
	}
}

// TestTrimEmailKeepsWhatItIsWrappedAround draws white space and format characters.
func TestTrimEmailKeepsWhatItIsWrappedAround(t *testing.T) {
	t.Parallel()
	around := rapid.StringOf(rapid.RuneFrom(nil, unicode.White_Space, unicode.Cf))
	rapid.Check(t, func(r *rapid.T) {
		address := rapid.StringMatching(`[a-zA-Z0-9.+@_-]{1,40}`).Draw(r, "address")
		if got := text.TrimEmail(around.Draw(r, "before") + address + around.Draw(r, "after")); got != address {
			r.Errorf("got %q, want %q", got, address)
		}
	})
}
