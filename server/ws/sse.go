package ws

import (
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// SSE is the distinct-connections mode of GraphQL over Server-Sent Events: a
// POST that accepts text/event-stream. It shares the configuration and the
// registry; Init gets no payload. Add it before the transport that takes every
// POST.
//
// Each response is a next event, with the mark of its value as its id, and a
// complete event ends the stream. A server
// that stops sends a retry field in its place, so that the client returns.
func (t *Transport) SSE() graphql.Transport {
	return httpTransport{cfg: t.cfg, wire: eventStream(), accept: func(header http.Header) bool {
		return accepts(header, "text/event-stream", nil)
	}}
}

func eventStream() wire {
	next := func(mark string, payload []byte) []byte {
		out := make([]byte, 0, len(mark)+len(payload)+32)
		if mark != "" {
			out = append(out, "id: "...)
			out = append(out, mark...)
			out = append(out, '\n')
		}
		out = append(out, "event: next\ndata: "...)
		out = append(out, payload...)
		return append(out, "\n\n"...)
	}
	return wire{
		name:        "sse",
		contentType: "text/event-stream; charset=utf-8",
		open:        ":\n\n",
		beat:        ":\n\n",
		next:        next,
		failed:      func(payload []byte) []byte { return next("", payload) },
		retry: func(after time.Duration) []byte {
			return []byte("retry: " + strconv.FormatInt(after.Milliseconds(), 10) + "\n\n")
		},
		complete: "event: complete\ndata: \n\n",
	}
}
