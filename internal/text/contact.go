package text

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
)

// The longest parts that RFC 5321 has mail servers accept, in bytes.
const (
	maxEmail      = 254
	maxEmailLocal = 64
)

var (
	hostPattern  = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)
	phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// ValidEmail reports whether every mail server would take the address: ASCII, a
// host with a dot, no display name and no quoting. net/mail alone is not enough,
// because it also accepts `"a b"@host` and `Name <a@b>`.
func ValidEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > maxEmail {
		return false
	}
	at := strings.LastIndexByte(address, '@')
	local, host := address[:at], address[at+1:]
	return len(local) <= maxEmailLocal && strings.IndexFunc(local, needsQuoting) < 0 && hostPattern.MatchString(host)
}

func needsQuoting(r rune) bool { return !IsGraphicASCII(r) || r == '"' || r == '\\' }

// NormalizeEmail gives the form in which addresses are compared, in lower case.
func NormalizeEmail(address string) string { return strings.ToLower(address) }

// ValidPhone reports whether phone is an E.164 number that the numbering plan of
// its country knows. A number in another spelling is refused rather than
// corrected: it is compared as text.
func ValidPhone(phone string) bool {
	if !phonePattern.MatchString(phone) {
		return false
	}
	number, err := phonenumbers.Parse(phone, phonenumbers.UNKNOWN_REGION)
	return err == nil && phonenumbers.IsValidNumber(number) &&
		phonenumbers.Format(number, phonenumbers.E164) == phone
}

// ValidCountry reports whether code is an ISO 3166-1 alpha-2 code in capitals.
func ValidCountry(code string) bool {
	if len(code) != 2 || code != strings.ToUpper(code) {
		return false
	}
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code
}

// IsGraphicASCII reports whether r is a printable ASCII character other than the
// space.
func IsGraphicASCII(r rune) bool { return r > ' ' && r <= '~' }
