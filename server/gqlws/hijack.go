package gqlws

import (
	"bufio"
	"net"
	"net/http"
)

// readBufferSize is hardly more than the 256 bytes above which gorilla takes a
// reader of ours, because every socket keeps it: net/http's reader, which gorilla
// would take otherwise, has 4 KB. What is longer than the buffer is read past it.
const readBufferSize = 288

// hijacker gives gorilla the connection of an upgrade with a reader of ours.
// Through that reader the socket waits for its next frame without gorilla: a
// goroutine that has read a message within gorilla keeps a stack of 4 KB, one that
// only peeks at the reader has the smallest, of 2 KB (see socket.waitForFrame).
// With the buffer that is 5.8 KB less for each socket. It may go when gorilla can
// tell that a frame has begun, or when sockets wait without a goroutine.
type hijacker struct {
	http.ResponseWriter
	reader *bufio.Reader
}

// Hijack leaves net/http's own reader to a client that spoke before the handshake
// was done, so that gorilla sees what it said and refuses it.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil || buffered.Reader.Buffered() > 0 {
		return conn, buffered, err
	}
	h.reader = bufio.NewReaderSize(conn, readBufferSize)
	return conn, bufio.NewReadWriter(h.reader, buffered.Writer), nil
}
