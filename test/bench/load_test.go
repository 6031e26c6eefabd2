package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// connection is one keep-alive connection and the requests that it repeats. It writes
// them as they stand and parses no more of an answer than it must: net/http's client
// would take more time than the servers that are measured, on the same processors.
type connection struct {
	net.Conn
	reader   *bufio.Reader
	requests [][]byte
	wanted   string // in each answer
	body     []byte // of the last answer
	took     []time.Duration
}

// connect opens connections to the address. Each has one request of every account, and
// begins at another one.
func connect(b *testing.B, address net.Addr, connections int, tokens []string, route, body, wanted string) []*connection {
	b.Helper()
	var all []*connection
	for at := range connections {
		one := dial(b, address, wanted)
		for i := range tokens {
			one.requests = append(one.requests, newRequest(route, tokens[(at+i)%len(tokens)], body))
		}
		all = append(all, one)
	}
	return all
}

func dial(b *testing.B, address net.Addr, wanted string) *connection {
	b.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(b.Context(), address.Network(), address.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 16<<10), wanted: wanted}
}

// newRequest is a request with a JSON body, as it goes over the wire.
func newRequest(route, token, body string) []byte {
	return fmt.Appendf(nil,
		"%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		route, token, len(body), body)
}

// get sends a request, and reads the response, which must have in it what is wanted.
func (c *connection) get(i int) error {
	began := time.Now()
	status, err := c.do(c.requests[i%len(c.requests)])
	if err != nil {
		return err
	}
	c.took = append(c.took, time.Since(began))
	if status != 200 || !bytes.Contains(c.body, []byte(c.wanted)) {
		return fmt.Errorf("%d %s", status, c.body)
	}
	return nil
}

// do sends a request and reads the response; its body stays until the next one.
func (c *connection) do(request []byte) (status int, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if status, err = strconv.Atoi(string(line[len("HTTP/1.1 "):][:3])); err != nil {
		return 0, err
	}
	length, chunked := 0, false
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= len("\r\n") {
			break
		}
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ": ")
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return 0, err
			}
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = value == "chunked"
		}
	}
	c.body = c.body[:0]
	if chunked {
		return status, c.readChunks()
	}
	return status, c.read(length)
}

// read appends so many bytes to the body.
func (c *connection) read(n int) error {
	c.body = slices.Grow(c.body, n)
	_, err := io.ReadFull(c.reader, c.body[len(c.body):len(c.body)+n])
	c.body = c.body[:len(c.body)+n]
	return err
}

func (c *connection) readChunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.read(int(size)); err != nil {
			return err
		}
		if _, err := c.reader.Discard(len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// spent is the time that rounds took.
type spent struct{ wall, cpu time.Duration }

func (s *spent) add(more spent) {
	s.wall += more.wall
	s.cpu += more.cpu
}

// runRequests sends so many requests over each connection, over all at once.
func runRequests(b *testing.B, connections []*connection, each int) spent {
	b.Helper()
	began, used := time.Now(), processorTime(b)
	var running sync.WaitGroup
	for _, one := range connections {
		running.Go(func() {
			for i := range each {
				if err := one.get(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return spent{wall: time.Since(began), cpu: processorTime(b) - used}
}

// latency is the time within which the share of the connections' requests was answered,
// in milliseconds.
func latency(connections []*connection, share float64) float64 {
	var took []time.Duration
	for _, one := range connections {
		took = append(took, one.took...)
	}
	return quantile(took, share)
}

// forgetLatencies ends the warming up.
func forgetLatencies(connections []*connection) {
	for _, one := range connections {
		one.took = nil
	}
}

// quantile sorts, and gives the milliseconds at the share.
func quantile(took []time.Duration, share float64) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
}

// processorTime is the CPU time that the process has used so far.
func processorTime(b testing.TB) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
