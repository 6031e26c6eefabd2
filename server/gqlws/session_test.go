package gqlws_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/schematest"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
)

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Init = func(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
			return gqlstream.Session{ExpiresAt: time.Now().Add(30 * time.Millisecond)}, nil
		}
	})
	for _, subprotocol := range []string{modern, legacy} {
		c := b.dial(subprotocol)
		c.send(`{"type":"connection_init"}`)
		for {
			_, err := c.read()
			if err == nil {
				continue
			}
			if !websocket.IsCloseError(err, 4403) || err.Error() != "websocket: close 4403: Token is expired" {
				t.Fatalf("%s: ends with %v", subprotocol, err)
			}
			break
		}
	}
}

// TestNoAckForATokenAtItsEnd opens a socket with a token that is taken a little longer.
func TestNoAckForATokenAtItsEnd(t *testing.T) {
	t.Parallel()
	clock := testutil.NewClock(time.UnixMilli(1_800_000_000_000))
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Clock = clock.Now
		cfg.Init = func(context.Context, gqlstream.InitPayload, *http.Request) (gqlstream.Session, error) {
			return gqlstream.Session{ExpiresAt: clock.Now()}, nil
		}
	})
	b.dial(modern).play(`> {"type":"connection_init"}` + "\nx 4403 Token is expired")
}

func TestRenewalMovesTheExpiry(t *testing.T) {
	t.Parallel()
	clock := testutil.NewClock(time.UnixMilli(1_800_000_000_000))
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Clock, cfg.PingInterval = clock.Now, 2*time.Second
		cfg.Init = func(ctx context.Context, p gqlstream.InitPayload, r *http.Request) (gqlstream.Session, error) {
			session, err := sessionOf(ctx, cfg.Registry.(*registry), p, r)
			session.ExpiresAt = clock.Now().Add(time.Hour)
			return session, err
		}
		cfg.Renew = func(ctx context.Context, _ gqlstream.Session, token string) (gqlstream.Session, error) {
			key := cfg.Registry.(*registry).Key("a", "")
			return gqlstream.Session{Context: schematest.WithUser(ctx, token), Key: key, ExpiresAt: clock.Now().Add(3 * time.Hour)}, nil
		}
	})
	c := b.connect(`{"user":"a"}`)
	c.send(`{"type":"ping","payload":{"accessToken":"fresh"}}`)
	c.expect(`{"type":"pong","payload":{"expiresAt":"2027-01-15T11:00:00.000Z"}}`)
	c.send(`{"id":"1","type":"subscribe","payload":{"query":"{ who }"}}`)
	c.expect(`{"id":"1","type":"next","payload":{"data":{"who":"fresh"}}}`)
	c.expect(`{"id":"1","type":"complete"}`)
	clock.Add(2 * time.Hour)
	c.expect(`{"type":"ping"}`)
	c.expect(`{"type":"ping"}`)
	clock.Add(time.Hour)
	c.expectClose(4403, "Token is expired")
}

func TestRenewalRefused(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	t.Cleanup(func() { close(block) })
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Renew = func(_ context.Context, _ gqlstream.Session, token string) (gqlstream.Session, error) {
			switch token {
			case "old":
				return gqlstream.Session{}, apperr.TokenIsExpired.New()
			case "broken":
				return gqlstream.Session{}, errors.New("the database is away")
			case "slow":
				<-block
			}
			return gqlstream.Session{Key: cfg.Registry.(*registry).Key("b", "")}, nil
		}
	})
	renew := func(token string) string {
		return fmt.Sprintf(`{"type":"ping","payload":{"accessToken":%q}}`, token)
	}
	for token, want := range map[string]string{
		"old":    "4403 Token is expired",
		"other":  "4403 Not authorized user",
		"broken": "1013 Internal server error. Please try again later.",
	} {
		b.connect(`{"user":"a"}`).play("> " + renew(token) + "\nx " + want)
	}
	b.connect(`{"user":"a"}`).play("> " + renew("slow") + "\n> " + renew("old") + "\nx 4429 Too many initialisation requests")
	b.dial(modern).play("> " + renew("early") + "\nx 4401 Unauthorized")
}

func TestNothingBeforeTheAck(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}, 3), make(chan struct{}, 3)
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Init = func(ctx context.Context, _ gqlstream.InitPayload, _ *http.Request) (gqlstream.Session, error) {
			entered <- struct{}{}
			<-ctx.Done()
			left <- struct{}{}
			return gqlstream.Session{}, ctx.Err()
		}
	})
	enter := func() *client {
		c := b.dial(modern)
		c.send(`{"type":"connection_init"}`)
		<-entered
		return c
	}
	enter().play(`> {"id":"1","type":"subscribe","payload":{"query":"{ refuse }"}}` + "\nx 4401 Unauthorized")
	<-left
	enter().play(`> {"type":"connection_init"}` + "\nx 4429 Too many initialisation requests")
	<-left
	_ = enter().conn.Close()
	<-left
}

func TestOperationHookIsAskedEachTime(t *testing.T) {
	t.Parallel()
	var ended atomic.Bool
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Operation = func(ctx context.Context, _ *ast.OperationDefinition) (context.Context, error) {
			if ended.Load() {
				return nil, apperr.Unauthenticated.New()
			}
			return ctx, nil
		}
	})
	c := b.connect(`{}`)
	query := `> {"id":"1","type":"subscribe","payload":{"query":"{ echo(text: \"x\") }"}}`
	c.play(query + `
< {"id":"1","type":"next","payload":{"data":{"echo":"x"}}}
< {"id":"1","type":"complete"}`)
	ended.Store(true)
	c.play(query + `
< {"id":"1","type":"error","payload":[{"message":"Could not validate credentials","extensions":{"code":"UNAUTHENTICATED","status":401}}]}`)
	late := b.dial(modern)
	late.send(`{"type":"connection_init"}`)
	late.expectClose(4403, "Could not validate credentials")
}

func TestRegistryClosesByKey(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	a1 := b.connect(`{"user":"a","session":"1"}`)
	a2 := b.connect(`{"user":"a","session":"2"}`)
	a3 := b.connect(`{"user":"a","session":"2"}`)
	other := b.connect(`{"user":"b","session":"3"}`)
	a1.send(feedFrame)
	b.await(feeds(1))
	b.registry.CloseSession("a", "1", apperr.Unauthenticated.New())
	a1.expectClose(4403, "Could not validate credentials")
	b.await(feeds(0))
	b.registry.CloseSession("", "", apperr.Unauthenticated.New())
	b.registry.CloseAccount("a", apperr.UserIsDeleted.New())
	a2.expectClose(4403, "User is Deleted")
	a3.expectClose(4403, "User is Deleted")
	other.play(`
> {"type":"ping"}
< {"type":"pong"}`)
}

func TestShutdownSpreadsTheReturn(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gqlws.Config) {
		cfg.Registry = newRegistry(gqlstream.RegistryConfig{RetrySpread: 3 * time.Second})
	})
	clients := []*client{b.connect(`{}`), b.connect(`{}`), b.dial(modern)}
	b.awaitLen(3)
	done := make(chan error)
	go func() { done <- b.registry.Shutdown(context.Background()) }()
	reasons := map[string]bool{}
	for _, c := range clients {
		_, err := c.read()
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 1001 {
			t.Fatalf("closed with %v", err)
		}
		reasons[closed.Text] = true
	}
	for _, ms := range []int{1000, 2000, 3000} {
		if want := fmt.Sprintf("Restarting, retry in %d ms", ms); !reasons[want] {
			t.Errorf("no client got the reason %q: %v", want, reasons)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if answer := b.upgrade(nil); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Fatalf("an upgrade after the shutdown: %s", answer.Status)
	}
}

func TestShutdownCutsConnectionsThatStay(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.connect(`{}`) // never reads, so never answers the close frame
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.registry.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("shutdown: %v", err)
	}
	b.awaitLen(0)
}
