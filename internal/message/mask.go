package message

import (
	"strings"
	"unicode/utf8"

	entmessage "luxbff/ent/message"
)

// shownOfToken is how many characters of a push token are shown. A token has far more.
const shownOfToken = 6

// MaskRecipient gives an address as it may be shown to its owner and to an operator: enough
// of it to tell one from another, and too little to reach anybody.
func MaskRecipient(channel entmessage.Channel, to string) string {
	switch channel {
	case entmessage.ChannelSms, entmessage.ChannelAlimtalk:
		return maskPhone(to)
	case entmessage.ChannelEmail:
		return maskEmail(to)
	case entmessage.ChannelPush:
		characters := []rune(to)
		if len(characters) < 2*shownOfToken {
			return "…"
		}
		return string(characters[:shownOfToken]) + "…"
	}
	return "***"
}

// maskPhone hides four digits before the last four, as +8210****5678.
func maskPhone(phone string) string {
	const hidden, last = 4, 4
	if len(phone) <= hidden+last {
		return "****"
	}
	return phone[:len(phone)-hidden-last] + "****" + phone[len(phone)-last:]
}

// maskEmail leaves the first character and the domain, as p***@example.com.
func maskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "***"
	}
	_, first := utf8.DecodeRuneInString(address)
	return address[:first] + "***" + address[at:]
}
