package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// Documents of the apps in these tests, and one that is of none.
const (
	meDocument    = "query Me { me { firstName } }"
	newDocument   = "query Newer { me { lastName } }"
	feedDocument  = "subscription Feed { devlogStatus { cursor change devlog { logFileId } } }"
	otherDocument = "query Other($secret: Boolean = true) { me { firstName @include(if: $secret) phone } }"
	// meName is the id that an app gives meDocument, as Relay's compiler would.
	meName = "3be4abb81fa595e25eb725b2c6a87508"
)

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// byHash names a document as Apollo's clients do.
func byHash(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

// writeManifest writes Apollo's manifest of the documents.
func writeManifest(t *testing.T, file string, documents ...string) {
	t.Helper()
	operations := []map[string]string{}
	for _, document := range documents {
		operations = append(operations, map[string]string{"id": hashOf(document), "name": "of the app", "type": "query", "body": document})
	}
	writeFile(t, file, string(raw(t, map[string]any{"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations})))
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusting gives a server the documents of two manifests and of a folder.
func trusting(t *testing.T, mode string) func(*app.Config) {
	t.Helper()
	folder := t.TempDir()
	apollo, relay, files := filepath.Join(folder, "apollo.json"), filepath.Join(folder, "relay.json"), filepath.Join(folder, "files")
	writeManifest(t, apollo, meDocument, uploadDocument, apptest.CreateChildDocument)
	writeFile(t, relay, string(raw(t, map[string]string{meName: meDocument})))
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(files, "feed.graphql"), feedDocument)
	return func(c *app.Config) {
		c.Documents, c.DocumentsMode = strings.Join([]string{apollo, relay, files}, ", "), mode
	}
}

// TestTrustedDocumentsOnEveryTransport asks for documents in each way in which a request can
// name one, and for others, of a server that runs no others.
func TestTrustedDocumentsOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "enforce"))
	token, _ := s.Parent(t)
	for name, tc := range map[string]struct {
		request map[string]any
		want    string
	}{
		"by hash":             {map[string]any{"documentId": hashOf(meDocument)}, `"firstName":"`},
		"by prefixed hash":    {map[string]any{"documentId": "sha256:" + hashOf(meDocument)}, `"firstName":"`},
		"beside no query":     {map[string]any{"documentId": hashOf(meDocument), "query": ""}, `"firstName":"`},
		"by name":             {map[string]any{"documentId": meName}, `"firstName":"`},
		"as Apollo":           {map[string]any{"extensions": byHash(hashOf(meDocument))}, `"firstName":"`},
		"as Apollo, by name":  {map[string]any{"extensions": byHash(meName)}, `"firstName":"`},
		"its text":            {map[string]any{"query": meDocument}, `"firstName":"`},
		"its text and hash":   {map[string]any{"query": meDocument, "extensions": byHash(hashOf(meDocument))}, `"firstName":"`},
		"another text":        {map[string]any{"query": otherDocument}, `"DOCUMENT_NOT_TRUSTED"`},
		"one more space":      {map[string]any{"query": meDocument + " "}, `"DOCUMENT_NOT_TRUSTED"`},
		"its text and a hash": {map[string]any{"query": otherDocument, "extensions": byHash(hashOf(otherDocument))}, `"DOCUMENT_NOT_TRUSTED"`},
		"no GraphQL":          {map[string]any{"query": "{"}, `"DOCUMENT_NOT_TRUSTED"`},
		"an unknown id":       {map[string]any{"documentId": hashOf(otherDocument)}, `"PERSISTED_DOCUMENT_NOT_FOUND"`},
		"unknown, as Apollo":  {map[string]any{"extensions": byHash(hashOf(otherDocument))}, `"PERSISTED_DOCUMENT_NOT_FOUND"`},
		"an id and its text":  {map[string]any{"documentId": hashOf(meDocument), "query": meDocument}, `"field":"documentId"`},
		"an id in two ways":   {map[string]any{"documentId": hashOf(meDocument), "extensions": byHash(hashOf(meDocument))}, `"field":"documentId"`},
		"an extension":        {map[string]any{"query": otherDocument, "extensions": map[string]any{"documentId": meName}}, `"DOCUMENT_NOT_TRUSTED"`},
	} {
		for range 2 { // the second time from the bodies that are known
			for transport, answer := range answersToRequest(t, s, token, tc.request, true) {
				if !strings.Contains(answer, tc.want) || strings.Contains(answer, `"data":`) != strings.HasPrefix(tc.want, `"firstName`) {
					t.Errorf("%s, %s: got %.300s", name, transport, answer)
				}
			}
		}
	}
	mutation := map[string]any{"documentId": hashOf(uploadDocument), "variables": map[string]any{"logs": []any{}}}
	if got := s.Call(t, http.MethodGet, "/graphql?"+parametersOf(t, mutation), token, ""); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("a mutation by GET: %d %s", got.Status, got.Body)
	}
	// Five requests of the table name a text that is refused: over seven transports, twice each.
	if got := readMetrics(t, s)[`luxbff_untrusted_documents_total{outcome="refused"}`]; got != 5*7*2 {
		t.Errorf("counted %v", got)
	}
	if log := s.Log.String(); strings.Count(log, "a document that no manifest holds") != 3 || !strings.Contains(log, hashOf(otherDocument)) || strings.Contains(log, "$secret") {
		t.Errorf("the log has\n%s", log)
	}
}

// TestTrustedSubscriptions subscribes by id over each transport, on a server that runs no
// other documents.
func TestTrustedSubscriptions(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, trusting(t, "enforce"))
			token, _ := s.Parent(t)
			grow(t, s, token, 0, 1)
			feed := open(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: transport, DocumentID: "sha256:" + hashOf(feedDocument)})
			upload(t, s, token, 1, 1)
			if got, err := feed.Next(); err != nil || got.LogFileID != 1 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestUntrustedDocumentIsRefusedWithAStatus compares the status of HTTP under the media type
// that has one for refused operations and under the one that clients read with 200 alone.
func TestUntrustedDocumentIsRefusedWithAStatus(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "enforce"))
	for body, status := range map[string]int{
		string(raw(t, map[string]any{"query": otherDocument})):       http.StatusForbidden,
		string(raw(t, map[string]any{"documentId": "none of them"})): http.StatusBadRequest,
		string(raw(t, map[string]any{"documentId": 5})):              http.StatusBadRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Accept": {"application/graphql-response+json"}, "Content-Type": {"application/json"}}
		if got := s.Do(t, r); got.Status != status {
			t.Errorf("%s: got %d %s", body, got.Status, got.Body)
		}
	}
	if got := s.GraphQL(t, "", otherDocument, nil); got.Errors[0].Extensions.Status != http.StatusForbidden {
		t.Errorf("as application/json: %+v", got)
	}
}

// TestUntrustedDocumentsAreLoggedOnce runs other documents where that is allowed, several
// times, and looks at what is left of them.
func TestUntrustedDocumentsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "log"))
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	for range 3 {
		for transport, answer := range answersTo(t, s, token, otherDocument) {
			if !strings.Contains(answer, `"firstName":"`) {
				t.Errorf("%s: got %s", transport, answer)
			}
		}
		s.GraphQL(t, token, meDocument, nil)
		s.GraphQL(t, "", "query Chosen {__typename}", nil)
	}
	feed := open(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: subscriptiontest.WebSocket})
	upload(t, s, token, 1, 2)
	for range 2 {
		if _, err := feed.Next(); err != nil {
			t.Fatal(err)
		}
	}
	// Seven transports and a request without a token, three times each, and the subscription.
	if got := readMetrics(t, s)[`luxbff_untrusted_documents_total{outcome="run"}`]; got != 25 {
		t.Errorf("counted %v", got)
	}
	var lines []string
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, "a document that no manifest holds") {
			lines = append(lines, line)
		}
	}
	all := strings.Join(lines, "")
	if len(lines) != 3 || !strings.Contains(all, `"sha256":"`+hashOf(otherDocument)+`","operation":"Other"`) ||
		!strings.Contains(all, `"operation":"__typename"`) || strings.Contains(all, "secret") || strings.Contains(all, "Chosen") {
		t.Errorf("the log has\n%s", all)
	}
}

// TestLogOfUntrustedDocumentsIsBounded makes up more documents than are logged, where they
// are refused.
func TestLogOfUntrustedDocumentsIsBounded(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "enforce"))
	for i := range 1_005 {
		if got := s.GraphQL(t, "", fmt.Sprintf("query Q%d {me {id}}", i), nil); got.Code() != "DOCUMENT_NOT_TRUSTED" {
			t.Fatalf("got %+v", got)
		}
	}
	log := s.Log.String()
	if named, last := strings.Count(log, "a document that no manifest holds"), strings.Count(log, "counted and not logged"); named != 1_000 || last != 1 {
		t.Errorf("%d are named, and %d lines say that there are more", named, last)
	}
	if got := readMetrics(t, s)[`luxbff_untrusted_documents_total{outcome="refused"}`]; got != 1_005 {
		t.Errorf("counted %v", got)
	}
}

// TestReloadedDocuments replaces a manifest under a running server, by one of the next
// version of the app and by others with something wrong.
func TestReloadedDocuments(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeManifest(t, filepath.Join(folder, "1.json"), meDocument, feedDocument, uploadDocument, apptest.CreateChildDocument)
	s := apptest.Start(t, func(c *app.Config) { c.Documents, c.DocumentsMode = folder, "enforce" })
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	feed := open(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: subscriptiontest.WebSocket, DocumentID: hashOf(feedDocument)})
	codes := func(want map[string]string) {
		t.Helper()
		for document, code := range want {
			if got := s.GraphQL(t, token, document, nil); got.Code() != code {
				t.Errorf("%s: got %+v", document, got)
			}
		}
	}
	codes(map[string]string{meDocument: "", newDocument: "DOCUMENT_NOT_TRUSTED"})

	next := filepath.Join(folder, "2.json")
	for content, want := range map[string]string{
		"{": "it is no JSON object",
		string(raw(t, map[string]string{hashOf(meDocument): newDocument})): "is not the SHA-256",
		`{"an id": "{me {noSuchField}}"}`:                                  `the document "an id": line 1: Cannot query field "noSuchField"`,
	} {
		writeFile(t, next, content)
		if err := s.App.ReloadDocuments(t.Context()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), next) {
			t.Errorf("%s: got %v", content, err)
		}
		codes(map[string]string{meDocument: "", newDocument: "DOCUMENT_NOT_TRUSTED"})
	}

	// The subscription goes on although no manifest has its document any more.
	writeManifest(t, next, newDocument, uploadDocument)
	if err := os.Remove(filepath.Join(folder, "1.json")); err != nil {
		t.Fatal(err)
	}
	if err := s.App.ReloadDocuments(t.Context()); err != nil {
		t.Fatal(err)
	}
	codes(map[string]string{meDocument: "DOCUMENT_NOT_TRUSTED", newDocument: ""})
	upload(t, s, token, 1, 1)
	if got, err := feed.Next(); err != nil || got.LogFileID != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestSchemaCanBeReadBesideTrustedDocuments asks as GraphiQL does where clients may read the
// schema, and for data beside it.
func TestSchemaCanBeReadBesideTrustedDocuments(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "enforce"))
	token, _ := s.Parent(t)
	for document, code := range map[string]string{
		"query IntrospectionQuery {__schema {...S}} fragment S on __Schema {queryType {name}}": "",
		`{__type(name: "User") {name} __typename}`:                                             "",
		"{__schema {queryType {name}} me {id}}":                                                "DOCUMENT_NOT_TRUSTED",
		"{__typename ...F} fragment F on Query {me {id}}":                                      "DOCUMENT_NOT_TRUSTED",
		"query A {__typename} query B {me {id}}":                                               "DOCUMENT_NOT_TRUSTED",
		"{me {__typename}}":                                                                    "DOCUMENT_NOT_TRUSTED",
	} {
		for range 2 {
			if got := s.GraphQL(t, token, document, nil); got.Code() != code {
				t.Errorf("%s: got %+v", document, got)
			}
		}
	}
	closed := apptest.Start(t, apptest.Production, trusting(t, "enforce"))
	if got := closed.GraphQL(t, "", "{__schema {queryType {name}}}", nil); got.Code() != "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("production: got %+v", got)
	}
}

// TestPersistedAnswersAreNotCached asks by GET for a query by its hash, which is what a
// cache between the app and the server could keep.
func TestPersistedAnswersAreNotCached(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, trusting(t, "off"))
	token, _ := s.Parent(t)
	ask := func(request map[string]any, want string) {
		t.Helper()
		got := s.Call(t, http.MethodGet, "/graphql?"+parametersOf(t, request), token, "")
		if got.Status != http.StatusOK || !strings.Contains(string(got.Body), want) || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: got %d %s %v", request, got.Status, got.Body, got.Header)
		}
	}
	ask(map[string]any{"documentId": hashOf(meDocument)}, `"firstName":"`)
	ask(map[string]any{"extensions": byHash(hashOf(meDocument))}, `"firstName":"`)
	// Any other text may still be sent once and then named.
	ask(map[string]any{"extensions": byHash(hashOf(otherDocument))}, `"PERSISTED_QUERY_NOT_FOUND"`)
	ask(map[string]any{"query": otherDocument, "extensions": byHash(hashOf(otherDocument))}, `"firstName":"`)
	ask(map[string]any{"extensions": byHash(hashOf(otherDocument))}, `"firstName":"`)
	ask(map[string]any{"documentId": hashOf(otherDocument)}, `"PERSISTED_DOCUMENT_NOT_FOUND"`)
}

// TestDocumentSettings starts with settings that say too little, or name what can't be
// served.
func TestDocumentSettings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	broken, introspecting := filepath.Join(folder, "broken.json"), filepath.Join(folder, "schema.graphql")
	writeFile(t, broken, `{"one": "{me {id}}", "two": "{me {idd}}", "three": "{"}`)
	writeFile(t, introspecting, "{__schema {queryType {name}}}")
	for name, tc := range map[string]struct{ documents, mode, want string }{
		"no mode":      {broken, "", "TRUSTED_DOCUMENTS_MODE must say off, log or enforce"},
		"no documents": {"", "enforce", "TRUSTED_DOCUMENTS is missing"},
		"no path":      {" , ", "log", "TRUSTED_DOCUMENTS must name files or folders"},
		"no file":      {filepath.Join(folder, "none.json"), "off", "none.json: no such file"},
		"invalid":      {broken, "off", `TRUSTED_DOCUMENTS: ` + broken + `: the document "three": line 1: Expected Name`},
		"all invalid":  {broken, "off", `the document "two": line 1: Cannot query field "idd" on type "User"`},
		"the schema":   {introspecting, "enforce", "Introspection is switched off"},
	} {
		cfg := app.Config{DatabaseURL: "file:" + filepath.Join(t.TempDir(), "documents.db")}
		apptest.Production(&cfg)
		cfg.Documents, cfg.DocumentsMode = tc.documents, tc.mode
		_, err := app.New(t.Context(), cfg, app.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
