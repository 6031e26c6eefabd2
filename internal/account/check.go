package account

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"

	"luxbff/ent/vocab"
)

func containsFunc(s string, is func(rune) bool) bool { return strings.IndexFunc(s, is) >= 0 }

var (
	hostPattern    = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)
	phonePattern   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	codePattern    = regexp.MustCompile(`^[0-9]{6}$`)
	localIDPattern = regexp.MustCompile(`^[A-Za-z0-9]{4,32}$`)
)

// The longest push token and registration id.
const (
	maxToken          = 4096
	maxRegistrationID = 2048
)

// validPushToken is 32 to 4096 printable ASCII characters without spaces
// (contract, rule 7).
func validPushToken(token string) bool {
	return len(token) >= 32 && len(token) <= maxToken && !containsFunc(token, notGraphic)
}

// validRegistrationID is what a push service names a phone by: printable, and
// short enough for PostgreSQL to keep it unique.
func validRegistrationID(id string) bool {
	return id != "" && len(id) <= maxRegistrationID && !containsFunc(id, notGraphic)
}

func notGraphic(r rune) bool { return r <= ' ' || r > '~' }

// validEmail holds an address to what mail servers take: ASCII, a local part of
// at most 64 and 254 in all, a host with a dot, no display name, no quoting.
func validEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > 254 {
		return false
	}
	at := strings.LastIndexByte(address, '@')
	local, host := address[:at], address[at+1:]
	return len(local) <= 64 && !containsFunc(local, odd) && hostPattern.MatchString(host)
}

func odd(r rune) bool { return notGraphic(r) || r == '"' || r == '\\' }

// sameEmail is how addresses are compared: without case.
func sameEmail(address string) string { return strings.ToLower(address) }

// sameLocalID is how local ids are compared: without case.
func sameLocalID(id string) string { return strings.ToLower(id) }

// validPhone is an E.164 number of its country's numbering plan.
func validPhone(phone string) bool {
	if !phonePattern.MatchString(phone) {
		return false
	}
	number, err := phonenumbers.Parse(phone, phonenumbers.UNKNOWN_REGION)
	return err == nil && phonenumbers.IsValidNumber(number) &&
		phonenumbers.Format(number, phonenumbers.E164) == phone
}

// validCountry is an ISO 3166-1 alpha-2 code in capitals.
func validCountry(code string) bool {
	if len(code) != 2 || code != strings.ToUpper(code) {
		return false
	}
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code
}

// bornBy reports whether a birthdate is not in the future.
func (s *Service) bornBy(day vocab.Date) bool { return day != "" && day <= vocab.DateOf(s.now()) }
