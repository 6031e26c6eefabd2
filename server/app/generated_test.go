package app_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/requesttest"
)

// TestGeneratedRequestsLeaveNoTraceOfWhatTheySend sends random requests and frames with a
// marker in every place: path, query, headers, names and values of bodies, documents,
// variables, names of operations. It stands in no line of the log, which is written at
// debug level, nor in any span.
func TestGeneratedRequestsLeaveNoTraceOfWhatTheySend(t *testing.T) {
	t.Parallel()
	s, collector := startTraced(t)
	generator := requesttest.New(t, s, 1)
	generator.Tokens = []string{s.NewFamily(t).Token, s.NewFamily(t).Token}
	requests := func(n int) {
		for range n {
			s.App.Handler().ServeHTTP(httptest.NewRecorder(), generator.Request())
		}
		sendFrames(t, s, generator, "graphql-transport-ws", 40)
		sendFrames(t, s, generator, "graphql-ws", 40)
	}
	requests(1000)
	if err := s.App.Store.Close(); err != nil {
		t.Fatal(err)
	}
	requests(200) // what asks the database fails, and is an error in the log
	s.App.FlushTraces(t.Context())
	if len(collector.Spans()) < 1000 {
		t.Errorf("only %d spans came", len(collector.Spans()))
	}
	if leak := requesttest.Leak(s.Log.String()); leak != "" {
		t.Errorf("the log holds what was sent: %s", leak)
	}
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, `"msg":"panic"`) || strings.Contains(line, "graphql: panic") {
			t.Error(line)
		}
	}
	for _, span := range collector.Spans() {
		if strings.Contains(span.String(), requesttest.Marker) {
			t.Errorf("a span holds what was sent: %s", span)
		}
	}
}

// TestAStrangersRequestIsOneLineOfTheLog sends random requests without a token. At the level
// of production each writes the line of the request and nothing else, whatever is wrong with
// it, and no line grows with what was sent.
func TestAStrangersRequestIsOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.NewFamily(t)
	generator := requesttest.New(t, s, 2)
	// It has asked for the schema by a connection, whose line comes behind the answer.
	testutil.WaitFor(t, "the line of the schema's request", func() bool {
		return strings.Contains(s.Log.String(), `"operation":"__schema"`)
	})
	for range 500 {
		r := generator.Request()
		before := len(productionLines(s))
		s.App.Handler().ServeHTTP(httptest.NewRecorder(), r)
		lines := productionLines(s)[before:]
		if len(lines) > 1 || len(lines) == 1 && len(lines[0]) > 500 {
			t.Errorf("%s %s: %q", r.Method, r.URL.Path, lines)
		}
	}
}

// productionLines are the lines that production writes too. A message is sent in the
// background, and has a line in development alone.
func productionLines(s *apptest.Server) []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(s.Log.String()), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"DEBUG"`) || strings.Contains(line, "sent in development")
	})
}

// sendFrames opens a socket, which has no token, and sends frames until it is closed.
func sendFrames(t *testing.T, s *apptest.Server, g *requesttest.Generator, protocol string, frames int) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init","payload":{"`+requesttest.Marker+`":"`+requesttest.Marker+`"}}`))
	for range frames {
		if conn.WriteMessage(websocket.TextMessage, g.Frame()) != nil {
			break
		}
	}
	_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, requesttest.Marker))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			break
		}
	}
	_ = conn.Close()
}
