package gqlws_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

func FuzzModernFrames(f *testing.F) {
	fuzzFrames(f, modern, modernScripts(), []int{4400, 4401, 4409, 4429})
}

func FuzzLegacyFrames(f *testing.F) {
	fuzzFrames(f, legacy, legacyScripts(), []int{1000, 4401, 4429})
}

// fuzzFrames sends two frames to a socket that has its ack. Whatever they are, the
// socket goes on answering, or is closed with one of the codes.
func fuzzFrames(f *testing.F, subprotocol string, scripts []script, codes []int) {
	f.Helper()
	for _, s := range scripts {
		var frames []string
		for line := range strings.SplitSeq(s.lines, "\n") {
			if frame, ok := strings.CutPrefix(line, "> "); ok {
				frames = append(frames, frame)
			}
		}
		frames = append(frames, "", "")
		f.Add(frames[0], frames[1])
	}
	cfg := config(newRegistry(gqlstream.RegistryConfig{}))
	cfg.MessageLimit = 1 << 16
	srv := handler.New(schematest.New())
	srv.AddTransport(gqlws.New(cfg))
	server := httptest.NewServer(srv)
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, first, second string) {
		dialer := websocket.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: patience}
		conn, answer, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		for _, frame := range []string{`{"type":"connection_init"}`, first, second, `{"id":"end","type":"` + last(subprotocol) + `","payload":{"query":"{"}}`} {
			if conn.WriteMessage(websocket.TextMessage, []byte(frame)) != nil {
				break // closed already; the read tells why
			}
		}
		for {
			_, data, err := conn.ReadMessage()
			var closed *websocket.CloseError
			switch {
			case errors.As(err, &closed) && slices.Contains(codes, closed.Code):
				return
			case err != nil:
				t.Fatalf("after %q and %q: %v", first, second, err)
			case strings.HasPrefix(string(data), `{"type":"error","id":"end"`):
				return
			}
		}
	})
}

// last is the message whose answer shows that the socket still works.
func last(subprotocol string) string {
	if subprotocol == legacy {
		return "start"
	}
	return "subscribe"
}
