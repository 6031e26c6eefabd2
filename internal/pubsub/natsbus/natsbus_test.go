package natsbus_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"luxbff/internal/pubsub"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/internal/testutil/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a hub with its bus and what the bus told it.
type replica struct {
	*pubsub.Hub
	bus       *natsbus.Bus
	ended     chan int
	recovered chan struct{}
	log       *log
}

type log struct {
	sync.Mutex
	bytes.Buffer
}

func (l *log) Write(line []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(line)
}

func (l *log) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

func join(t *testing.T, url string) *replica {
	t.Helper()
	r := &replica{Hub: pubsub.NewHub(), ended: make(chan int, 100), recovered: make(chan struct{}, 100), log: &log{}}
	bus, err := natsbus.Open(natsbus.Config{
		URL: url, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Wake:          r.Wake,
		SessionsEnded: func(rootUserID int) { r.ended <- rootUserID },
		Recovered:     func() { r.recovered <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	r.bus = bus
	r.Join(bus)
	return r
}

// watch counts the bells of an account on a channel. The first comes once the
// server has agreed to the subscription.
func (r *replica) watch(t *testing.T, rootUserID int) (bells chan struct{}, stop func()) {
	t.Helper()
	bells = make(chan struct{}, 1000)
	stop = r.Watch(rootUserID, func() { bells <- struct{}{} })
	t.Cleanup(stop)
	return bells, stop
}

// soon waits for a value, for as long as no machine should take.
func soon[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: nothing came", what)
		panic("unreachable")
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	tooLong := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("%s: it never came to that", what)
		}
	}
}

func TestBellPassesToTheOtherReplicaAlone(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	here, there := join(t, nats.URL()), join(t, nats.URL())
	own, _ := here.watch(t, 7)
	others, _ := there.watch(t, 7)
	stranger, _ := there.watch(t, 8)
	for what, bells := range map[string]chan struct{}{"here": own, "there": others, "of another account": stranger} {
		soon(t, "agreed to watching "+what, bells)
	}
	for range 3 {
		here.Ring(7)
		soon(t, "the bell there", others)
	}
	there.Ring(8) // comes after whatever had come to here before
	here.bus.Ring(pubsub.Sessions, 9)
	if id := soon(t, "ended sessions", there.ended); id != 9 {
		t.Errorf("sessions of %d ended, want 9", id)
	}
	there.bus.Ring(pubsub.Sessions, 10)
	soon(t, "ended sessions", here.ended)
	if len(own) != 3 || len(others) != 0 || len(stranger) != 1 || len(here.ended) != 0 || len(there.ended) != 0 {
		t.Errorf("rung %d times here (want 3), %d more there, %d for another account (want 1), %d and %d more ends",
			len(own), len(others), len(stranger), len(here.ended), len(there.ended))
	}
}

func TestReplicaSubscribesToWatchedAccountsAlone(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	r := join(t, nats.URL())
	const sessions = 1
	until(t, "listens to ended sessions", func() bool { return nats.Subscriptions() == sessions })
	first, stopFirst := r.watch(t, 7)
	soon(t, "agreed", first)
	_, stopSecond := r.watch(t, 7)
	other, stopOther := r.watch(t, 8)
	soon(t, "agreed", other)
	if n := nats.Subscriptions(); n != sessions+2 {
		t.Errorf("%d subscriptions for two accounts", n)
	}
	stopFirst()
	stopOther()
	until(t, "one account is forgotten", func() bool { return nats.Subscriptions() == sessions+1 })
	stopSecond()
	stopSecond()
	until(t, "both are forgotten", func() bool { return nats.Subscriptions() == sessions })
	again, _ := r.watch(t, 7)
	soon(t, "agreed anew", again)
}

// TestBusAwayAndBack stops the server, rings, and watches another account
// meanwhile; bells pass again once the server is back, for both.
func TestBusAwayAndBack(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	here, there := join(t, nats.URL()), join(t, nats.URL())
	old, _ := there.watch(t, 7)
	soon(t, "agreed", old)
	for _, r := range []*replica{here, there} {
		soon(t, "first connection", r.recovered)
	}
	for range 2 {
		nats.Stop()
		until(t, "both notice", func() bool { return !here.bus.Up() && !there.bus.Up() })
		for range 50 {
			here.Ring(7)
			here.Ring(8)
		}
		late, stop := there.watch(t, 8)
		nats.Restart()
		for _, r := range []*replica{here, there} {
			soon(t, "recovery", r.recovered)
			until(t, "up", r.bus.Up)
		}
		here.Ring(8)
		soon(t, "a bell to the new watcher", late)
		here.Ring(7)
		soon(t, "a bell to the old watcher", old)
		stop()
	}
	if !strings.Contains(there.log.String(), "NATS is away") || !strings.Contains(there.log.String(), "NATS is there") {
		t.Errorf("the log doesn't tell of it:\n%s", there.log)
	}
}

func TestBusAwayAtTheStart(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	here, there := join(t, nats.URL()), join(t, nats.URL())
	if here.bus.Up() {
		t.Error("up without a server")
	}
	bells, _ := there.watch(t, 7)
	here.Ring(7)
	nats.Restart()
	soon(t, "recovery", there.recovered)
	soon(t, "recovery", here.recovered)
	here.Ring(7)
	soon(t, "a bell", bells)
}

// TestWrongPasswordIsNoEnd: the operator mends the server, and the program goes on.
func TestWrongPasswordIsNoEnd(t *testing.T) {
	t.Parallel()
	const password = "very-secret-word"
	nats := natstest.Start(t, func(o *server.Options) { o.Username, o.Password = "luxbff", "another" })
	r := join(t, "nats://luxbff:"+password+"@"+nats.Addr())
	until(t, "the reason is told", func() bool { return strings.Contains(r.log.String(), "Authorization") })
	// The library gives up after two refusals unless told otherwise.
	until(t, "three tries", func() bool { return nats.Connections() > 3 })
	if r.bus.Up() {
		t.Error("up with a wrong password")
	}
	nats.Stop()
	nats.Password(password)
	nats.Restart()
	soon(t, "recovery", r.recovered)
	if text := r.log.String(); strings.Contains(text, password) || strings.Count(text, "Authorization") != 1 {
		t.Errorf("the log holds the password, or the reason not once:\n%s", text)
	}
}

func TestWrongAddressIsToldAndNotRepeated(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"localhost:4222":                      "address 1 must begin with nats:// or tls://",
		"http://u:secret@localhost:4222":      "address 1 must begin with nats:// or tls://",
		"nats://u:secret@localhost:port":      "address 1 can't be read as a URL",
		"nats://u:secret@":                    "address 1 names no host",
		"nats://u:secret@:4222":               "address 1 names no host",
		"nats://u:secret@localhost:70000":     "address 1 has a port that is none",
		"nats://u:secret@localhost:0":         "address 1 has a port that is none",
		"nats://u:secret@localhost/path":      "address 1 must end after host and port",
		"nats://u:secret@localhost?tls=1":     "address 1 must end after host and port",
		"nats://u:sec%zzret@localhost":        "address 1 can't be read as a URL",
		"nats://one:4222,":                    "address 2 must begin with nats:// or tls://",
		"nats://one:4222, nat://u:secret@two": "address 2 must begin with nats:// or tls://",
		"nats://[::1":                         "address 1 can't be read as a URL",
		"":                                    "address 1 must begin with nats:// or tls://",
	} {
		_, err := natsbus.Open(natsbus.Config{URL: address})
		if err == nil || err.Error() != "NATS_URL: "+want {
			t.Errorf("%q: %v, want %s", address, err, want)
		}
	}
	for _, address := range []string{"nats://localhost", "nats://u:p@one:4222, tls://two:4222", "nats://[::1]:4222/"} {
		if err := natsbus.CheckURL(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestRingNeverWaits rings at a server that shakes hands and then reads nothing
// more, until the network holds no more of it.
func TestRingNeverWaits(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	silent := make(chan struct{}, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			greet(conn)
			silent <- struct{}{}
		}
	}()
	r := join(t, "nats://"+listener.Addr().String())
	soon(t, "the handshake", silent)
	for n := range 500_000 {
		r.Ring(n)
	}
	if bells, _ := r.watch(t, 1); len(bells) != 0 {
		t.Error("woken by a server that says nothing")
	}
	r.Ring(1) // the hub itself is as quick as ever
}

// greet is what a server says first and what it waits for (NATS client protocol).
func greet(conn net.Conn) {
	if _, err := io.WriteString(conn, `INFO {"server_id":"x","version":"2.10.0","proto":1,"max_payload":1024}`+"\r\n"); err != nil {
		return
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if lines.Text() == "PING" {
			_, _ = io.WriteString(conn, "PONG\r\n")
			return
		}
	}
}
