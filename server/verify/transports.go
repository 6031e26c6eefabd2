package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// feed is the live feed of an account. Without an installation it leaves nothing on the server.
const feed = "subscription { devlogStatus { cursor } }"

// transports ask of each way to run an operation, and to subscribe, whether it is there. Without
// a token what is refused is asked for, and how.
func transports() []check {
	all := []check{
		{name: "a query over POST", ask: func(ctx context.Context, s *server) error {
			return s.wantTypename(ctx, postBody(plainJSON, encode(map[string]any{"query": typename})))
		}},
		{name: "the account over POST", needsToken: true, ask: func(ctx context.Context, s *server) error {
			r := postBody(plainJSON, encode(map[string]any{"query": "{ me { __typename } }"}))
			r.asAccount = true
			got, err := s.send(ctx, r)
			if err == nil {
				err = noErrors(got)
			}
			return quoting(err, got)
		}},
		{name: "an account needs a token", ask: func(ctx context.Context, s *server) error {
			got, err := s.send(ctx, postBody(plainJSON, encode(map[string]any{"query": "{ me { __typename } }"})))
			if err == nil {
				err = wantCode(got.body, "UNAUTHENTICATED")
			}
			return quoting(err, got)
		}},
	}
	for _, protocol := range []string{newProtocol, oldProtocol} {
		all = append(all,
			check{name: "a query and a subscription over " + protocol, needsToken: true, ask: func(ctx context.Context, s *server) error {
				return askSocket(func() (*socket, error) { return s.connect(ctx, protocol) }, func(opened *socket) error { return askOperations(opened, protocol) })
			}})
	}
	for name, accept := range map[string]string{"an event stream": "text/event-stream", "a multipart stream": `multipart/mixed;subscriptionSpec="1.0"`} {
		all = append(all,
			check{name: "a subscription needs a token over " + name, ask: func(ctx context.Context, s *server) error {
				got, err := s.send(ctx, postBody(accept, encode(map[string]any{"query": feed})))
				if err == nil && !strings.Contains(string(got.body), `"UNAUTHENTICATED"`) {
					err = errors.New("there is no UNAUTHENTICATED")
				}
				return quoting(err, got)
			}},
			check{name: "a subscription over " + name, needsToken: true, ask: func(ctx context.Context, s *server) error {
				return s.askStream(ctx, accept)
			}})
	}
	return all
}

// askOperations runs a query while a subscription is open. Its answer says that the subscription
// is in place.
func askOperations(opened *socket, protocol string) error {
	start, next, stop := "subscribe", "next", "complete"
	if protocol == oldProtocol {
		start, next, stop = "start", "data", "stop"
	}
	if err := opened.send(
		frame{ID: "feed", Type: start, Payload: document(feed)},
		frame{ID: "query", Type: start, Payload: document(typename)},
	); err != nil {
		return err
	}
	got, err := opened.want(next)
	if err != nil {
		return err
	}
	if got.ID != "query" || !strings.Contains(string(got.Payload), `"__typename"`) {
		return fmt.Errorf("the answer of the query is %s", encode(got))
	}
	if got, err = opened.want("complete"); err != nil || got.ID != "query" {
		return fmt.Errorf("the query is not complete, but %s: %w", encode(got), err)
	}
	return opened.send(frame{ID: "feed", Type: stop})
}

// askStream opens a stream, whose header says that the subscription is in place.
func (s *server) askStream(ctx context.Context, accept string) error {
	r := postBody(accept, encode(map[string]any{"query": feed}))
	r.asAccount = true
	response, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	wanted, _, _ := strings.Cut(accept, ";")
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), wanted) {
		return fmt.Errorf("the answer is %d of %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	if !strings.Contains(response.Header.Get("Cache-Control"), "no-transform") {
		return fmt.Errorf("what stands in between may hold events back: Cache-Control is %q", response.Header.Get("Cache-Control"))
	}
	return nil
}

func (s *server) wantTypename(ctx context.Context, r request) error {
	got, err := s.send(ctx, r)
	if err == nil && !strings.Contains(string(got.body), `{"__typename":"Query"}`) {
		err = errors.New("the root type is not Query")
	}
	return quoting(err, got)
}

// wantCode wants a GraphQL response whose first error has that code.
func wantCode(body []byte, code string) error {
	var response struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return errors.New("the body is no JSON object")
	}
	if len(response.Errors) == 0 || response.Errors[0].Extensions.Code != code {
		return fmt.Errorf("the error is not %s", code)
	}
	return nil
}

// quoting adds what came to an error.
func quoting(err error, got answer) error {
	if err == nil || got.status == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, got)
}
