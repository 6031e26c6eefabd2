package app_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
	"luxbff/server/connection"
)

// overHTTP2 lets the client of a server speak HTTP/2 without TLS, as proxies do.
func overHTTP2(t *testing.T, s *apptest.Server) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	s.Client().Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
}

func behindProxy(c *app.Config) { c.TrustedProxies = "127.0.0.0/8" }

// TestHTTP2IsForProxies holds that a server without a proxy speaks HTTP/1.1 alone, and one with
// a proxy both, to sockets as well.
func TestHTTP2IsForProxies(t *testing.T) {
	t.Parallel()
	alone := apptest.Start(t)
	overHTTP2(t, alone)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, alone.URL+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := alone.Client().Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("without a proxy HTTP/2 is answered %d", response.StatusCode)
	}

	s := apptest.Start(t, behindProxy)
	token, _ := s.Parent(t)
	overHTTP1 := s.Call(t, http.MethodGet, "/openapi.json", "", "")
	overHTTP2(t, s)
	asked := forwarded(t, s, "203.0.113.7", route{method: http.MethodGet, path: "/openapi.json"}, "")
	response, err := s.Client().Do(asked)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.ProtoMajor != 2 || string(body) != string(overHTTP1.Body) {
		t.Errorf("%s %d: %d bytes, %v; over HTTP/1.1 %d", response.Proto, response.StatusCode, len(body), err, len(overHTTP1.Body))
	}
	if got := s.GraphQL(t, token, `{ me { firstName } }`, nil); string(got.Data) != `{"me":{"firstName":"james"}}` {
		t.Errorf("a query over HTTP/2: %s %v", got.Data, got.Errors)
	}
	dial(t, s, token).want("connection_ack")
}

// subscribeOver opens a stream by the client of the server, for a client of that address.
func subscribeOver(t *testing.T, s *apptest.Server, token, address, accept string) *http.Response {
	t.Helper()
	r := forwarded(t, s, address, route{method: http.MethodPost, path: "/graphql"}, `{"query":"subscription { devlogStatus { cursor } }"}`)
	r.Header.Set("Accept", accept)
	r.Header.Set("Authorization", "Bearer "+token)
	stream, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Body.Close() })
	return stream
}

// TestSubscriptionsOverHTTP2 holds that streams side by side on one connection get each event
// as it happens, that one of them can end alone, and that they end in order where the server
// stops.
func TestSubscriptionsOverHTTP2(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, behindProxy)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	overHTTP2(t, s)
	var streams []*http.Response
	for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0", "text/event-stream"} {
		stream := subscribeOver(t, s, token, "203.0.113.7", accept)
		if stream.ProtoMajor != 2 || stream.StatusCode != http.StatusOK {
			t.Fatalf("%s is answered %s %s", accept, stream.Proto, stream.Status)
		}
		streams = append(streams, stream)
	}
	if open := s.Listener.(*connection.Listener).Open(); open > 2 { // one is that of s.Parent's requests
		t.Errorf("three streams have %d connections", open)
	}
	readers := make([]*bufio.Reader, len(streams))
	for i, stream := range streams {
		readers[i] = bufio.NewReader(stream.Body)
	}
	upload(t, s, token, 1, 1)
	for _, reader := range readers {
		readUntil(t, reader, `"cursor":"`)
	}
	_ = streams[0].Body.Close()
	s.WaitForSubscribers(t, 2)
	upload(t, s, token, 2, 2)
	for _, reader := range readers[1:] {
		readUntil(t, reader, `"cursor":"`)
	}

	s.App.BeginShutdown()
	if status := s.Call(t, http.MethodGet, "/healthz", "", "").Status; status != http.StatusOK {
		t.Errorf("a request while the server stops is answered %d", status)
	}
	drained := make(chan error, 1)
	go func() { drained <- s.App.Drain(context.WithoutCancel(t.Context())) }()
	readUntil(t, readers[2], "retry:")
	for _, reader := range readers[1:] {
		if _, err := io.Copy(io.Discard, reader); err != nil {
			t.Errorf("a stream ends with %v", err)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Errorf("the server ends with %v", err)
	}
}

// readUntil reads lines to the first that holds the text.
func readUntil(t *testing.T, from *bufio.Reader, text string) {
	t.Helper()
	var read strings.Builder
	for !strings.Contains(read.String(), text) {
		line, err := from.ReadString('\n')
		read.WriteString(line)
		if err != nil {
			t.Fatalf("%v after %q", err, read.String())
		}
	}
}

// TestOneAddressOverHTTP2 holds that one client has as many requests and streams as it may,
// on however few connections of a proxy, and that others on the same are served.
func TestOneAddressOverHTTP2(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, behindProxy, func(c *app.Config) { c.PerClient = 3 })
	token, _ := s.Parent(t)
	overHTTP2(t, s)
	const client, stranger = "203.0.113.7", "203.0.113.8"
	var held []*http.Response
	for range 3 {
		held = append(held, subscribeOver(t, s, token, client, "text/event-stream"))
	}
	health := func(from string) int {
		return s.Do(t, forwarded(t, s, from, route{method: http.MethodGet, path: "/healthz"}, "")).Status
	}
	if status := health(client); status != http.StatusTooManyRequests {
		t.Errorf("a client with three streams is answered %d", status)
	}
	if status := health(stranger); status != http.StatusOK {
		t.Errorf("another client of the proxy is answered %d", status)
	}
	_ = held[0].Body.Close()
	testutil.WaitFor(t, "the client is served again", func() bool { return health(client) == http.StatusOK })
}

// TestStreamsOfAConnection holds that one connection carries a bounded number of requests: a
// proxy has to open another for what is more, and connections are counted.
func TestStreamsOfAConnection(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, behindProxy)
	overHTTP2(t, s)
	s.Call(t, http.MethodGet, "/healthz", "", "") // after which the client knows what a connection carries
	const most = 250
	open := s.Listener.(*connection.Listener).Open
	answered := make(chan struct{}, most+1)
	var bodies []*io.PipeWriter
	ask := func() {
		body, writer := io.Pipe()
		bodies = append(bodies, writer)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		go func() {
			if response, err := s.Client().Do(r); err == nil {
				_ = response.Body.Close()
			}
			answered <- struct{}{}
		}()
		if _, err := io.WriteString(writer, "{"); err != nil { // the request has a stream
			t.Fatal(err)
		}
	}
	for range most {
		ask()
	}
	if open() != 1 {
		t.Errorf("%d requests have %d connections", most, open())
	}
	ask()
	testutil.WaitFor(t, "one more has another connection", func() bool { return open() == 2 })
	for _, body := range bodies {
		_ = body.Close()
	}
	for range bodies {
		<-answered
	}
}
