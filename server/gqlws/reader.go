package gqlws

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gorilla/websocket"

	"luxbff/internal/apperr"
)

// frameReader takes frames off a connection. Only the goroutine that waits for a
// frame or reads it, of which there is one at a time, uses it.
type frameReader struct {
	conn *websocket.Conn
	// buffered is the reader that conn reads from.
	buffered *bufio.Reader
	// unaligned says that a message was left unread, so that only gorilla knows
	// where the next frame begins.
	unaligned bool
}

var errTooBig = apperr.Text("message is too big")

// read takes the next text message, or a ping or pong frame. Where a message
// begins, it asks onMessage how many bytes it may have. After errNotText and
// errTooBig it can go on; after any other error the connection has ended.
func (r *frameReader) read(onMessage func() (limit int64)) (kind int, data []byte, err error) {
	if !r.unaligned {
		if kind, payload, ok := r.readControlFrame(); ok {
			return kind, payload, nil
		}
	}
	data, err = r.readMessage(onMessage)
	r.unaligned = r.unaligned || errors.Is(err, errNotText) || errors.Is(err, errTooBig)
	return websocket.TextMessage, data, err
}

// readMessage makes its buffer when the message has begun, so that an idle socket
// holds none.
func (r *frameReader) readMessage(onMessage func() (limit int64)) ([]byte, error) {
	kind, message, err := r.conn.NextReader()
	if err != nil {
		return nil, err
	}
	limit := onMessage()
	if kind != websocket.TextMessage {
		return nil, errNotText
	}
	var data bytes.Buffer
	size, err := data.ReadFrom(io.LimitReader(message, limit+1))
	if err == nil && size > limit {
		return nil, errTooBig
	}
	return data.Bytes(), err
}

// A ping or pong frame from a client begins with two bytes, opcode and length, and
// four of the mask. Its payload has at most 125 bytes (RFC 6455, sections 5.2 and
// 5.5).
const (
	maskStart         = 2
	controlHeaderSize = 6
	maxControlPayload = 125
)

// readControlFrame takes a ping or pong frame. Gorilla would not return after such
// a frame but wait for the message that follows, on a stack that has grown. Where
// there is another frame, or a malformed one, it is false and takes nothing: those
// are gorilla's to read. The reader must stand at the beginning of a frame.
func (r *frameReader) readControlFrame() (kind int, payload []byte, ok bool) {
	head, err := r.buffered.Peek(maskStart)
	if err != nil {
		return 0, nil, false
	}
	kind, finalWithoutExtension := int(head[0]&0x0f), head[0]&0xf0 == 0x80
	masked, size := head[1]&0x80 != 0, int(head[1]&0x7f)
	if kind != websocket.PingMessage && kind != websocket.PongMessage ||
		!finalWithoutExtension || !masked || size > maxControlPayload {
		return 0, nil, false
	}
	frame, err := r.buffered.Peek(controlHeaderSize + size)
	if err != nil {
		return 0, nil, false
	}
	payload = unmask(frame)
	_, _ = r.buffered.Discard(len(frame)) // they are buffered
	return kind, payload, true
}

// unmask gives the payload of a control frame.
func unmask(frame []byte) []byte {
	mask := frame[maskStart:controlHeaderSize]
	payload := make([]byte, len(frame)-controlHeaderSize)
	for i := range payload {
		payload[i] = frame[controlHeaderSize+i] ^ mask[i%len(mask)]
	}
	return payload
}
