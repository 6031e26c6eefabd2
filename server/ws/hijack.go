package ws

import (
	"bufio"
	"net"
	"net/http"
)

// readBuffer is kept by every socket, so it is hardly more than the 256 bytes
// above which gorilla takes a reader of ours. Longer messages are read around it.
const readBuffer = 288

// hijacker gives the connection of an upgrade with a reader of ours, through
// which the socket can wait for a frame without gorilla.
type hijacker struct {
	http.ResponseWriter
	reader *bufio.Reader
}

// Hijack leaves net/http's own reader, and with it the connection, to a client
// that spoke before the handshake was done: gorilla then refuses it.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil || buffered.Reader.Buffered() > 0 {
		return conn, buffered, err
	}
	h.reader = bufio.NewReaderSize(conn, readBuffer)
	return conn, bufio.NewReadWriter(h.reader, buffered.Writer), nil
}
