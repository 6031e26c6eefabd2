package gqlstream

import (
	"strconv"
	"time"

	"luxbff/server/gqlhttp"
)

// NewSSE makes the stream of GraphQL over Server-Sent Events, in the
// distinct-connections mode of the GraphQL over SSE protocol: a POST, or the GET of an
// EventSource, that accepts text/event-stream.
//
// Each response is a next event, with the cursor of its value as its id, and a
// complete event ends the stream. A server that stops sends a retry field in its
// place, so that the client returns.
func NewSSE(cfg Config) gqlhttp.Stream {
	return gqlhttp.Stream{
		MediaType: "text/event-stream",
		Serve:     protocol{cfg: cfg.WithDefaults(), format: sseFormat()}.serve,
	}
}

func sseFormat() streamFormat {
	next := func(cursor string, payload []byte) []byte {
		out := make([]byte, 0, len(cursor)+len(payload)+32)
		if cursor != "" {
			out = append(out, "id: "...)
			out = append(out, cursor...)
			out = append(out, '\n')
		}
		out = append(out, "event: next\ndata: "...)
		out = append(out, payload...)
		return append(out, "\n\n"...)
	}
	return streamFormat{
		name:        "sse",
		contentType: "text/event-stream; charset=utf-8",
		opening:     ":\n\n",
		heartbeat:   ":\n\n",
		next:        next,
		failure:     func(payload []byte) []byte { return next("", payload) },
		retry: func(after time.Duration) []byte {
			return []byte("retry: " + strconv.FormatInt(after.Milliseconds(), 10) + "\n\n")
		},
		completion: "event: complete\ndata: \n\n",
	}
}
