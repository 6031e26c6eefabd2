package ratelimit_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"luxbff/internal/apperr"
	"luxbff/internal/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func from(t *testing.T, address string) context.Context {
	t.Helper()
	return ratelimit.WithClient(t.Context(), netip.MustParseAddr(address))
}

func TestGuessesComeBackWithTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	l := ratelimit.New(func() time.Time { return now })
	guess := func(address string) error { return l.Guess(from(t, address)) }
	for i := range 60 {
		if err := guess("203.0.113.7"); err != nil {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	for range 2 { // a refused try costs nothing
		err := apperr.From(guess("203.0.113.7"))
		if err == nil || err.Kind != apperr.TooManyRequests || err.RetryAfter() != time.Second {
			t.Fatalf("%v, retry after %v", err, err.RetryAfter())
		}
	}
	if err := guess("203.0.113.8"); err != nil {
		t.Errorf("another client: %v", err)
	}
	now = now.Add(time.Second)
	if err := guess("203.0.113.7"); err != nil {
		t.Errorf("a second later: %v", err)
	}
	if err := guess("203.0.113.7"); !apperr.Is(err, apperr.TooManyRequests) {
		t.Errorf("two within that second: %v", err)
	}
}

func TestWhoCountsAsOneClient(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second string
		same          bool
	}{
		"an address":             {"203.0.113.7", "203.0.113.7", true},
		"two addresses":          {"203.0.113.7", "203.0.113.8", false},
		"one written as IPv6":    {"203.0.113.7", "::ffff:203.0.113.7", true},
		"one network of IPv6":    {"2001:db8::1", "2001:db8::ffff", true},
		"two networks of IPv6":   {"2001:db8::1", "2001:db8:0:1::1", false},
		"this machine":           {"127.0.0.1", "127.0.0.1", true},
		"this machine over IPv6": {"::1", "::1", true},
	} {
		now := time.Now()
		l := ratelimit.New(func() time.Time { return now })
		for l.SignUp(from(t, tc.first)) == nil {
		}
		if refused := l.SignUp(from(t, tc.second)) != nil; refused != tc.same {
			t.Errorf("%s: refused %v", name, refused)
		}
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"203.0.113.7":        "203.0.113.0/24",
		"203.0.113.255":      "203.0.113.0/24",
		"::ffff:203.0.113.7": "203.0.113.0/24",
		"203.0.114.7":        "203.0.114.0/24",
		"2001:db8:1:2::3":    "2001:db8:1::/48",
		"2001:db8:1:ffff::":  "2001:db8:1::/48",
		"2001:db8:2:2::3":    "2001:db8:2::/48",
		"fe80::1":            "fe80::/48",
	} {
		if got := ratelimit.BlockOf(from(t, address)); got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	if got := ratelimit.BlockOf(t.Context()); got != "" {
		t.Errorf("a client that nobody knows is in %q", got)
	}
}

// TestUnknownClientsShareOneBucket holds that nothing is let through for want of an
// address, neither of a peer without one nor where nobody said who asks.
func TestUnknownClientsShareOneBucket(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := ratelimit.New(func() time.Time { return now })
	contexts := []context.Context{t.Context(), ratelimit.WithClient(t.Context(), netip.Addr{})}
	allowed := 0
	for l.Guess(contexts[allowed%2]) == nil {
		allowed++
	}
	if allowed != 60 {
		t.Errorf("%d guesses are let through", allowed)
	}
	if err := l.Guess(from(t, "203.0.113.7")); err != nil {
		t.Errorf("a client with an address: %v", err)
	}
}

// TestAContextTakesTheClientOfAnother holds that a socket, whose context outlives the
// request that opened it, goes on counting as that request's client.
func TestAContextTakesTheClientOfAnother(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := ratelimit.New(func() time.Time { return now })
	ctx := ratelimit.WithClientOf(t.Context(), from(t, "203.0.113.7"))
	for l.Guess(ctx) == nil {
	}
	if err := l.Guess(from(t, "203.0.113.7")); !apperr.Is(err, apperr.TooManyRequests) {
		t.Errorf("the client itself: %v", err)
	}
	if err := l.Guess(t.Context()); err != nil {
		t.Errorf("unknown clients: %v", err)
	}
}

func TestARecipientIsBoundWhoeverAsks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := ratelimit.New(func() time.Time { return now })
	send := func(i int, to string) error {
		return l.Message(from(t, fmt.Sprintf("203.0.113.%d", i)), to, "input.phone")
	}
	for i := range 20 {
		if err := send(i, "+821012345678"); err != nil {
			t.Fatal(err)
		}
	}
	if err := apperr.From(send(99, "+821012345678")); err.Kind != apperr.TooManyRequests || err.Field != "input.phone" {
		t.Errorf("the 21st: %v of %q", err, err.Field)
	}
	if err := send(99, "+821012345679"); err != nil {
		t.Errorf("to another: %v", err)
	}
}

// TestBucketsAreBounded fills the limiter, which removes buckets rather than grow.
func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := ratelimit.New(func() time.Time { return now })
	for i := range 250_000 {
		client := from(t, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&0xff, i&0xff))
		if err := l.Message(client, fmt.Sprint(i), ""); err != nil {
			t.Fatal(err)
		}
	}
	if kept := ratelimit.Buckets(l); kept > 100_000 {
		t.Errorf("%d buckets are kept", kept)
	}
}

func TestNoLimiterLetsEverythingThrough(t *testing.T) {
	t.Parallel()
	var l *ratelimit.Limiter
	for range 100 {
		if err := l.Guess(from(t, "203.0.113.7")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHashesOfAnAccountAreCountedUnlessRefunded: a call that was refused for want of a slot
// has cost nothing.
func TestHashesOfAnAccountAreCountedUnlessRefunded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	l := ratelimit.New(func() time.Time { return now })
	var refund func()
	for i := range 120 {
		var err error
		if refund, err = l.Hash("account 1"); err != nil {
			t.Fatalf("hash %d: %v", i, err)
		}
	}
	if _, err := l.Hash("account 1"); !apperr.Is(err, apperr.TooManyRequests) {
		t.Errorf("the 121st: %v", err)
	}
	refund()
	if _, err := l.Hash("account 1"); err != nil {
		t.Errorf("after a refund: %v", err)
	}
	if _, err := l.Hash("account 2"); err != nil {
		t.Errorf("another account: %v", err)
	}
}

// TestRefusedCallsAtOnceTakeNothing: whoever floods a limit from many connections must not
// keep the others who share it out for longer than one that asks once.
func TestRefusedCallsAtOnceTakeNothing(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	now := start
	l := ratelimit.New(func() time.Time { return now })
	for range 10 {
		if _, err := l.Device(1, "SL20401000"); err != nil {
			t.Fatal(err)
		}
	}
	var flood sync.WaitGroup
	for account := range 64 {
		flood.Go(func() {
			for range 500 {
				if _, err := l.Device(100+account, "SL20401000"); !apperr.Is(err, apperr.TooManyRequests) {
					t.Errorf("an eleventh guess: %v", err)
				}
			}
		})
	}
	flood.Wait()
	if _, err := l.Device(100, "SL20401001"); err != nil {
		t.Errorf("a refused account, by another serial code: %v", err)
	}
	now = start.Add(5 * time.Minute)
	if _, err := l.Device(2, "SL20401000"); err != nil {
		t.Errorf("five minutes later: %v, retry after %v", err, apperr.From(err).RetryAfter())
	}
}

// TestARefundGivesTheWholeTokenBack: what others have done meanwhile does not lessen it.
func TestARefundGivesTheWholeTokenBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	l := ratelimit.New(func() time.Time { return now })
	var refunds []func()
	for range 10 {
		refund, err := l.Device(1, "SL20401000")
		if err != nil {
			t.Fatal(err)
		}
		refunds = append(refunds, refund)
	}
	now = now.Add(30 * time.Second)
	guess := func(serial int) bool {
		_, err := l.Device(1, fmt.Sprint("SL204020", serial))
		return err == nil
	}
	if !guess(10) {
		t.Fatal("an eleventh of twenty is refused")
	}
	for _, refund := range refunds {
		refund()
	}
	passed := 0
	for serial := 20; serial < 50; serial++ {
		if guess(serial) {
			passed++
		}
	}
	if passed != 19 {
		t.Errorf("%d of the account's twenty guesses passed after one", passed+1)
	}
}
