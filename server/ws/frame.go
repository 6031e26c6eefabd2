package ws

import "github.com/gorilla/websocket"

// header is the length of a frame's header from a client whose payload has at
// most 125 bytes: opcode, length and mask (RFC 6455, section 5.2).
const (
	header     = 6
	maskOffset = 2
)

// signal takes a ping or pong frame off the reader. It is false for every other
// frame and for a malformed one, which are gorilla's to read; gorilla would not
// return after a ping or pong, but wait for the message that follows. The reader
// must stand at the beginning of a frame.
func (s *socket) signal() bool {
	head, err := s.reader.Peek(maskOffset)
	if err != nil {
		return false
	}
	kind, plain := int(head[0]&0x0f), head[0]&0xf0 == 0x80
	masked, size := head[1]&0x80 != 0, int(head[1]&0x7f)
	if kind != websocket.PingMessage && kind != websocket.PongMessage || !plain || !masked || size > 125 {
		return false
	}
	frame, err := s.reader.Peek(header + size)
	if err != nil {
		return false
	}
	payload := unmasked(frame)
	_, _ = s.reader.Discard(header + size) // they are buffered
	if kind == websocket.PingMessage {
		_ = s.hearPing(payload)
	} else {
		_ = s.hearPong(payload)
	}
	return true
}

// unmasked is the payload of a small frame.
func unmasked(frame []byte) string {
	mask := frame[maskOffset:header]
	payload := make([]byte, len(frame)-header)
	for i := range payload {
		payload[i] = frame[header+i] ^ mask[i%len(mask)]
	}
	return string(payload)
}

// hearPing answers a ping frame. Its error, as gorilla wants one, is always nil.
func (s *socket) hearPing(payload string) error {
	s.heard.Store(true)
	s.push(websocket.PongMessage, []byte(payload))
	return nil
}

// hearPong takes the answer to a ping frame of ours.
func (s *socket) hearPong(payload string) error {
	s.heard.Store(true)
	s.pongFrame(payload)
	return nil
}
