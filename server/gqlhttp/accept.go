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

// negotiate picks the media type of the answer, empty where the client takes
// neither. On a tie it is application/json: Apollo's iOS client names both and
// reads no GraphQL error from an answer whose status is not 2xx.
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

// quality is the weight, 0 to 1, that the most specific range of an Accept
// header gives to an application type (RFC 9110, section 12.5.1).
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

// weightOf reads q; one that is no weight counts as not given.
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
