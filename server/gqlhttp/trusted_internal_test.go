package gqlhttp

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/server/manifest"
	"luxbff/test/sampleschema"
)

// TestTrustedDocumentIsNotPushedOut prepares a document that is not trusted and one that is,
// and then more others than are kept. The second is the same parsed document all the time.
func TestTrustedDocumentIsNotPushedOut(t *testing.T) {
	t.Parallel()
	const trusted, other = "query Trusted {hello}", "query Other {hello}"
	schema := sampleschema.NewSchema().Schema()
	config := Config{Logger: slog.New(slog.DiscardHandler), Trusted: &TrustedDocuments{}}.withDefaults()
	set, err := CompileTrusted(schema, config, []manifest.Document{{Hash: "hash", Text: trusted, Names: []string{"name"}}})
	if err != nil {
		t.Fatal(err)
	}
	config.Trusted.Replace(set)
	d := newDocuments(config)
	d.schema = schema
	kept := map[string]any{}
	for i := range cachedDocuments + 2 {
		for _, text := range []string{trusted, other} {
			if i > 0 && i < cachedDocuments+1 {
				text = fmt.Sprintf("query Q%d {hello}", i)
			}
			document, refused := d.prepare(t.Context(), text)
			if document == nil || refused != nil {
				t.Fatalf("%s: %v", text, refused)
			}
			if before, known := kept[text]; known && text == trusted && before != any(document) {
				t.Error("the trusted document was parsed again")
			} else if known && text == other && before == any(document) {
				t.Error("the other is kept: this test shows nothing")
			}
			kept[text] = document
		}
	}
	if _, cached := d.cached.Get(t.Context(), trusted); cached {
		t.Error("the trusted document takes the place of others")
	}
}

// TestKnownBodiesShareNothingThatChanges names a document by the same body twice.
func TestKnownBodiesShareNothingThatChanges(t *testing.T) {
	t.Parallel()
	bodies := knownBodies{newTextCache[graphql.RawParams](10, 1<<20)}
	for range 2 {
		params, err := bodies.decode(t.Context(), []byte(`{"documentId": "an id"}`))
		if err != nil {
			t.Fatal(err)
		}
		if id, given := documentIDOf(params); !given || id != "an id" {
			t.Errorf("got %q, %v", id, given)
		}
		trusted := &TrustedDocuments{}
		trusted.Replace(&TrustedSet{texts: map[string]string{"an id": "{hello}"}})
		if refused := (persistedQueries{trusted: trusted}).MutateOperationParameters(t.Context(), params); refused != nil || params.Query != "{hello}" || params.Extensions != nil {
			t.Errorf("got %+v, %v", params, refused)
		}
	}
}

// TestCompiledDocumentsKeepTheLimits compiles documents that a client may not send either.
// The error names each.
func TestCompiledDocumentsKeepTheLimits(t *testing.T) {
	t.Parallel()
	schema := sampleschema.NewSchema().Schema()
	for text, want := range map[string]string{
		"{":                                      "Expected Name",
		"fragment F on Query {hello}":            "no operation",
		"{\n  helo\n}":                           `line 2: Cannot query field "helo" on type "Query". Did you mean "hello"?`,
		"{" + strings.Repeat("hello ", 60) + "}": "60",
		"{__schema {queryType {name}}}":          "Introspection is switched off",
		`{hello(name: "\ud800")}`:                "half a character",
		"{" + strings.Repeat("a ", 31_000) + "}": "tokens",
	} {
		_, err := CompileTrusted(schema, Config{}, []manifest.Document{{Hash: "the hash", Text: text, File: "app.json"}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `app.json: the document "the hash": `) {
			t.Errorf("%.40s: got %v", text, err)
		}
	}
	var wrong []manifest.Document
	for i := range 10 {
		wrong = append(wrong, manifest.Document{Hash: fmt.Sprint("hash ", i), Text: "{", File: "app.json"})
	}
	if _, err := CompileTrusted(schema, Config{}, wrong); err == nil || strings.Count(err.Error(), "app.json") != mostReported {
		t.Errorf("got %v", err)
	}
}
