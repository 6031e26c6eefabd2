package natsbus_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"luxbff/internal/pubsub"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a hub with its bus and what the bus reported.
type replica struct {
	*pubsub.Hub
	bus           *natsbus.Bus
	sessionsEnded chan int
	messages      chan int
	missed        chan struct{}
	log           *testutil.Log
}

func openReplica(t *testing.T, url string) *replica {
	t.Helper()
	r := &replica{Hub: pubsub.NewHub(pubsub.Feed), sessionsEnded: make(chan int, 100), messages: make(chan int, 100), missed: make(chan struct{}, 100), log: &testutil.Log{}}
	bus, err := natsbus.Open(natsbus.Config{
		URL: url, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnFeed:          r.NotifyLocal,
		OnMessages:      func(rootUserID int) { r.messages <- rootUserID },
		OnSessionsEnded: func(rootUserID int) { r.sessionsEnded <- rootUserID },
		OnMissed:        func() { r.missed <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	r.bus = bus
	r.UseBus(bus)
	return r
}

// subscribe collects the notifications of an account on a channel. The first comes
// once the server has confirmed the subscription.
func (r *replica) subscribe(t *testing.T, rootUserID int) (notifications chan struct{}, unsubscribe func()) {
	t.Helper()
	notifications = make(chan struct{}, 1000)
	unsubscribe = r.Subscribe(rootUserID, func() { notifications <- struct{}{} })
	t.Cleanup(unsubscribe)
	return notifications, unsubscribe
}

func TestNotificationReachesTheOtherReplicaAlone(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	here, there := openReplica(t, nats.URL()), openReplica(t, nats.URL())
	own, _ := here.subscribe(t, 7)
	others, _ := there.subscribe(t, 7)
	stranger, _ := there.subscribe(t, 8)
	for what, notifications := range map[string]chan struct{}{"here": own, "there": others, "of another account": stranger} {
		testutil.Receive(t, "the confirmation of the subscription "+what, notifications)
	}
	for range 3 {
		here.Notify(7)
		testutil.Receive(t, "the notification there", others)
	}
	there.Notify(8) // comes after whatever had come to here before
	here.bus.Notify(pubsub.Sessions, 9)
	if id := testutil.Receive(t, "ended sessions", there.sessionsEnded); id != 9 {
		t.Errorf("sessions of %d ended, want 9", id)
	}
	here.bus.Notify(pubsub.Messages, 11)
	if id := testutil.Receive(t, "changed messages", there.messages); id != 11 {
		t.Errorf("messages of %d have changed, want 11", id)
	}
	there.bus.Notify(pubsub.Sessions, 10)
	testutil.Receive(t, "ended sessions", here.sessionsEnded)
	if len(own) != 3 || len(others) != 0 || len(stranger) != 1 || len(here.sessionsEnded) != 0 || len(here.messages) != 0 || len(there.sessionsEnded) != 0 {
		t.Errorf("notified %d times here (want 3), %d more there, %d for another account (want 1), %d and %d more ends",
			len(own), len(others), len(stranger), len(here.sessionsEnded), len(there.sessionsEnded))
	}
}

func TestReplicaSubscribesOnlyToAccountsWithSubscribers(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	r := openReplica(t, nats.URL())
	const sessions = 2 // those of all accounts: ended sessions and changed messages
	testutil.WaitFor(t, "the replica subscribes to ended sessions", func() bool { return nats.Subscriptions() == sessions })
	first, unsubscribeFirst := r.subscribe(t, 7)
	testutil.Receive(t, "the confirmation", first)
	_, unsubscribeSecond := r.subscribe(t, 7)
	other, unsubscribeOther := r.subscribe(t, 8)
	testutil.Receive(t, "the confirmation", other)
	if n := nats.Subscriptions(); n != sessions+2 {
		t.Errorf("%d subscriptions for two accounts", n)
	}
	unsubscribeFirst()
	unsubscribeOther()
	testutil.WaitFor(t, "one account is unsubscribed", func() bool { return nats.Subscriptions() == sessions+1 })
	unsubscribeSecond()
	unsubscribeSecond()
	testutil.WaitFor(t, "both are unsubscribed", func() bool { return nats.Subscriptions() == sessions })
	again, _ := r.subscribe(t, 7)
	testutil.Receive(t, "the second confirmation", again)
}

// TestBusReconnects stops the server, notifies, and subscribes to another account
// meanwhile: notifications pass again once the server is back, for both.
func TestBusReconnects(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	here, there := openReplica(t, nats.URL()), openReplica(t, nats.URL())
	old, _ := there.subscribe(t, 7)
	testutil.Receive(t, "the confirmation", old)
	for _, r := range []*replica{here, there} {
		testutil.Receive(t, "the first connection", r.missed)
	}
	for range 2 {
		nats.Stop()
		testutil.WaitFor(t, "both notice that the server is gone", func() bool { return !here.bus.Connected() && !there.bus.Connected() })
		for range 50 {
			here.Notify(7)
			here.Notify(8)
		}
		late, unsubscribe := there.subscribe(t, 8)
		nats.Restart()
		for _, r := range []*replica{here, there} {
			testutil.Receive(t, "the report of missed notifications", r.missed)
			testutil.WaitFor(t, "the bus is connected", r.bus.Connected)
		}
		here.Notify(8)
		testutil.Receive(t, "a notification of the new subscriber", late)
		here.Notify(7)
		testutil.Receive(t, "a notification of the old subscriber", old)
		unsubscribe()
	}
	if !strings.Contains(there.log.String(), "NATS is away") || !strings.Contains(there.log.String(), "NATS is there") {
		t.Errorf("the log doesn't say so:\n%s", there.log)
	}
}

func TestBusConnectsToAServerThatStartsLater(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	here, there := openReplica(t, nats.URL()), openReplica(t, nats.URL())
	if here.bus.Connected() {
		t.Error("connected without a server")
	}
	notifications, _ := there.subscribe(t, 7)
	here.Notify(7)
	nats.Restart()
	testutil.Receive(t, "the report of missed notifications", there.missed)
	testutil.Receive(t, "the report of missed notifications", here.missed)
	here.Notify(7)
	testutil.Receive(t, "a notification", notifications)
}

// TestBusRetriesAfterAWrongPassword: the operator corrects the server, and the program goes on.
func TestBusRetriesAfterAWrongPassword(t *testing.T) {
	t.Parallel()
	const password = "very-secret-word"
	nats := natstest.Start(t, func(o *server.Options) { o.Username, o.Password = "luxbff", "another" })
	r := openReplica(t, "nats://luxbff:"+password+"@"+nats.Addr())
	testutil.WaitFor(t, "the reason is logged", func() bool { return strings.Contains(r.log.String(), "authorization violation") })
	// Without our options the library gives up after two refusals.
	testutil.WaitFor(t, "three tries", func() bool { return nats.TotalConnections() > 3 })
	if r.bus.Connected() {
		t.Error("connected with a wrong password")
	}
	nats.Stop()
	nats.SetPassword(password)
	nats.Restart()
	testutil.Receive(t, "the report of missed notifications", r.missed)
	if text := r.log.String(); strings.Contains(text, password) || strings.Count(text, "authorization violation") != 1 {
		t.Errorf("the log holds the password, or the reason not once:\n%s", text)
	}
}

// TestNotifyNeverWaits notifies through a server that shakes hands and then reads
// nothing more, until the network takes no more.
func TestNotifyNeverWaits(t *testing.T) {
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
	r := openReplica(t, "nats://"+listener.Addr().String())
	testutil.Receive(t, "the handshake", silent)
	for n := range 500_000 {
		r.Notify(n)
	}
	if notifications, _ := r.subscribe(t, 1); len(notifications) != 0 {
		t.Error("notified by a server that says nothing")
	}
	r.Notify(1) // the hub itself is as quick as ever
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
