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

// negotiate picks the media type of the response, empty if the client accepts neither.
// On a tie it is application/json. Apollo's iOS client accepts both with one weight, and
// it reads GraphQL errors only from responses with a 2xx status, which every well-formed
// request gets under application/json.
func negotiate(header http.Header) string {
	accept := strings.Join(header.Values("Accept"), ",")
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

// quality gives the weight, 0 to 1, that an Accept header gives to an application type:
// that of the most specific range that matches (RFC 9110, section 12.5.1).
func quality(accept, mediaType string) float64 {
	weight, specificity := 0.0, 0
	for element := range strings.SplitSeq(accept, ",") {
		pattern, parameters, _ := strings.Cut(element, ";")
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
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		weight, err := strconv.ParseFloat(value, 64)
		if err == nil && weight >= 0 && weight <= 1 {
			return weight
		}
	}
	return 1
}
