package gqlstream_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
	"luxbff/test/sampleschema"
)

// TestErrorWithinAnEvent: its path begins with the root field as the response calls it,
// null rises as the schema says, and the subscription goes on.
func TestErrorWithinAnEvent(t *testing.T) {
	t.Parallel()
	const failed = `"extensions":{"code":"SERIAL_CODE_IS_NOT_VALID","field":"input.serialCode","status":400}`
	cfg := gqlstream.Config{Init: admit}
	b := &bench{t: t}
	b.server = httptest.NewServer(gqlhttp.New(sampleschema.NewSchema(), gqlhttp.Config{
		Streams: []gqlhttp.Stream{gqlstream.NewSSE(cfg)}, Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(b.server.Close)
	for query, want := range map[string][2]string{
		`subscription { changed: changes { checked } }`: {
			`{"data":{"changed":{"checked":"good"}}}`,
			`{"errors":[{"message":"Serial code is not valid","path":["changed","checked"],"locations":[{"line":1,"column":35}],` + failed + `}],"data":null}`,
		},
		`subscription { changes { id up: parent { checked } } }`: {
			`{"data":{"changes":{"id":"1","up":{"checked":"good"}}}}`,
			`{"errors":[{"message":"Serial code is not valid","path":["changes","up","checked"],"locations":[{"line":1,"column":42}],` + failed + `}],"data":{"changes":{"id":"2","up":null}}}`,
		},
		`subscription { changed: changesOrNull { items(first: 2) { checked } } }`: {
			`{"errors":[{"message":"Serial code is not valid","path":["changed","items",1,"checked"],"locations":[{"line":1,"column":59}],` + failed + `}],"data":{"changed":null}}`,
			`{"errors":[{"message":"Serial code is not valid","path":["changed","items",1,"checked"],"locations":[{"line":1,"column":59}],` + failed + `}],"data":{"changed":null}}`,
		},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			one := &bench{t: t, server: b.server}
			_, text := one.ask(http.MethodPost, query, map[string]string{"Accept": eventStream})
			stream := ":\n\nevent: next\ndata: " + want[0] + "\n\nevent: next\ndata: " + want[1] + "\n\nevent: complete\ndata: \n\n"
			if diff := cmp.Diff(stream, text); diff != "" {
				t.Errorf("stream (-want +got):\n%s", diff)
			}
		})
	}
}
