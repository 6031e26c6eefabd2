package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// weakSpots are what graphql-cop, a tool that looks for weak spots of GraphQL servers, asks. Each
// is sent without a token, as a stranger does.
func weakSpots(schemaIsOpen bool) []check {
	post := func(documents ...string) (requests []request) {
		for _, document := range documents {
			requests = append(requests, postBody(plainJSON, encode(map[string]any{"query": document})))
		}
		return requests
	}
	one := encode(map[string]any{"query": typename})
	form := postBody("", url.Values{"query": {typename}}.Encode())
	form.header["Content-Type"] = "application/x-www-form-urlencoded"
	plain := postBody("", one)
	plain.header["Content-Type"] = "text/plain"
	simple := get("", url.Values{"query": {typename}})
	delete(simple.header, "Apollo-Require-Preflight")
	hasData := func(body string) bool { return strings.Contains(body, `"data":{`) }
	contains := func(signs ...string) func(body string) bool {
		return func(body string) bool {
			for _, sign := range signs {
				if strings.Contains(strings.ToLower(body), sign) {
					return true
				}
			}
			return false
		}
	}
	all := []check{
		weakSpot("a hundred aliases run", post("{ "+aliases(101)+"}"), hasData),
		weakSpot("a list of requests runs", []request{postBody(plainJSON, "["+strings.Repeat(one+",", 9)+one+"]")}, hasData),
		weakSpot("ten directives run", post("{ __typename "+strings.Repeat("@skip(if: false) ", 10)+"}"), hasData),
		weakSpot("each unknown directive is named", post("{ __typename "+strings.Repeat("@aa ", 10)+"}"), func(body string) bool {
			return strings.Count(body, `"message"`) > 3
		}),
		weakSpot("a field runs 500 times", post("{ "+strings.Repeat("__typename ", 500)+"}"), hasData),
		weakSpot("a fragment that spreads itself runs", post("{ ...a } fragment a on Query { __typename ...a }"), hasData),
		weakSpot("mutations run by GET", []request{get("", url.Values{"query": {"mutation { __typename }"}})}, hasData),
		weakSpot("a form runs", []request{form}, hasData),
		weakSpot("a text runs", []request{plain}, hasData),
		weakSpot("an answer traces the work", post(typename), contains("tracing", `"extensions"`)),
		weakSpot("an error shows the program", post("qwerty { abc }", "{ me(id: {}) { id } }", "query Spot($a: Int!) { __typename }"),
			contains("exception", "stack", "goroutine", ".go:", "panic", `"internal"`)),
	}
	if schemaIsOpen {
		return all
	}
	return append(all,
		weakSpot("the schema can be read", post("{ __schema { types { name } } }", `{ __type(name: "User") { name } }`), hasData),
		weakSpot("the schema can be guessed", post("{ __schema { directive } }", "{ m { id } }", "{ childUser(idd: 1) { id } }"), contains("did you mean")),
		weakSpot("the schema can be downloaded", []request{{method: http.MethodGet, path: "/schema.graphql"}}, contains("type query")),
		weakSpot("a page of another site can ask by GET", []request{simple}, hasData))
}

// weakSpot is a check that fails where an answer shows the weakness, or the server fails.
func weakSpot(name string, requests []request, found func(body string) bool) check {
	return check{name: "not: " + name, ask: func(ctx context.Context, s *server) error {
		for _, r := range requests {
			got, err := s.send(ctx, r)
			if err == nil && found(string(got.body)) {
				err = errors.New("it is so")
			}
			if err == nil && got.status >= http.StatusInternalServerError {
				err = errors.New("the server fails")
			}
			if err != nil {
				return quoting(err, got)
			}
		}
		return nil
	}}
}

func aliases(count int) string {
	var all strings.Builder
	for i := range count {
		fmt.Fprintf(&all, "alias%d:__typename ", i)
	}
	return all.String()
}
