package gqlhttp_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

func TestOneOf(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	const (
		pick = "query($by: PickInput!) {pick(by: $by)}"
		all  = "query($by: [PickInput!]) {pickAll(by: $by)}"
		deep = "query($by: OrderInput!) {pickDeep(by: $by)}"
	)
	for name, tc := range map[string]struct{ query, by, want, field string }{
		"one":                     {pick, `{"id": 5}`, `{"pick":"id 5"}`, ""},
		"another":                 {pick, `{"name": "Ann"}`, `{"pick":"name Ann"}`, ""},
		"one in one":              {pick, `{"next": {"id": 5}}`, `{"pick":"id 5"}`, ""},
		"a list":                  {all, `[{"id": 5}, {"name": "Ann"}]`, `{"pickAll":2}`, ""},
		"one for a list":          {all, `{"id": 5}`, `{"pickAll":1}`, ""},
		"no list":                 {all, `null`, `{"pickAll":0}`, ""},
		"a list in an object":     {deep, `{"picks": [{"id": 5}]}`, `{"pickDeep":"1"}`, ""},
		"nothing in an object":    {deep, `{}`, `{"pickDeep":"0"}`, ""},
		"two":                     {pick, `{"id": 5, "name": "Ann"}`, "", "by"},
		"none":                    {pick, `{}`, "", "by"},
		"null":                    {pick, `{"id": null}`, "", "by"},
		"one and null":            {pick, `{"id": 5, "name": null}`, "", "by"},
		"two in one":              {pick, `{"next": {"id": 5, "name": "Ann"}}`, "", "by.next"},
		"two in a list":           {all, `[{"id": 5}, {"id": 5, "name": "Ann"}]`, "", "by[1]"},
		"none for a list":         {all, `{}`, "", "by[0]"},
		"two in an object's list": {deep, `{"picks": [{"id": 5, "name": "Ann"}]}`, "", "by.picks[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := do(t, server, call{body: bodyOf(t, tc.query, map[string]any{"by": json.RawMessage(tc.by)})})
			if tc.want != "" {
				if want := `{"data":` + tc.want + `}`; got.Body.String() != want {
					t.Errorf("got %s, want %s", got.Body, want)
				}
				return
			}
			if failed := failureOf(t, got); failed.Extensions.Field != tc.field ||
				failed.Extensions.Code != "INVALID_REQUEST_OR_MISSING_PARAMETERS" {
				t.Errorf("got %s", got.Body)
			}
		})
	}
}

func TestOneOfInLiterals(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for _, query := range []string{
		`{pick(by: {})}`, `{pick(by: {id: 5, name: "Ann"})}`, `{pick(by: {id: null})}`,
		`query($id: ID) {pick(by: {id: $id})}`, `query($by: PickInput = {id: 1, name: "Ann"}) {pickAll(by: [$by])}`,
	} {
		if failed := failureOf(t, do(t, server, call{body: bodyOf(t, query, nil)})); failed.Extensions.Status != http.StatusBadRequest {
			t.Errorf("%s: %+v", query, failed)
		}
	}
}

func hashOf(query string) string {
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:])
}

func persisted(query, hash string) string {
	return fmt.Sprintf(`{"query": %q, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": %q}}}`, query, hash)
}

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	const query, answer = "{hello}", `{"data":{"hello":"Hello"}}`
	for _, accept := range []string{plainJSON, graphqlJSON, apolloMobile} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
			byHash := call{accept: accept, query: url.Values{
				"extensions": {fmt.Sprintf(`{"persistedQuery": {"version": 1, "sha256Hash": %q}}`, hashOf(query))},
			}.Encode()}
			got := do(t, server, byHash)
			failed := failureOf(t, got)
			if got.Code != http.StatusOK || failed.Message != "PersistedQueryNotFound" || failed.Extensions.Code != "PERSISTED_QUERY_NOT_FOUND" {
				t.Errorf("a miss: %d %s", got.Code, got.Body)
			}
			for name, c := range map[string]call{
				"GET": byHash, "POST": {accept: accept, body: persisted("", hashOf(query))},
			} {
				if got := do(t, server, call{accept: accept, body: persisted(query, hashOf(query))}); got.Body.String() != answer {
					t.Errorf("with its text: %s", got.Body)
				}
				if got := do(t, server, c); got.Code != http.StatusOK || got.Body.String() != answer {
					t.Errorf("by %s: %d %s", name, got.Code, got.Body)
				}
			}
		})
	}
}

// TestPersistedTextsAreBounded has long texts kept, of which there are far fewer than may be
// kept: the first is gone, the last is there, and one that is longer yet is never kept.
func TestPersistedTextsAreBounded(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	text := func(i, size int) string { return fmt.Sprintf("{hello} #%d %s", i, strings.Repeat("-", size)) }
	const many, long, tooLong = 200, 15 << 10, 16 << 10
	for i := range many {
		if got := do(t, server, call{body: persisted(text(i, long), hashOf(text(i, long)))}); !strings.Contains(got.Body.String(), `"data"`) {
			t.Fatalf("text %d: %s", i, got.Body)
		}
	}
	do(t, server, call{body: persisted(text(many, tooLong), hashOf(text(many, tooLong)))})
	for text, want := range map[string]string{
		text(0, long): "PERSISTED_QUERY_NOT_FOUND", text(many-1, long): `"data"`, text(many, tooLong): "PERSISTED_QUERY_NOT_FOUND",
	} {
		if got := do(t, server, call{body: persisted("", hashOf(text))}); !strings.Contains(got.Body.String(), want) {
			t.Errorf("%.12s: %s", text, got.Body)
		}
	}
}

func TestPersistedQueriesRefuse(t *testing.T) {
	t.Parallel()
	server := gqlhttp.New(sampleschema.NewSchema(), quietly(gqlhttp.Config{}))
	for name, body := range map[string]string{
		"the hash of another query": persisted("{hello}", hashOf("{nobody}")),
		"half a hash":               persisted("{hello}", hashOf("{hello}")[:32]),
		"another version":           `{"query": "{hello}", "extensions": {"persistedQuery": {"version": 2, "sha256Hash": "` + hashOf("{hello}") + `"}}}`,
		"no object":                 `{"query": "{hello}", "extensions": {"persistedQuery": "` + hashOf("{hello}") + `"}}`,
	} {
		for range 2 { // a body that was decoded before is not taken for one without a hash
			got := do(t, server, call{body: body, accept: graphqlJSON})
			if failed := failureOf(t, got); got.Code != http.StatusBadRequest || failed.Extensions.Code != "INVALID_REQUEST_OR_MISSING_PARAMETERS" {
				t.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
		}
	}
}
