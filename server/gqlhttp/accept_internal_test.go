package gqlhttp

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzAccept: an Accept header means the same in capitals, and with a range behind it
// that matches nothing.
func FuzzAccept(f *testing.F) {
	for _, accept := range []string{
		"", "*/*", "application/json", "application/graphql-response+json, application/json;q=0.9",
		"text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0;q=0.6",
		`multipart/mixed;boundary="a,\"b;c";subscriptionSpec="1.0";q=0.001`, ` ,; =;"`, "application/*;q=nan,*/*;q=2",
	} {
		f.Add(accept)
	}
	streams := []Stream{
		{MediaType: "text/event-stream"},
		{MediaType: "multipart/mixed", Parameter: "subscriptionSpec", Value: "1.0"},
	}
	chosen := func(accept string) (mediaType, stream string) {
		header := http.Header{"Accept": {accept}}
		if chosen := negotiateStream(header, streams); chosen != nil {
			stream = chosen.MediaType
		}
		return negotiate(header), stream
	}
	f.Fuzz(func(t *testing.T, accept string) {
		mediaType, stream := chosen(accept)
		capital := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, accept)
		others := []string{capital}
		if strings.TrimSpace(accept) != "" && !strings.Contains(accept, `"`) {
			others = append(others, accept+", image/png")
		}
		for _, other := range others {
			if gotType, gotStream := chosen(other); gotType != mediaType || gotStream != stream {
				t.Errorf("%q: %q and %q; %q: %q and %q", accept, mediaType, stream, other, gotType, gotStream)
			}
		}
	})
}
