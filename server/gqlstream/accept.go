package gqlstream

import (
	"net/http"
	"strings"
)

// accepts looks for a media type in the Accept header (RFC 9110, section 12.5.1)
// whose parameters are as wanted. A weight of 0 says that the client refuses it;
// other weights make no difference, because a client that names a stream wants one.
func accepts(header http.Header, mediaType string, wanted map[string]string) bool {
	for element := range strings.SplitSeq(strings.Join(header.Values("Accept"), ","), ",") {
		name, parameters, _ := strings.Cut(element, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaType) && matchesParameters(parameters, wanted) {
			return true
		}
	}
	return false
}

func matchesParameters(text string, wanted map[string]string) bool {
	found := map[string]string{}
	for parameter := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		found[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	for name, value := range wanted {
		if found[strings.ToLower(name)] != value {
			return false
		}
	}
	zeroWeight := found["q"] != "" && strings.Trim(found["q"], "0.") == ""
	return !zeroWeight
}
