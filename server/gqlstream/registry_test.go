package gqlstream_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"luxbff/internal/apperr"
	"luxbff/server/gqlstream"
)

// device is a session of an account that is known by its number, as a program may
// file its connections.
type device struct {
	model  string
	serial int
}

type deviceRegistry = gqlstream.Registry[int, device]

func newDeviceRegistry(cfg gqlstream.RegistryConfig) *deviceRegistry {
	return gqlstream.NewRegistry[int, device](cfg)
}

// fakeConnection notes how the registry ends it, and leaves unless it stays.
type fakeConnection struct {
	registry *deviceRegistry
	stays    bool
	reasons  []gqlstream.CloseReason
	aborted  bool
}

func (c *fakeConnection) Close(reason gqlstream.CloseReason) {
	c.reasons = append(c.reasons, reason)
	if !c.stays {
		c.registry.Remove(c)
	}
}

func (c *fakeConnection) Abort() {
	c.aborted = true
	c.registry.Remove(c)
}

func (c *fakeConnection) Stats() (string, gqlstream.Stats) {
	return "fake", gqlstream.Stats{Connections: 1, QueuedBytes: 10, PendingResponses: 2}
}

// connect adds a connection and admits it under the key.
func connect(t *testing.T, r *deviceRegistry, account int, session device) *fakeConnection {
	t.Helper()
	c := &fakeConnection{registry: r}
	r.Add(c)
	if !(gqlstream.Session{Key: r.Key(account, session)}).Admit(c) {
		t.Fatalf("account %d is at its limit", account)
	}
	return c
}

func TestRegistryFilesByAnyKeys(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{})
	phone, tablet := device{"phone", 1}, device{"tablet", 1}
	first, second := connect(t, r, 7, phone), connect(t, r, 7, tablet)
	other := connect(t, r, 0, phone) // the zero key is a key like another
	want := map[int][]device{7: {phone, tablet}, 0: {phone}}
	if got := r.Sessions(); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("sessions are %v, want %v", got, want)
	}
	if got, want := r.Stats()["fake"], (gqlstream.Stats{Connections: 3, QueuedBytes: 30, PendingResponses: 6}); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
	r.CloseSession(7, phone, apperr.TokenIsExpired.New())
	if len(first.reasons) != 1 || first.reasons[0].Code != gqlstream.CodeForbidden || first.reasons[0].Text != "Token is expired" {
		t.Errorf("closed with %+v", first.reasons)
	}
	if len(second.reasons)+len(other.reasons) != 0 {
		t.Error("another session was closed as well")
	}
	r.CloseAccount(7, errors.New("the database is away"))
	if len(second.reasons) != 1 || second.reasons[0].Code != gqlstream.CodeTryAgainLater || len(other.reasons) != 0 {
		t.Errorf("closed with %+v, the other account's with %+v", second.reasons, other.reasons)
	}
	if r.Len() != 1 {
		t.Errorf("%d connections are left, want 1", r.Len())
	}
}

func TestAccountLimit(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{AccountLimit: 2})
	session := gqlstream.Session{Key: r.Key(7, device{})}
	first := connect(t, r, 7, device{})
	connect(t, r, 7, device{})
	third := &fakeConnection{registry: r}
	r.Add(third)
	if session.Admit(third) {
		t.Error("one more than the limit was admitted")
	}
	if !(gqlstream.Session{}).Admit(third) {
		t.Error("a session without a key is under a limit")
	}
	r.Remove(first)
	if !session.Admit(third) {
		t.Error("the place of one that left is not free")
	}
	r.Remove(third)
	late := &fakeConnection{registry: r}
	if !session.Admit(late) || r.Len() != 1 { // it left before it was admitted
		t.Errorf("%d connections are left, want 1", r.Len())
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{})
	before, after := device{"phone", 1}, device{"phone", 2}
	c := connect(t, r, 7, before)
	session := gqlstream.Session{Key: r.Key(7, after)}
	session.Move(c)
	r.CloseSession(7, before, apperr.Unauthenticated.New())
	if len(c.reasons) != 0 {
		t.Error("it is still filed under the session before")
	}
	r.CloseSession(7, after, apperr.Unauthenticated.New())
	if len(c.reasons) != 1 {
		t.Error("it is not filed under the new session")
	}
	session.Move(c) // it has left, and stays so
	if len(r.Sessions()) != 0 || r.Len() != 0 {
		t.Errorf("sessions are %v", r.Sessions())
	}
}

func TestSameAccount(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{})
	one := gqlstream.Session{Key: r.Key(1, device{"phone", 1})}
	same := gqlstream.Session{Key: r.Key(1, device{"phone", 2})}
	other := gqlstream.Session{Key: r.Key(2, device{"phone", 1})}
	none := gqlstream.Session{}
	for _, c := range []struct {
		a, b gqlstream.Session
		want bool
	}{{one, same, true}, {one, other, false}, {one, none, false}, {none, one, false}, {none, none, true}} {
		if got := c.a.SameAccount(c.b); got != c.want {
			t.Errorf("%v and %v: %v", c.a.Key, c.b.Key, got)
		}
	}
}

func TestShutdownSpreadsTheRetry(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{RetrySpread: 2 * time.Second})
	connections := []*fakeConnection{connect(t, r, 1, device{}), connect(t, r, 2, device{})}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var after []time.Duration
	for _, c := range connections {
		after = append(after, c.reasons[0].RetryAfter)
	}
	slices.Sort(after)
	if !slices.Equal(after, []time.Duration{time.Second, 2 * time.Second}) {
		t.Errorf("the clients come back after %v", after)
	}
	late := &fakeConnection{registry: r}
	r.Add(late)
	if !r.Draining() || len(late.reasons) != 1 || late.reasons[0].Text != "Restarting, retry in 2000 ms" {
		t.Errorf("a late connection is closed with %+v", late.reasons)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Errorf("the second shutdown: %v", err)
	}
}

func TestShutdownCutsConnectionsThatStay(t *testing.T) {
	t.Parallel()
	r := newDeviceRegistry(gqlstream.RegistryConfig{})
	c := connect(t, r, 1, device{})
	c.stays = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.Canceled) || !c.aborted {
		t.Errorf("shutdown: %v, aborted: %v", err, c.aborted)
	}
}
