package text_test

import (
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/text"
)

// FuzzEmail holds that an address which is taken is one that a mail header can carry as it
// stands, and that the form in which addresses are compared is the same for all spellings.
func FuzzEmail(f *testing.F) {
	for _, address := range []string{
		"jane@example.com", " Jane@Example.COM\u00a0", "a b@example.com", `"a b"@example.com`, "Name <a@b.example>", "a@b", "a@b.example\r\nBcc: c@d.example",
		"\u200bjane@example.com", "jane@example.com,john@example.com", "jané@example.com", "İ@example.com",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		trimmed, normal := text.TrimEmail(address), text.NormalizeEmail(address)
		if text.TrimEmail(trimmed) != trimmed || text.NormalizeEmail(normal) != normal {
			t.Errorf("%q is %q and %q, and something else the second time", address, trimmed, normal)
		}
		if !text.ValidEmail(address) {
			return
		}
		list, err := mail.ParseAddressList(address)
		if err != nil || len(list) != 1 || list[0].Address != address {
			t.Errorf("%q is taken, and a mail goes to %v, %v", address, list, err)
		}
		if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) || trimmed != address {
			t.Errorf("%q is taken, and holds more than an address", address)
		}
		if !text.ValidEmail(normal) || !text.ValidEmail(strings.ToUpper(address)) {
			t.Errorf("%q is taken, and in another case it isn't", address)
		}
	})
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// FuzzPhone holds that a number which is taken is in E.164, and that no other spelling of
// it is: numbers are compared as text.
func FuzzPhone(f *testing.F) {
	for _, phone := range []string{"+821012345678", "+8201012345678", "01012345678", "+1 202 555 0123", "+82-10-1234-5678", "+82101234567８", "+999123456789", "+390236618300"} {
		f.Add(phone)
	}
	f.Fuzz(func(t *testing.T, phone string) {
		if !text.ValidPhone(phone) {
			return
		}
		if !e164.MatchString(phone) {
			t.Errorf("%q is taken, and isn't E.164", phone)
		}
		for _, other := range []string{phone[1:], "0" + phone[1:], phone + " ", phone[:3] + "-" + phone[3:], "tel:" + phone, phone + "\n"} {
			if text.ValidPhone(other) {
				t.Errorf("%q and %q are both taken", phone, other)
			}
		}
	})
}

// FuzzNationalPhone holds that what is corrected is a phone, that it stays as it is from then
// on, and that a number in E.164 is never another one. Several countries can share a plan of
// numbers, so that a number of one may be counted as another's.
func FuzzNationalPhone(f *testing.F) {
	for _, phone := range []string{"010-1234-5678", "(415) 555-2671", "+821012345678", "001-82-10-1234-5678", "02)312-3456", "1588-0000", "010 1234 5678 "} {
		f.Add(phone, "KR")
		f.Add(phone, "US")
	}
	f.Fuzz(func(t *testing.T, phone, country string) {
		got, ok := text.NormalizePhone(phone, country)
		switch {
		case !ok && got != "":
			t.Errorf("%q is refused, and gives %q", phone, got)
		case !ok:
			return
		case !text.ValidPhone(got):
			t.Errorf("%q becomes %q, which is no phone", phone, got)
		case text.ValidPhone(phone) && got != phone:
			t.Errorf("%q becomes %q", phone, got)
		}
		if again, ok := text.NormalizePhone(got, country); !ok || again != got {
			t.Errorf("%q becomes %q the second time", got, again)
		}
	})
}
