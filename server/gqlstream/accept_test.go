package gqlstream_test

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
)

const (
	plainJSON   = "application/json"
	graphqlJSON = "application/graphql-response+json"
	eventStream = "text/event-stream"
	mixed       = "multipart/mixed"
)

// ask sends an operation with these headers and reads the whole answer.
func (b *bench) ask(method, query string, header map[string]string) (*http.Response, string) {
	b.t.Helper()
	if method == http.MethodGet {
		return b.send(method, "?"+url.Values{"query": {query}}.Encode(), "", header)
	}
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(method, "", string(body), header)
}

// TestAcceptOfEachClient sends the Accept headers of clients as they are, and some that
// nobody sends. A query and a mutation are answered in one piece wherever JSON is
// accepted; refused with 406 where nothing is; and a subscription by the stream of the
// greatest weight, the first on a tie.
func TestAcceptOfEachClient(t *testing.T) {
	t.Parallel()
	const unacceptable, needsStream = "406", "400"
	b := setup(t, nil)
	for name, tc := range map[string]struct{ accept, whole, subscription string }{
		"urql 6": {
			"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
			plainJSON, eventStream,
		},
		"Apollo Client 4": {
			"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9",
			graphqlJSON, mixed,
		},
		"Apollo Client 4, queries":    {"application/graphql-response+json,application/json;q=0.9", graphqlJSON, needsStream},
		"Apollo Client 3":             {`multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json`, plainJSON, mixed},
		"Apollo Kotlin and iOS":       {"multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json", plainJSON, needsStream},
		"Apollo Kotlin, subscription": {`multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/graphql-response+json, application/json`, plainJSON, mixed},
		"Apollo iOS, subscription":    {`multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/graphql-response+json,application/json`, plainJSON, mixed},
		"Relay, graphql-request":      {"application/graphql-response+json, application/json", plainJSON, needsStream},
		"executor-http":               {"application/graphql-response+json, application/json, multipart/mixed", plainJSON, needsStream},
		"executor-http, subscription": {"text/event-stream", eventStream, eventStream},
		"executor-http, all":          {"application/graphql-response+json, application/json, text/event-stream, multipart/mixed", plainJSON, eventStream},
		"graphql-sse":                 {"application/json, text/event-stream", plainJSON, eventStream},
		"fetch, curl":                 {"*/*", plainJSON, needsStream},
		"axios":                       {"application/json, text/plain, */*", plainJSON, needsStream},
		"a polyfill of EventSource":   {"text/event-stream, */*", plainJSON, eventStream},
		"any application":             {"application/*", plainJSON, needsStream},
		"none":                        {"", plainJSON, needsStream},

		"multipart is heavier":        {"text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0;q=0.6, application/json;q=0.1", plainJSON, mixed},
		"multipart comes first":       {`multipart/mixed;subscriptionSpec="1.0", text/event-stream`, mixed, mixed},
		"SSE comes first":             {"text/event-stream, multipart/mixed;subscriptionSpec=1.0", eventStream, eventStream},
		"SSE is lighter than JSON":    {"application/json, text/event-stream;q=0.001", plainJSON, eventStream},
		"SSE is refused":              {"text/event-stream;q=0, multipart/mixed;subscriptionSpec=1.0;q=0.1, */*", plainJSON, mixed},
		"all streams are refused":     {"text/event-stream;q=0.000, multipart/mixed;subscriptionSpec=1.0;q=0, */*", plainJSON, needsStream},
		"JSON is refused":             {"application/*;q=0, text/event-stream", eventStream, eventStream},
		"one JSON is refused":         {"application/json;q=0, */*;q=0.1, text/event-stream", graphqlJSON, eventStream},
		"upper case and spaces":       {" Text/EVENT-stream ; Q=0.5 ,\tApplication/JSON ; q=0.2", plainJSON, eventStream},
		"upper case, multipart":       {"Multipart/Mixed ; SUBSCRIPTIONSPEC=1.0 ; boundary=graphql", mixed, mixed},
		"a comma in quotes":           {`multipart/mixed;boundary="a,text/event-stream;b";subscriptionSpec="1.0", application/json`, plainJSON, mixed},
		"an escaped quote":            {`multipart/mixed;boundary="a\",b";subscriptionSpec=1.0`, mixed, mixed},
		"empty elements":              {",, text/event-stream,, application/json,", plainJSON, eventStream},
		"another specification":       {"multipart/mixed;subscriptionSpec=2.0, application/json", plainJSON, needsStream},
		"only another specification":  {"multipart/mixed;subscriptionSpec=2.0", unacceptable, unacceptable},
		"multipart without any":       {"multipart/mixed", unacceptable, unacceptable},
		"nothing that we have":        {"text/html, image/*", unacceptable, unacceptable},
		"everything is refused":       {"*/*;q=0", unacceptable, unacceptable},
		"JSON and streams are barred": {"application/json;q=0, text/event-stream;q=0", unacceptable, unacceptable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for query, want := range map[string]string{
				"{ who }": tc.whole, "mutation { add(n: 1) }": tc.whole, "subscription { count(to: 1) }": tc.subscription,
				"{ syntax": tc.whole,
			} {
				answer, text := b.ask(http.MethodPost, query, map[string]string{"Accept": tc.accept})
				got, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
				if err != nil {
					t.Fatal(err)
				}
				if want == unacceptable || want == needsStream {
					got = answer.Status[:3]
				}
				if got != want {
					t.Errorf("%s is answered by %s: %s", query, got, text)
				}
			}
		})
	}
}

// TestOperationsWithoutARightAsJSON: who accepts JSON learns in JSON that a query failed,
// although a stream asks for a token before anything else.
func TestOperationsWithoutARightAsJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlstream.Config) { cfg.Init = refuse })
	for query, want := range map[string]string{
		"mutation { add(n: 1) }":        `{"data":{"add":2}}`,
		"{ refuse }":                    `{"errors":[{"message":"Not Found Device","extensions":{"code":"NOT_FOUND_DEVICE","field":"input.deviceId","status":404}}],"data":{"refuse":null}}`,
		"subscription { count(to: 1) }": ":\n\nevent: next\ndata: " + `{"errors":[{"message":"Could not validate credentials","extensions":{"code":"UNAUTHENTICATED","status":401}}]}` + "\n\nevent: complete\ndata: \n\n",
	} {
		_, text := b.ask(http.MethodPost, query, map[string]string{"Accept": "text/event-stream, application/json"})
		if text != want {
			t.Errorf("%s:\n got %s\nwant %s", query, text, want)
		}
	}
}

// TestOperationsWithoutARightAsAStream: a client that accepts streams alone, as graphql-sse
// may, signs in over one. What is open to everybody is executed, whatever the answer's form.
func TestOperationsWithoutARightAsAStream(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlstream.Config) {
		cfg.Init = refuse
		cfg.Operation = func(context.Context, *ast.OperationDefinition) (context.Context, error) {
			return nil, apperr.Unauthenticated.New()
		}
	})
	const refused = `{"errors":[{"message":"Could not validate credentials","extensions":{"code":"UNAUTHENTICATED","status":401}}]}`
	for query, want := range map[string]string{
		"mutation { add(n: 1) }":        `{"data":{"add":2}}`,
		"{ echo(text: \"a\") }":         `{"data":{"echo":"a"}}`,
		"{ nothing":                     `{"errors":[{"message":"Expected Name, found \u003cEOF\u003e","locations":[{"line":1,"column":10}],"extensions":{"code":"GRAPHQL_PARSE_FAILED","status":400}}]}`,
		"subscription { count(to: 1) }": refused,
	} {
		for accept, answer := range map[string]string{
			eventStream: ":\n\nevent: next\ndata: " + want + "\n\nevent: complete\ndata: \n\n",
			acceptMultipart: "--graphql\r\nContent-Type: application/json\r\n\r\n{}\r\n" +
				"--graphql\r\nContent-Type: application/json\r\n\r\n" + `{"payload":` + want + "}\r\n--graphql--\r\n",
		} {
			if _, text := b.ask(http.MethodPost, query, map[string]string{"Accept": accept}); text != answer {
				t.Errorf("%s as %s:\n got %s\nwant %s", query, accept, text, answer)
			}
		}
	}
}

// TestStreamsByGet: an EventSource asks by GET, and so does executor-http with useGETForQueries.
func TestStreamsByGet(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for accept, counted := range map[string]string{
		eventStream: ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: complete\ndata: \n\n",
		acceptMultipart: "--graphql\r\nContent-Type: application/json\r\n\r\n{}\r\n" +
			"--graphql\r\nContent-Type: application/json\r\n\r\n{\"payload\":{\"data\":{\"count\":1}}}\r\n--graphql--\r\n",
	} {
		answer, text := b.ask(http.MethodGet, "subscription { count(to: 1) }", map[string]string{"Accept": accept})
		if answer.StatusCode != http.StatusOK || text != counted {
			t.Errorf("%s: %s %q", accept, answer.Status, text)
		}
	}
	_, text := b.ask(http.MethodGet, "{ echo(text: \"a\") }", map[string]string{"Accept": eventStream})
	if want := ":\n\nevent: next\ndata: {\"data\":{\"echo\":\"a\"}}\n\nevent: complete\ndata: \n\n"; text != want {
		t.Errorf("a query by GET: %q", text)
	}
	for _, accept := range []string{eventStream, acceptMultipart, plainJSON, "text/event-stream, application/json"} {
		answer, text := b.ask(http.MethodGet, "mutation { publish(text: \"x\") }", map[string]string{"Accept": accept})
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != http.MethodPost {
			t.Errorf("a mutation by GET, %s: %s, Allow %q, %s", accept, answer.Status, answer.Header.Get("Allow"), text)
		}
	}
}

// TestGetOfAllParameters: variables, operationName and extensions stand in the URL.
func TestGetOfAllParameters(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	parameters := url.Values{
		"query":     {"query A { who } subscription B($n: Int!) { count(to: $n) }"},
		"variables": {`{"n":2}`}, "operationName": {"B"}, "extensions": {`{"some":"value"}`},
	}
	_, text := b.send(http.MethodGet, "?"+parameters.Encode(), "", map[string]string{"Accept": eventStream})
	want := ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata: \n\n"
	if text != want {
		t.Errorf("got %q", text)
	}
}

// TestStreamsObeyTheContentType: a page of another site can send a form without asking
// first, whatever the answer would be.
func TestStreamsObeyTheContentType(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, accept := range []string{eventStream, acceptMultipart} {
		for _, content := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1"} {
			answer, text := b.ask(http.MethodPost, "mutation { publish(text: \"x\") }", map[string]string{"Accept": accept, "Content-Type": content})
			if answer.StatusCode != http.StatusUnsupportedMediaType || !strings.HasPrefix(text, `{"errors":`) {
				t.Errorf("%s with the content type %q: %s %s", accept, content, answer.Status, text)
			}
		}
	}
}
