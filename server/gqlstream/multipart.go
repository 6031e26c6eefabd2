package gqlstream

import (
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/server/gqlhttp"
)

// NewMultipart makes the stream of Apollo's protocol for subscriptions over HTTP: a
// request that accepts multipart/mixed with subscriptionSpec=1.0.
//
// Each response is the payload of a part, an empty part is a heartbeat, and what
// ends a running stream is a part with a null payload and errors.
func NewMultipart(cfg Config) gqlhttp.Stream {
	return gqlhttp.Stream{
		MediaType: "multipart/mixed", Parameter: "subscriptionSpec", Value: "1.0",
		Serve: protocol{cfg: cfg.WithDefaults(), format: multipartFormat()}.serve,
	}
}

// Clients take a part as whole when they see the boundary behind it, so each part
// is written with the boundary of the next one.
const (
	partHead = "\r\nContent-Type: application/json\r\n\r\n"
	partEnd  = "\r\n--graphql"
	lastPart = "--\r\n"
)

func multipartFormat() streamFormat {
	part := func(before string, payload []byte, after string) []byte {
		return []byte(partHead + before + string(payload) + after + partEnd)
	}
	// A failure is a response of its own, with a null payload as its first member.
	failure := func(response []byte) []byte {
		return part(`{"payload":null,`, response[1:], ``)
	}
	return streamFormat{
		name:        "multipart",
		contentType: `multipart/mixed;boundary="graphql";subscriptionSpec=1.0`,
		opening:     "--graphql" + partHead + "{}" + partEnd,
		heartbeat:   partHead + "{}" + partEnd,
		next: func(_ string, payload []byte) []byte {
			return part(`{"payload":`, payload, `}`)
		},
		failure: failure,
		retry: func(after time.Duration) []byte {
			restarting := gqlhttp.EncodeErrors(gqlerror.List{{
				Message:    "Restarting",
				Extensions: map[string]any{"code": "GOING_AWAY", "retryAfterMs": after.Milliseconds()},
			}})
			return append(failure(restarting), lastPart...)
		},
		completion: lastPart,
	}
}
