package gqlhttp_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"luxbff/internal/testutil/gziptest"
	"luxbff/internal/testutil/zstdtest"
	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

const (
	plainJSON   = "application/json"
	graphqlJSON = "application/graphql-response+json"
	// apolloMobile is what Apollo's clients for iOS and Kotlin accept.
	apolloMobile = "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json"
)

// call is one HTTP request; a body makes it a POST of JSON.
type call struct {
	method, query, body string
	contentType, accept string
	contentEncoding     string
}

func (c call) request() *http.Request {
	if c.method == "" {
		c.method = http.MethodGet
		if c.body != "" {
			c.method = http.MethodPost
		}
	}
	r := httptest.NewRequest(c.method, "/graphql?"+c.query, strings.NewReader(c.body))
	if c.contentType == "" && c.method == http.MethodPost {
		c.contentType = plainJSON
	}
	for name, value := range map[string]string{
		"Content-Type": c.contentType, "Accept": c.accept, "Content-Encoding": c.contentEncoding,
	} {
		if value != "" && value != "-" {
			r.Header.Set(name, value)
		}
	}
	return r
}

func quietly(config gqlhttp.Config) gqlhttp.Config {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return config
}

func do(t *testing.T, server http.Handler, c call) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, c.request().WithContext(t.Context()))
	if got := recorder.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return recorder
}

// bodyOf gives the body of a POST.
func bodyOf(t *testing.T, query string, variables any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// failure is the first error of a response, as a client reads it.
type failure struct {
	Message    string
	Path       []any
	Extensions struct {
		Code, Field, Reason   string
		Status, Actual, Limit int
	}
}

func failureOf(t *testing.T, recorder *httptest.ResponseRecorder) failure {
	t.Helper()
	var answer struct{ Errors []failure }
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v in %s", err, recorder.Body)
	}
	if len(answer.Errors) == 0 {
		t.Fatalf("no error in %s", recorder.Body)
	}
	return answer.Errors[0]
}

func TestResponses(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{Introspection: true}))
	hello := url.Values{"query": {"{hello}"}}.Encode()
	for name, tc := range map[string]struct {
		call
		mediaType, want string
	}{
		"POST": {call{body: `{"query": "{hello}"}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with a charset": {
			call{body: `{"query": "{hello}"}`, contentType: "application/json; charset=UTF-8"},
			plainJSON, `{"data":{"hello":"Hello"}}`,
		},
		"POST with charset=utf8":      {call{body: `{"query": "{hello}"}`, contentType: "application/json;charset=utf8"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with charset=UTF8":      {call{body: `{"query": "{hello}"}`, contentType: "Application/JSON; Charset=UTF8"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with a quoted charset":  {call{body: `{"query": "{hello}"}`, contentType: `application/json; charset="utf-8"`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with a last semicolon":  {call{body: `{"query": "{hello}"}`, contentType: "application/json; charset=utf-8;"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with a byte order mark": {call{body: "\ufeff" + `{"query": "{hello}"}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with other members":     {call{body: `{"query": "{hello}", "Query": "{nobody}", "OPERATIONNAME": "B", "Variables": 5, "id": [{}], "": null}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with members before":    {call{body: `{"QUERY": "{nobody}", "query": "{hello}"}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with an empty name":     {call{body: `{"query": "query A {hello}", "operationName": ""}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST with nothing in them":   {call{body: `{"query": "{hello}", "variables": {}, "extensions": {}}`}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"GET with nulls":              {call{query: hello + "&variables=null&extensions=null&operationName="}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"GET with empty parameters":   {call{query: hello + "&variables=&extensions="}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"GET with other parameters":   {call{query: hello + "&Query=x&VARIABLES=[]"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"POST of all parameters": {
			call{body: `{"query": "query A($n: String) {hello(name: $n)} query B {born(on: \"2024-02-29\")}",
				"operationName": "A", "variables": {"n": "Zoë \ud83c\udfc3"}, "extensions": {"some": "value"}}`},
			plainJSON, `{"data":{"hello":"Hello, Zoë 🏃"}}`,
		},
		"POST of variables": {
			call{body: `{"query": "query($n: String) {hello(name: $n)}", "variables": {"n": "Ann"}}`},
			plainJSON, `{"data":{"hello":"Hello, Ann"}}`,
		},
		"POST with nulls": {
			call{body: `{"query": "{hello}", "operationName": null, "variables": null, "extensions": null}`},
			plainJSON, `{"data":{"hello":"Hello"}}`,
		},
		"GET": {call{query: hello}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"GET of all parameters": {
			call{query: url.Values{
				"query": {"query A($n: String) {hello(name: $n)} query B {hello}"}, "operationName": {"A"},
				"variables": {`{"n": "Ann"}`}, "extensions": {`{"some": "value"}`},
			}.Encode()},
			plainJSON, `{"data":{"hello":"Hello, Ann"}}`,
		},
		"a mutation by POST": {
			call{body: `{"query": "mutation {rename(input: {id: 5, name: null}) {item {id name}}}"}`},
			plainJSON, `{"data":{"rename":{"item":{"id":"5","name":"removed"}}}}`,
		},
		"the new media type":      {call{query: hello, accept: graphqlJSON}, graphqlJSON, `{"data":{"hello":"Hello"}}`},
		"anything":                {call{query: hello, accept: "*/*"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"any application":         {call{query: hello, accept: "application/*"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"a browser":               {call{query: hello, accept: "text/html,*/*;q=0.8"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"Apollo mobile":           {call{query: hello, accept: apolloMobile}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"the heavier is new":      {call{query: hello, accept: plainJSON + ";q=0.5, " + graphqlJSON}, graphqlJSON, `{"data":{"hello":"Hello"}}`},
		"the heavier is old":      {call{query: hello, accept: graphqlJSON + ";q=0.8," + plainJSON + "; q=0.9"}, plainJSON, `{"data":{"hello":"Hello"}}`},
		"old is refused":          {call{query: hello, accept: "application/json;q=0, */*"}, graphqlJSON, `{"data":{"hello":"Hello"}}`},
		"a weight that is none":   {call{query: hello, accept: graphqlJSON + ";q=none, " + plainJSON + ";q=0.9"}, graphqlJSON, `{"data":{"hello":"Hello"}}`},
		"the specific range wins": {call{query: hello, accept: "*/*;q=1, application/*;q=0.2, " + graphqlJSON + ";q=0.3"}, graphqlJSON, `{"data":{"hello":"Hello"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second time its body may be known
				got := do(t, server, tc.call)
				if got.Code != http.StatusOK || got.Body.String() != tc.want {
					t.Errorf("got %d %s, want %s", got.Code, got.Body, tc.want)
				}
				if header := got.Header().Get("Content-Type"); header != tc.mediaType+"; charset=utf-8" {
					t.Errorf("Content-Type %q", header)
				}
			}
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	got := do(t, server, call{method: http.MethodOptions})
	if got.Code != http.StatusNoContent || got.Header().Get("Allow") != "GET, POST, OPTIONS" {
		t.Errorf("got %d, Allow %q", got.Code, got.Header().Get("Allow"))
	}
}

func TestBodyMayBeCompressed(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const marked = "\xef\xbb\xbf" + `{"query": "{hello}"}`
	for name, c := range map[string]call{
		"gzip":                     {body: gziptest.Compress(t, `{"query": "{hello}"}`), contentEncoding: "gzip"},
		"gzip and an empty coding": {body: gziptest.Compress(t, `{"query": "{hello}"}`), contentEncoding: "identity, gzip"},
		"a byte order mark":        {body: marked},
		"zstd":                     {body: zstdtest.Compress(t, `{"query": "{hello}"}`), contentEncoding: "zstd"},
		"gzip of one":              {body: gziptest.Compress(t, marked), contentEncoding: "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := do(t, server, c); got.Code != http.StatusOK || !strings.HasPrefix(got.Body.String(), `{"data":{"hello":`) {
				t.Errorf("got %d %s", got.Code, got.Body)
			}
		})
	}
}

// TestRefusals sends requests that never become an operation. Their status is the same
// whatever media type the client accepts.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const badRequest = "INVALID_REQUEST_OR_MISSING_PARAMETERS"
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{MaxBody: 512}))
	get := func(parameters ...string) call {
		values := url.Values{"query": {"{hello}"}}
		for i := 0; i < len(parameters); i += 2 {
			values.Set(parameters[i], parameters[i+1])
		}
		return call{query: values.Encode()}
	}
	for name, tc := range map[string]struct {
		call
		status      int
		code, field string
	}{
		"no body":                   {call{method: "POST"}, 400, badRequest, ""},
		"half a body":               {call{body: `{"query": "{he`}, 400, badRequest, ""},
		"not JSON":                  {call{body: `query=secret`}, 400, badRequest, ""},
		"two objects":               {call{body: `{"query": "{hello}"} {}`}, 400, badRequest, ""},
		"a batch":                   {call{body: ` [{"query": "{hello}"}]`}, 400, badRequest, ""},
		"a string":                  {call{body: `"{hello}"`}, 400, badRequest, ""},
		"null":                      {call{body: `null`}, 400, badRequest, "query"},
		"another case of query":     {call{body: `{"Query": "{hello}"}`}, 400, badRequest, "query"},
		"another case, GET":         {call{query: "Query={hello}"}, 400, badRequest, "query"},
		"a byte order mark alone":   {call{body: "\ufeff"}, 400, badRequest, ""},
		"two byte order marks":      {call{body: "\ufeff\ufeff" + `{"query": "{hello}"}`}, 400, badRequest, ""},
		"a document":                {call{body: "{hello}", contentType: "application/graphql"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"plain text":                {call{body: `{"query": "{hello}"}`, contentType: "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"UTF-16":                    {call{body: `{"query": "{hello}"}`, contentType: "application/json; charset=utf-16"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"a type with two charsets":  {call{body: `{"query": "{hello}"}`, contentType: "application/json; charset=utf-8; charset=latin1"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"a comma at the end":        {call{body: `{"query": "{hello}",}`}, 400, badRequest, ""},
		"GET, text for variables":   {get("variables", `"{}"`), 400, badRequest, "variables"},
		"GET, half of variables":    {get("variables", `{"n": `), 400, badRequest, "variables"},
		"no query":                  {call{body: `{"variables": {}}`}, 400, badRequest, "query"},
		"an empty query":            {call{body: `{"query": ""}`}, 400, badRequest, "query"},
		"a number for query":        {call{body: `{"query": 5}`}, 400, badRequest, "query"},
		"a list of variables":       {call{body: `{"query": "{hello}", "variables": []}`}, 400, badRequest, "variables"},
		"text for variables":        {call{body: `{"query": "{hello}", "variables": "{}"}`}, 400, badRequest, "variables"},
		"a number for the name":     {call{body: `{"query": "{hello}", "operationName": 0}`}, 400, badRequest, "operationName"},
		"text for extensions":       {call{body: `{"query": "{hello}", "extensions": "x"}`}, 400, badRequest, "extensions"},
		"invalid UTF-8":             {call{body: "{\"query\": \"{hello(name: \xff)}\"}"}, 400, badRequest, ""},
		"a high surrogate":          {call{body: `{"query": "{hello}", "variables": {"n": "\ud800"}}`}, 400, badRequest, ""},
		"a low surrogate":           {call{body: `{"query": "{hello}", "variables": {"n": "\\\udfff"}}`}, 400, badRequest, ""},
		"swapped surrogates":        {call{body: `{"query": "{hello}", "variables": {"n": "\udc00\ud800"}}`}, 400, badRequest, ""},
		"too large":                 {call{body: `{"query": "` + strings.Repeat("#", 512) + `"}`}, 413, "PAYLOAD_TOO_LARGE", ""},
		"a form":                    {call{body: "query=x", contentType: "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"no content type":           {call{body: `{"query": "{hello}"}`, contentType: "-"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"a malformed type":          {call{body: `{"query": "{hello}"}`, contentType: "application/json;;"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"another charset":           {call{body: `{"query": "{hello}"}`, contentType: "application/json; charset=latin1"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"another compression":       {call{body: `{"query": "{hello}"}`, contentEncoding: "br"}, 415, "UNSUPPORTED_MEDIA_TYPE", ""},
		"gzip that is none":         {call{body: `{"query": "{hello}"}`, contentEncoding: "gzip"}, 400, badRequest, ""},
		"half an archive":           {call{body: gziptest.Compress(t, `{"query": "{hello}"}`)[:20], contentEncoding: "gzip"}, 400, badRequest, ""},
		"zstd that is none":         {call{body: `{"query": "{hello}"}`, contentEncoding: "zstd"}, 400, badRequest, ""},
		"zstd, large once inflated": {call{body: zstdtest.Compress(t, `{"query": "`+strings.Repeat("#", 1<<20)+`"}`), contentEncoding: "zstd"}, 413, "PAYLOAD_TOO_LARGE", ""},
		"large once inflated":       {call{body: gziptest.Compress(t, `{"query": "`+strings.Repeat("#", 1<<20)+`"}`), contentEncoding: "gzip"}, 413, "PAYLOAD_TOO_LARGE", ""},
		"GET without query":         {call{query: "x=y"}, 400, badRequest, "query"},
		"GET, malformed":            {call{query: "query=%zz"}, 400, badRequest, ""},
		"GET, invalid UTF-8":        {call{query: "query=%ff"}, 400, badRequest, ""},
		"GET, bad variables":        {get("variables", "{"), 400, badRequest, "variables"},
		"GET, listed variables":     {get("variables", "[]"), 400, badRequest, "variables"},
		"GET, bad extensions":       {get("extensions", "5"), 400, badRequest, "extensions"},
		"GET of a mutation":         {get("query", "mutation {rename(input: {id: 1}) {item {id}}}"), 405, "METHOD_NOT_ALLOWED", ""},
		"GET of a subscription":     {get("query", "subscription {ticks}"), 400, badRequest, ""},
		"POST of a subscription":    {call{body: `{"query": "subscription {ticks}"}`}, 400, badRequest, ""},
		"PUT":                       {call{method: "PUT", body: `{"query": "{hello}"}`}, 405, "METHOD_NOT_ALLOWED", ""},
		"HEAD":                      {call{method: "HEAD"}, 405, "METHOD_NOT_ALLOWED", ""},
		"nothing acceptable":        {call{body: `{"query": "{hello}"}`, accept: "text/html"}, 406, "NOT_ACCEPTABLE", ""},
		"both are refused":          {call{body: `{"query": "{hello}"}`, accept: "application/*;q=0"}, 406, "NOT_ACCEPTABLE", ""},
		"a stream for a query":      {call{body: `{"query": "{hello}"}`, accept: "text/event-stream"}, 406, "NOT_ACCEPTABLE", ""},
	} {
		accepts := []string{plainJSON, graphqlJSON}
		if tc.accept != "" {
			accepts = []string{tc.accept}
		}
		for _, accept := range accepts {
			t.Run(name+" as "+accept, func(t *testing.T) {
				t.Parallel()
				request := tc.call // the other Accept has its own
				request.accept = accept
				got := do(t, server, request)
				failed := failureOf(t, got)
				if got.Code != tc.status || failed.Extensions.Status != tc.status ||
					failed.Extensions.Code != tc.code || failed.Extensions.Field != tc.field {
					t.Errorf("got %d %s", got.Code, got.Body)
				}
				if strings.Contains(got.Body.String(), `"data"`) || strings.Contains(got.Body.String(), "secret") {
					t.Errorf("got %s", got.Body)
				}
				if allow := got.Header().Get("Allow"); (allow != "") != (tc.status == http.StatusMethodNotAllowed) {
					t.Errorf("Allow %q with status %d", allow, got.Code)
				}
			})
		}
	}
}

// TestEscapedTextIsNoSurrogate checks that the scan for lone surrogates does not take an
// escaped backslash for the start of an escape.
func TestEscapedTextIsNoSurrogate(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	got := do(t, server, call{body: `{"query": "query($n: String) {hello(name: $n)}", "variables": {"n": "\\ud800 \n\u00e9\ud83d\ude00"}}`})
	if want := `{"data":{"hello":"Hello, \\ud800 \né😀"}}`; got.Body.String() != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	body := func(size int) string {
		frame := `{"query": "{hello}", "x": ""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	if got := do(t, server, call{body: body(gqlhttp.DefaultMaxBody)}); got.Code != http.StatusOK {
		t.Errorf("one of the largest bodies: %d", got.Code)
	}
	for name, declared := range map[string]int64{"declared": gqlhttp.DefaultMaxBody + 1, "not declared": -1} {
		r := call{body: body(gqlhttp.DefaultMaxBody + 1)}.request()
		r.ContentLength = declared
		got := httptest.NewRecorder()
		server.ServeHTTP(got, r)
		if got.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("a length that is %s: %d", name, got.Code)
		}
	}
}
