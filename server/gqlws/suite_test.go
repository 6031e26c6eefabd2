package gqlws_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

// An event is what a client of any transport sees, in one form for all four.
type event struct {
	Kind   string // next, failed, complete, restarting
	Data   string
	Errors []string
	// Recovered is what the extensions say.
	Recovered bool
}

// A transport is one, seen from the client. It runs one operation for the login and
// gives a function that waits for the next event; leave breaks off.
type transport struct {
	name string
	open func(b *bench, as login, query string) (next func() event, leave func())
}

type login struct{ as, user, session string }

func transports() []transport {
	return []transport{
		{modern, overSocket(modern, "subscribe")},
		{legacy, overSocket(legacy, "start")},
		{"sse", overHTTP("text/event-stream", readEventStream)},
		{"multipart", overHTTP(`multipart/mixed;boundary=graphql;subscriptionSpec="1.0"`, readMultipart)},
	}
}

// overAll runs one test on all four.
func overAll(t *testing.T, change func(*gqlws.Config), run func(*bench, transport)) {
	t.Helper()
	for _, w := range transports() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			run(setup(t, change), w)
		})
	}
}

func (b *bench) expect(next func() event, want ...event) {
	b.t.Helper()
	for i, w := range want {
		if diff := cmp.Diff(w, next()); diff != "" {
			b.t.Fatalf("event %d (-want +got):\n%s", i, diff)
		}
	}
}

func data(text string) event       { return event{Kind: "next", Data: text} }
func failed(message string) event  { return event{Kind: "failed", Errors: []string{message}} }
func complete() event              { return event{Kind: "complete"} }
func restarting(hint string) event { return event{Kind: "restarting", Data: hint} }
func feedOf(w transport, b *bench, as login) (func() event, func()) {
	return w.open(b, as, `subscription { feed(ends: true) }`)
}

func TestSuiteOperations(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]event{
		`{ echo(text: "a\nb") }`:        {data(`{"echo":"a\nb"}`), complete()},
		`mutation { add(n: 1) }`:        {data(`{"add":2}`), complete()},
		`{ who }`:                       {data(`{"who":"me"}`), complete()},
		`{ refuse }`:                    {{Kind: "next", Data: `{"refuse":null}`, Errors: []string{"Not Found Device"}}, complete()},
		`subscription { count(to: 3) }`: {data(`{"count":1}`), data(`{"count":2}`), data(`{"count":3}`), complete()},
		`subscription { refused }`:      {{Kind: "next", Data: `null`, Errors: []string{"Cursor not valid"}}, complete()},
		`{ nothing }`:                   {failed(`Cannot query field "nothing" on type "Query".`)},
		`{ panic }`:                     {failed("Internal server error. Please try again later.")},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			overAll(t, nil, func(b *bench, w transport) {
				next, _ := w.open(b, login{user: "me"}, query)
				b.expect(next, want...)
			})
		})
	}
}

func TestSuiteFeed(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		next, _ := feedOf(w, b, login{})
		b.await(feeds(1))
		for _, text := range []string{"one", "two", "three"} {
			b.schema.Board.Publish(text)
			b.expect(next, data(`{"feed":"`+text+`"}`))
		}
		b.schema.Board.Publish("last")
		b.schema.Board.Finish(nil)
		b.expect(next, data(`{"feed":"last"}`), complete())
	})
}

func TestSuiteFeedEndsWithAnError(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		next, _ := feedOf(w, b, login{})
		b.await(feeds(1))
		b.schema.Board.Publish("last")
		b.schema.Board.Finish(apperr.CursorExpired.New())
		b.expect(next, data(`{"feed":"last"}`), failed("Cursor expired"))
	})
}

func TestSuiteRecovered(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		next, _ := w.open(b, login{}, `subscription { feed(resumed: true) }`)
		b.await(feeds(1))
		b.schema.Board.Publish("first")
		b.schema.Board.Publish("second")
		b.expect(next, event{Kind: "next", Data: `{"feed":"first"}`, Recovered: true}, data(`{"feed":"second"}`))
	})
}

func TestSuiteSessionEnds(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		mine, _ := feedOf(w, b, login{user: "a", session: "1"})
		other, _ := feedOf(w, b, login{user: "a", session: "2"})
		b.await(feeds(2))
		b.registry.CloseSession("a", "1", apperr.Unauthenticated.New())
		b.expect(mine, failed("Could not validate credentials"))
		b.await(feeds(1))
		b.schema.Board.Publish("on")
		b.expect(other, data(`{"feed":"on"}`))
		b.registry.CloseAccount("a", apperr.UserIsDeleted.New())
		b.expect(other, failed("User is Deleted"))
		b.awaitLen(0)
	})
}

func TestSuiteTokenExpires(t *testing.T) {
	t.Parallel()
	expiring := func(cfg *gqlws.Config) {
		cfg.Init = func(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
			return gqlstream.Session{ExpiresAt: time.Now().Add(50 * time.Millisecond)}, nil
		}
	}
	overAll(t, expiring, func(b *bench, w transport) {
		next, _ := feedOf(w, b, login{})
		b.expect(next, failed("Token is expired"))
		b.await(feeds(0))
	})
}

func TestSuiteRefused(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		next, _ := feedOf(w, b, login{as: "nobody"})
		b.expect(next, failed("Could not validate credentials"))
		next, _ = feedOf(w, b, login{as: "broken"})
		b.expect(next, failed("Internal server error. Please try again later."))
	})
}

func TestSuiteHookRefuses(t *testing.T) {
	t.Parallel()
	for _, w := range transports() {
		var ended atomic.Bool
		b := setup(t, func(cfg *gqlws.Config) {
			cfg.Operation = func(ctx context.Context, _ *ast.OperationDefinition) (context.Context, error) {
				if ended.Swap(true) || w.name == "sse" || w.name == "multipart" {
					return nil, apperr.UserIsDeleted.New()
				}
				return ctx, nil // the look after Init
			}
		})
		next, _ := feedOf(w, b, login{})
		b.expect(next, failed("User is Deleted"))
	}
}

func TestSuiteClientLeaves(t *testing.T) {
	t.Parallel()
	overAll(t, nil, func(b *bench, w transport) {
		_, leave := feedOf(w, b, login{})
		b.await(feeds(1))
		leave()
		b.await(feeds(0))
		b.awaitLen(0)
	})
}

func TestSuiteShutdown(t *testing.T) {
	t.Parallel()
	spread := func(cfg *gqlws.Config) {
		cfg.Registry = newRegistry(gqlstream.RegistryConfig{RetrySpread: 4 * time.Second})
	}
	overAll(t, spread, func(b *bench, w transport) {
		next, _ := feedOf(w, b, login{})
		b.await(feeds(1))
		done := make(chan error, 1)
		go func() { done <- b.registry.Shutdown(context.Background()) }()
		b.expect(next, restarting("4000"))
		if err := <-done; err != nil {
			b.t.Fatal(err)
		}
	})
}

func TestSuiteHeartbeats(t *testing.T) {
	t.Parallel()
	quick := func(cfg *gqlws.Config) { cfg.PingInterval = 100 * time.Millisecond }
	overAll(t, quick, func(b *bench, w transport) {
		if w.name == modern || w.name == legacy {
			return // TestLivePeerIsPinged
		}
		next, _ := feedOf(w, b, login{user: "beats"})
		b.expect(next, event{Kind: "beat"}, event{Kind: "beat"}, event{Kind: "beat"})
	})
}

func TestConnectionsCountForTheAccount(t *testing.T) {
	t.Parallel()
	limited := func(cfg *gqlws.Config) { cfg.Registry = newRegistry(gqlstream.RegistryConfig{AccountLimit: 1}) }
	overAll(t, limited, func(b *bench, w transport) {
		feedOf(w, b, login{user: "a"})
		b.await(feeds(1))
		next, _ := feedOf(w, b, login{user: "a"})
		want := "Too many requests"
		if w.name == modern || w.name == legacy {
			want = "Too many sockets"
		}
		b.expect(next, failed(want))
	})
}

func TestStreamsOutliveTheServersTimeouts(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) { cfg.PingInterval = 300 * time.Millisecond })
	server := httptest.NewUnstartedServer(b.server.Config.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	server.Start()
	t.Cleanup(server.Close)
	for _, w := range transports() {
		one := *b
		one.server = server
		if w.name == modern || w.name == legacy {
			continue // a hijacked connection has left them behind
		}
		next, leave := feedOf(w, &one, login{user: "beats"})
		b.expect(next, event{Kind: "beat"}, event{Kind: "beat"}, event{Kind: "beat"}, event{Kind: "beat"})
		leave()
	}
}

// overSocket is a client of one of the two socket protocols.
func overSocket(subprotocol, start string) func(*bench, login, string) (func() event, func()) {
	return func(b *bench, as login, query string) (func() event, func()) {
		c := b.dial(subprotocol)
		c.send(`{"type":"connection_init","payload":` + string(mustJSON(map[string]string{"as": as.as, "user": as.user, "session": as.session})) + `}`)
		next := func() event {
			for {
				frame, err := c.read()
				if err != nil {
					return closing(err)
				}
				var m struct {
					Type    string
					Payload json.RawMessage
				}
				_ = json.Unmarshal([]byte(frame), &m)
				switch m.Type {
				case "connection_ack":
					c.send(`{"id":"1","type":"` + start + `","payload":` + string(mustJSON(map[string]string{"query": query})) + `}`)
				case "next", "data":
					return result(m.Payload)
				case "error":
					if subprotocol == legacy {
						m.Payload = json.RawMessage(`[` + string(m.Payload) + `]`)
					}
					return event{Kind: "failed", Errors: messages(m.Payload)}
				case "complete":
					return event{Kind: "complete"}
				}
			}
		}
		return prefetch(b, next), func() { _ = c.conn.Close() }
	}
}

// prefetch reads ahead, so that the operation is on its way before the test waits
// for its first event.
func prefetch(b *bench, next func() event) func() event {
	events := make(chan event, 100)
	go func() {
		for {
			e := next()
			events <- e
			if e.Kind == "failed" || e.Kind == "restarting" || e.Kind == "gone" || e.Kind == "complete" {
				return
			}
		}
	}()
	return func() event {
		select {
		case e := <-events:
			return e
		case <-time.After(patience):
			b.t.Fatal("no event came")
			return event{}
		}
	}
}

func closing(err error) event {
	var closed *websocket.CloseError
	switch {
	case !errors.As(err, &closed):
		return event{Kind: "gone"}
	case closed.Code == gqlstream.CodeGoingAway:
		return restarting(strings.TrimSuffix(strings.TrimPrefix(closed.Text, "Restarting, retry in "), " ms"))
	}
	return failed(closed.Text)
}

// result reads an execution result.
func result(payload json.RawMessage) event {
	var r struct {
		Data       json.RawMessage
		Errors     json.RawMessage
		Extensions struct{ Recovered bool }
	}
	_ = json.Unmarshal(payload, &r)
	if r.Data == nil {
		return event{Kind: "failed", Errors: messages(r.Errors)}
	}
	return event{Kind: "next", Data: string(r.Data), Errors: messages(r.Errors), Recovered: r.Extensions.Recovered}
}

func messages(errs json.RawMessage) []string {
	var list []struct{ Message string }
	_ = json.Unmarshal(errs, &list)
	var texts []string
	for _, e := range list {
		texts = append(texts, e.Message)
	}
	return texts
}

// overHTTP is a client of one of the two HTTP protocols. Its heartbeats are events
// only for the user "beats".
func overHTTP(accept string, read func(*http.Response) func() event) func(*bench, login, string) (func() event, func()) {
	return func(b *bench, as login, query string) (func() event, func()) {
		ctx, cancel := context.WithCancel(context.Background())
		b.t.Cleanup(cancel)
		body := bytes.NewReader(mustJSON(map[string]string{"query": query}))
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.URL, body)
		if err != nil {
			b.t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Accept": accept, "Content-Type": "application/json",
			"X-As": as.as, "X-User": as.user, "X-Session": as.session,
		} {
			r.Header.Set(name, value)
		}
		answer, err := b.server.Client().Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { _ = answer.Body.Close() })
		next := read(answer)
		return prefetch(b, func() event {
			for {
				if e := next(); e.Kind != "beat" || as.user == "beats" {
					return e
				}
			}
		}), cancel
	}
}

// readEventStream reads as the EventSource interpretation does, and checks that a
// stream that fails is completed.
func readEventStream(answer *http.Response) func() event {
	lines := bufio.NewScanner(answer.Body)
	block := func() (fields map[string]string, ok bool) {
		fields = map[string]string{}
		for lines.Scan() {
			if lines.Text() == "" {
				return fields, true
			}
			name, value, _ := strings.Cut(lines.Text(), ":")
			fields[name] = strings.TrimPrefix(value, " ")
		}
		return nil, false
	}
	return func() event {
		fields, ok := block()
		switch {
		case !ok:
			return event{Kind: "gone"}
		case fields["event"] == "next":
			e := result(json.RawMessage(fields["data"]))
			if e.Kind == "failed" {
				if after, _ := block(); after["event"] != "complete" {
					return event{Kind: "failed, but not completed"}
				}
			}
			return e
		case fields["event"] == "complete":
			return event{Kind: "complete"}
		case fields["retry"] != "":
			return restarting(fields["retry"])
		}
		return event{Kind: "beat"}
	}
}

// readMultipart takes a part as whole when it sees the boundary behind it, as
// Apollo's clients do. The first thing it reads is the boundary itself.
func readMultipart(answer *http.Response) func() event {
	if got := answer.Header.Get("Content-Type"); got != `multipart/mixed;boundary="graphql";subscriptionSpec=1.0` {
		return func() event { return event{Kind: "content type " + got} }
	}
	parts := bufio.NewScanner(answer.Body)
	parts.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if before, _, ok := bytes.Cut(data, []byte("\r\n--graphql")); ok {
			return len(before) + len("\r\n--graphql"), before, nil
		}
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	return func() event {
		if !parts.Scan() {
			return event{Kind: "gone"}
		}
		if parts.Text() == "--\r\n" {
			return event{Kind: "complete"}
		}
		_, content, _ := strings.Cut(parts.Text(), "\r\n\r\n")
		return readPart(content)
	}
}

func readPart(content string) event {
	var m struct {
		Payload json.RawMessage
		Errors  []struct {
			Message    string
			Extensions struct{ RetryAfterMs json.Number }
		}
	}
	_ = json.Unmarshal([]byte(content), &m)
	switch {
	case content == "{}":
		return event{Kind: "beat"}
	case len(m.Errors) > 0 && m.Errors[0].Extensions.RetryAfterMs != "":
		return restarting(m.Errors[0].Extensions.RetryAfterMs.String())
	case len(m.Errors) > 0:
		return failed(m.Errors[0].Message)
	}
	return result(m.Payload)
}
