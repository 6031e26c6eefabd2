package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"
)

const (
	graphQLPath   = "/graphql"
	plainJSON     = "application/json"
	graphQLJSON   = "application/graphql-response+json"
	typename      = "{ __typename }"
	wantVariables = "query Audit($show: Boolean!) { __typename @include(if: $show) }"
)

// expectation judges an answer; its error says what is wrong.
type expectation func(got answer) error

// audits are the 61 questions about GraphQL over HTTP that the package graphql-http of npm asks,
// by its ids. Where it reads the schema, which a server of production does not show, the same is
// asked with a variable of @include; and a GET says by a header that no page of another site
// sent it, as a server of production wants to know.
func audits() []check {
	post := func(accept string, members map[string]any) request {
		return postBody(accept, encode(members))
	}
	query := map[string]any{"query": typename}
	with := func(name string, value any) map[string]any { return map[string]any{"query": typename, name: value} }
	named := map[string]any{"query": "query Audit { __typename }", "operationName": "Audit"}
	variables := map[string]any{"query": wantVariables, "variables": map[string]any{"show": true}}
	wrongVariable := map[string]any{"query": "query Audit($id: ID!) { __typename }", "variables": map[string]any{"id": nil}}
	unknownField := map[string]any{"query": "{ noSuchField8f31403dfe404bcc }"}
	misspelt := map[string]any{"qeury": typename}
	emoji := map[string]any{"query": `query Audit($show: Boolean!) { __typename @include(if: $show) } # 🏃🏊`, "variables": map[string]any{"show": true}}

	noAccept := post("", query)
	noType := post("", query)
	delete(noType.header, "Content-Type")
	noBody := post("", nil)
	noBody.body = nil
	inUTF8 := post("", emoji)
	inUTF8.header["Content-Type"] += "; charset=utf-8"

	all := []check{
		audit("22EB", "application/graphql-response+json is accepted and answered", post(graphQLJSON, query), status(200), mediaType(graphQLJSON)),
		audit("4655", "application/json is accepted and answered", post(plainJSON, query), status(200), mediaType(plainJSON)),
		audit("47DE", "*/* is answered with application/json", post("*/*", query), status(200), mediaType(plainJSON)),
		audit("80D8", "no Accept is answered with application/json", noAccept, status(200), mediaType(plainJSON)),
		audit("82A3", "the answer is UTF-8", noAccept, status(200), isUTF8),
		audit("BF61", "a request in UTF-8 is accepted", inUTF8, status(200)),
		audit("78D5", "a request without a charset is taken for UTF-8", noAccept, status(200)),
		audit("2C94", "POST is accepted", noAccept, status(200)),
		audit("5A70", "GET is accepted", get("", url.Values{"query": {typename}}), status(200)),
		audit("9C48", "GET runs no mutation", get(graphQLJSON, url.Values{"query": {"mutation { __typename }"}}), between(400, 499)),
		audit("9ABE", "a POST without a content type is refused", noType, between(400, 499)),
		audit("03D4", "a POST of application/json is accepted", noAccept, status(200)),
		audit("A5BF", "a POST without a body is 400", noBody, status(400)),
		audit("423L", "a request without query is 400", post(graphQLJSON, map[string]any{"notquery": typename}), status(400)),
		audit("34A2", "a text as query runs, for application/graphql-response+json", post(graphQLJSON, query), status(200)),
		audit("13EE", "a text as query runs, for application/json", post(plainJSON, query), status(200), noErrors),
		audit("8161", "a text as operationName is allowed, for application/graphql-response+json", post(graphQLJSON, named), status(200)),
		audit("B8B3", "a text as operationName is allowed, for application/json", post(plainJSON, named), status(200), noErrors),
		audit("2EA1", "an object as variables is allowed, for application/graphql-response+json", post(graphQLJSON, variables), status(200)),
		audit("28B9", "an object as variables is allowed, for application/json", post(plainJSON, variables), status(200), noErrors),
		audit("D6D5", "variables in a URL are allowed, for application/graphql-response+json", getVariables(graphQLJSON), status(200), noErrors),
		audit("6A70", "variables in a URL are allowed, for application/json", getVariables(plainJSON), status(200), noErrors),
		audit("428F", "an object as extensions is allowed, for application/graphql-response+json", post(graphQLJSON, with("extensions", map[string]any{"some": "value"})), status(200)),
		audit("1B7A", "an object as extensions is allowed, for application/json", post(plainJSON, with("extensions", map[string]any{"some": "value"})), status(200), noErrors),
		audit("B6DC", "what is no JSON is answered, for application/json", postBody(plainJSON, `{ "not a JSON`), answersBadJSON),
		audit("BCF8", "what is no JSON is 400, for application/json", postBody(plainJSON, `{ "not a JSON`), status(400)),
		audit("B7N8", "what is no JSON is 400, for application/graphql-response+json", postBody(graphQLJSON, `{ "not a JSON`), status(400)),
		audit("8764", "invalid parameters are an error", post("", misspelt), between(400, 599)),
		audit("3E3A", "invalid parameters are 400", post("", misspelt), status(400)),
		audit("572B", "a document that can't be parsed is 200, for application/json", post(plainJSON, map[string]any{"query": "{"}), status(200)),
		audit("FDE2", "a document that isn't valid is 200, for application/json", post(plainJSON, unknownField), status(200)),
		audit("7B9B", "a variable that doesn't fit is 200, for application/json", post(plainJSON, wrongVariable), status(200)),
		audit("865D", "a document that can't be parsed is an error, for application/graphql-response+json", post(graphQLJSON, map[string]any{"query": "{"}), between(400, 599)),
		audit("556A", "a document that can't be parsed is 400, for application/graphql-response+json", post(graphQLJSON, map[string]any{"query": "{"}), status(400)),
		audit("D586", "a document that can't be parsed gives no data", post(graphQLJSON, map[string]any{"query": "{"}), noData),
		audit("51FE", "a document that isn't valid is an error, for application/graphql-response+json", post(graphQLJSON, unknownField), between(400, 599)),
		audit("74FF", "a document that isn't valid is 400, for application/graphql-response+json", post(graphQLJSON, unknownField), status(400)),
		audit("5E5B", "a document that isn't valid gives no data", post(graphQLJSON, unknownField), noData),
		audit("86EE", "a variable that doesn't fit is 400, for application/graphql-response+json", post(graphQLJSON, wrongVariable), status(400)),
	}
	noTexts := []any{map[string]any{"name": "value"}, 0, false, []any{"array"}}
	noObjects := []any{"string", 0, false, []any{"array"}}
	for i := range noTexts {
		all = append(all,
			audit(fmt.Sprint("LKJ", i), fmt.Sprintf("%s as query is 400", encode(noTexts[i])), post("", map[string]any{"query": noTexts[i]}), status(400)),
			audit(fmt.Sprint("6C0", i), fmt.Sprintf("%s as operationName is 400", encode(noTexts[i])), post("", with("operationName", noTexts[i])), status(400)),
			audit(fmt.Sprint("476", i), fmt.Sprintf("%s as variables is 400", encode(noObjects[i])), post("", with("variables", noObjects[i])), status(400)),
			audit(fmt.Sprint("58B", i), fmt.Sprintf("%s as extensions is 400", encode(noObjects[i])), post("", with("extensions", noObjects[i])), status(400)))
	}
	for i, name := range []string{"variables", "operationName", "extensions"} {
		all = append(all,
			audit(fmt.Sprint("94B", i), "null as "+name+" is allowed, for application/graphql-response+json", post(graphQLJSON, with(name, nil)), status(200), noErrors),
			audit(fmt.Sprint("022", i), "null as "+name+" is allowed, for application/json", post(plainJSON, with(name, nil)), status(200), noErrors))
	}
	return all
}

// audit is a check of one request.
func audit(id, name string, r request, expected ...expectation) check {
	return check{name: id + " " + name, ask: func(ctx context.Context, s *server) error {
		got, err := s.send(ctx, r)
		if err != nil {
			return err
		}
		for _, judge := range expected {
			if err := judge(got); err != nil {
				return fmt.Errorf("%w: %s", err, got)
			}
		}
		return nil
	}}
}

// postBody is a POST of JSON to GraphQL. Without accept it has no header Accept.
func postBody(accept, body string) request {
	r := request{method: http.MethodPost, path: graphQLPath, header: map[string]string{"Content-Type": plainJSON}, body: &body}
	if accept != "" {
		r.header["Accept"] = accept
	}
	return r
}

func get(accept string, query url.Values) request {
	r := request{method: http.MethodGet, path: graphQLPath, query: query, header: map[string]string{"Apollo-Require-Preflight": "true"}}
	if accept != "" {
		r.header["Accept"] = accept
	}
	return r
}

func getVariables(accept string) request {
	return get(accept, url.Values{"query": {wantVariables}, "variables": {`{"show":true}`}})
}

// encode panics for what JSON can't hold, of which the questions have nothing.
func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func status(want int) expectation { return between(want, want) }

func between(least, most int) expectation {
	return func(got answer) error {
		if got.status < least || got.status > most {
			return fmt.Errorf("the status is not %d to %d", least, most)
		}
		return nil
	}
}

func mediaType(want string) expectation {
	return func(got answer) error {
		if given, _, err := mime.ParseMediaType(got.header.Get("Content-Type")); err != nil || given != want {
			return fmt.Errorf("the content type is %q", got.header.Get("Content-Type"))
		}
		return nil
	}
}

func isUTF8(got answer) error {
	if !utf8.Valid(got.body) {
		return errors.New("the body is not UTF-8")
	}
	return nil
}

// members are those of a GraphQL response.
func (a answer) members() (members map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(a.body, &members); err != nil {
		return nil, errors.New("the body is no JSON object")
	}
	return members, nil
}

func noErrors(got answer) error {
	members, err := got.members()
	if err == nil && members["errors"] != nil {
		err = errors.New("there are errors")
	}
	return err
}

func noData(got answer) error {
	members, err := got.members()
	if err == nil && members["data"] != nil {
		err = errors.New("there is a member data")
	}
	return err
}

// answersBadJSON allows any class of status but those that say nothing or lead elsewhere.
func answersBadJSON(got answer) error {
	if got.status < 200 || got.status >= 300 && got.status < 400 || got.status > 599 {
		return errors.New("the status is none of 2xx, 4xx and 5xx")
	}
	return nil
}
