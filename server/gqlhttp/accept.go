package gqlhttp

import (
	"net/http"
	"strconv"
	"strings"
)

// The two media types of the GraphQL-over-HTTP specification.
const (
	applicationJSON     = "application/json"
	graphqlResponseJSON = "application/graphql-response+json"
)

// negotiate picks the media type of an answer in one piece, empty if the client accepts
// neither. On a tie it is application/json. Apollo's iOS client accepts both with one
// weight, and it reads GraphQL errors only from responses with a 2xx status, which every
// well-formed request gets under application/json.
func negotiate(header http.Header) string {
	accept := acceptOf(header)
	switch accept {
	case "", "*/*", applicationJSON:
		return applicationJSON
	}
	asJSON, asGraphQL := quality(accept, applicationJSON), quality(accept, graphqlResponseJSON)
	switch {
	case asJSON == 0 && asGraphQL == 0:
		return ""
	case asGraphQL > asJSON:
		return graphqlResponseJSON
	}
	return applicationJSON
}

// negotiateStream picks the stream to which the client gives the greatest weight, the
// first that it names on a tie, and nil if it names none. A wildcard names no stream: a
// client that takes anything would wait for the end of an answer that has none.
func negotiateStream(header http.Header, streams []Stream) *Stream {
	accept := acceptOf(header)
	var chosen *Stream
	heaviest := 0.0
	for accept != "" {
		var element string
		element, accept = cutUnquoted(accept, ',')
		mediaType, parameters := cutUnquoted(element, ';')
		for i := range streams {
			if !strings.EqualFold(strings.TrimSpace(mediaType), streams[i].MediaType) ||
				streams[i].Parameter != "" && parameterOf(parameters, streams[i].Parameter) != streams[i].Value {
				continue
			}
			if weight := weightOf(parameters); weight > heaviest {
				chosen, heaviest = &streams[i], weight
			}
		}
	}
	return chosen
}

func acceptOf(header http.Header) string { return strings.Join(header.Values("Accept"), ",") }

// quality gives the weight, 0 to 1, that an Accept header gives to an application type:
// that of the most specific range that matches (RFC 9110, section 12.5.1).
func quality(accept, mediaType string) float64 {
	weight, specificity := 0.0, 0
	for accept != "" {
		var element string
		element, accept = cutUnquoted(accept, ',')
		pattern, parameters := cutUnquoted(element, ';')
		matched := specificityOf(strings.TrimSpace(pattern), mediaType)
		if matched > specificity {
			weight, specificity = weightOf(parameters), matched
		}
	}
	return weight
}

// specificityOf is 0 for a range that does not match.
func specificityOf(pattern, mediaType string) int {
	switch {
	case strings.EqualFold(pattern, mediaType):
		return 3
	case strings.EqualFold(pattern, "application/*"):
		return 2
	case pattern == "*/*":
		return 1
	}
	return 0
}

// weightOf reads the parameter q. A value that is no weight counts as absent, which
// means 1.
func weightOf(parameters string) float64 {
	weight, err := strconv.ParseFloat(parameterOf(parameters, "q"), 64)
	if err == nil && weight >= 0 && weight <= 1 {
		return weight
	}
	return 1
}

// parameterOf gives the value of a parameter, whose name has no case; empty if it is
// absent.
func parameterOf(parameters, wanted string) string {
	for parameters != "" {
		var parameter string
		parameter, parameters = cutUnquoted(parameters, ';')
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), wanted) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// cutUnquoted cuts the text at the first separator that stands outside of a quoted
// string. After is empty where there is none.
func cutUnquoted(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '\\' && quoted:
			i++ // what is escaped ends no string
		case text[i] == separator && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
