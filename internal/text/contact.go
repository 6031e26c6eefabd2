package text

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
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

// TrimEmail takes away what keyboards and the clipboard put around an e-mail address:
// white space of any kind, the no-break space too, and characters that only format text,
// as the zero-width space, the byte order mark and the marks of a writing direction.
func TrimEmail(address string) string { return strings.TrimFunc(address, isSpaceOrFormat) }

// NormalizeEmail gives the form in which addresses are compared: trimmed, in lower case.
func NormalizeEmail(address string) string { return strings.ToLower(TrimEmail(address)) }

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

// nationalPattern is what is written of a number in its own country.
var nationalPattern = regexp.MustCompile(`^[0-9(][0-9 ().-]{3,31}$`)

// NormalizePhone gives the E.164 form of a number that is written as in its country, an ISO
// 3166-1 alpha-2 code: 010-1234-5678 in KR. One that is E.164 already stays as it is, of
// whatever country. It reports false for any other spelling, as one with the prefix of calls
// abroad or the calling code without its plus, for a number that the country does not have,
// and where the country is not known.
func NormalizePhone(phone, country string) (e164 string, ok bool) {
	if ValidPhone(phone) {
		return phone, true
	}
	if !ValidCountry(country) || !nationalPattern.MatchString(phone) {
		return "", false
	}
	number, err := phonenumbers.ParseAndKeepRawInput(phone, country)
	if err != nil || number.GetCountryCodeSource() != phonenumbers.PhoneNumber_FROM_DEFAULT_COUNTRY || number.GetExtension() != "" {
		return "", false
	}
	// The library takes a number without the 0 that it begins with at home; so short, it may be
	// one of another country.
	if digitsOf(phonenumbers.Format(number, phonenumbers.NATIONAL)) != digitsOf(phone) {
		return "", false
	}
	e164 = phonenumbers.Format(number, phonenumbers.E164)
	if !phonenumbers.IsValidNumberForRegion(number, country) || !ValidPhone(e164) {
		return "", false
	}
	return e164, true
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// PhoneCountry gives the ISO 3166-1 alpha-2 code of the country that a valid E.164 number
// belongs to, and nothing for one of no country, as those of satellites, or an invalid one.
func PhoneCountry(phone string) string {
	number, err := phonenumbers.Parse(phone, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(number)
	if !ValidCountry(region) {
		return ""
	}
	return region
}

// countries are the 249 alpha-2 codes that ISO 3166-1 assigns. Codes that it only
// reserves, as EU and UK, that it has withdrawn, as AN, or that others use in the room it
// leaves to users, as XK, are none of them; golang.org/x/text takes some of those.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT" +
	" BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ" +
	" FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS" +
	" IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN" +
	" MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW" +
	" PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN" +
	" TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "

// ValidCountry reports whether code is an alpha-2 code, in capitals, that ISO 3166-1
// assigns to a country.
func ValidCountry(code string) bool {
	return len(code) == 2 && code[0] != ' ' && code[1] != ' ' && strings.Contains(countries, " "+code+" ")
}

// IsGraphicASCII reports whether r is a printable ASCII character other than the
// space.
func IsGraphicASCII(r rune) bool { return r > ' ' && r <= '~' }
