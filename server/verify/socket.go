package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

const (
	newProtocol = "graphql-transport-ws"
	oldProtocol = "graphql-ws"
)

// socket is one connection to the server.
type socket struct{ conn *websocket.Conn }

// frame is a message of either protocol.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a socket that ends with ctx at the latest.
func (s *server) dial(ctx context.Context, protocols ...string) (*socket, error) {
	target := s.URL.JoinPath(graphQLPath)
	target.Scheme = map[string]string{"http": "ws", "https": "wss"}[target.Scheme]
	dialer := websocket.Dialer{Subprotocols: protocols, Proxy: http.ProxyFromEnvironment, HandshakeTimeout: timeout}
	conn, response, err := dialer.DialContext(ctx, target.String(), nil)
	if response != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = errors.Join(conn.SetReadDeadline(deadline), conn.SetWriteDeadline(deadline))
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &socket{conn}, nil
}

// connect opens a socket in the name of the account.
func (s *server) connect(ctx context.Context, protocol string) (*socket, error) {
	opened, err := s.dial(ctx, protocol)
	if err != nil {
		return nil, err
	}
	payload := json.RawMessage(encode(map[string]string{"accessToken": s.Token}))
	if err := opened.send(frame{Type: "connection_init", Payload: payload}); err != nil {
		return nil, errors.Join(err, opened.conn.Close())
	}
	if _, err := opened.want("connection_ack"); err != nil {
		return nil, errors.Join(err, opened.conn.Close())
	}
	return opened, nil
}

func (s *socket) send(frames ...frame) error {
	for _, f := range frames {
		if err := s.conn.WriteJSON(f); err != nil {
			return fmt.Errorf("send %s: %w", f.Type, err)
		}
	}
	return nil
}

// want reads the next frame that is no sign of life, which must be of that type.
func (s *socket) want(kind string) (frame, error) {
	for {
		var got frame
		if err := s.conn.ReadJSON(&got); err != nil {
			return frame{}, fmt.Errorf("there came no %s: %w", kind, err)
		}
		switch got.Type {
		case kind:
			return got, nil
		case "ka":
		case "ping":
			if err := s.send(frame{Type: "pong"}); err != nil {
				return frame{}, err
			}
		default:
			return frame{}, fmt.Errorf("there came no %s, but %s", kind, encode(got))
		}
	}
}

// wantClose reads to the end, which must have that close code.
func (s *socket) wantClose(code int) error {
	for {
		_, message, err := s.conn.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed) && closed.Code == code:
			return nil
		case errors.As(err, &closed):
			return fmt.Errorf("it was closed with %d %q instead of %d", closed.Code, closed.Text, code)
		case err != nil:
			return fmt.Errorf("it was not closed with %d: %w", code, err)
		case !json.Valid(message):
			return fmt.Errorf("there came no JSON: %.200q", message)
		}
	}
}

// closeCodes are the reasons for which the contract closes a socket, as far as a client can give
// them without keeping the server busy.
func closeCodes() []check {
	return []check{
		closeCode(4400, "what is no message of the protocol", false, func(s *socket) error {
			return s.conn.WriteMessage(websocket.TextMessage, []byte("no JSON"))
		}),
		closeCode(4400, "an operation without a document", true, func(s *socket) error {
			return s.send(frame{ID: "1", Type: "subscribe"})
		}),
		closeCode(4401, "an operation before connection_ack", false, func(s *socket) error {
			return s.send(frame{ID: "1", Type: "subscribe", Payload: document(typename)})
		}),
		closeCode(4403, "connection_init without a token", false, func(s *socket) error {
			return s.send(frame{Type: "connection_init"})
		}),
		closeCode(4403, "connection_init with a token of nobody", false, func(s *socket) error {
			return s.send(frame{Type: "connection_init", Payload: json.RawMessage(`{"accessToken": "nobody"}`)})
		}),
		{name: "4406 neither protocol is offered", ask: func(ctx context.Context, s *server) error {
			return askSocket(func() (*socket, error) { return s.dial(ctx, "mqtt") }, func(opened *socket) error { return opened.wantClose(4406) })
		}},
		closeCode(4408, "no connection_init for 10 seconds", false, func(*socket) error { return nil }),
		closeCode(4409, "the id of a running operation", true, func(s *socket) error {
			again := frame{ID: "1", Type: "subscribe", Payload: document(feed)}
			return s.send(again, again)
		}),
		closeCode(4429, "a second connection_init", true, func(s *socket) error {
			return s.send(frame{Type: "connection_init"})
		}),
	}
}

// closeCode is a check of what closes a socket. With a token the socket is acknowledged before.
func closeCode(code int, reason string, needsToken bool, cause func(s *socket) error) check {
	return check{name: fmt.Sprint(code, " ", reason), needsToken: needsToken, ask: func(ctx context.Context, s *server) error {
		open := func() (*socket, error) { return s.dial(ctx, newProtocol) }
		if needsToken {
			open = func() (*socket, error) { return s.connect(ctx, newProtocol) }
		}
		return askSocket(open, func(opened *socket) error {
			if err := cause(opened); err != nil {
				return err
			}
			return opened.wantClose(code)
		})
	}}
}

// askSocket opens a socket, asks and closes it.
func askSocket(open func() (*socket, error), ask func(opened *socket) error) error {
	opened, err := open()
	if err != nil {
		return err
	}
	err = ask(opened)
	// It is at its end whether the server learns of it or not.
	_ = opened.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Time{})
	_ = opened.conn.Close()
	return err
}

func document(query string) json.RawMessage {
	return json.RawMessage(encode(map[string]string{"query": query}))
}
