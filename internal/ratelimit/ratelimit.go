// Package ratelimit bounds how often one client may guess or make us send, and how
// much one recipient is sent: token buckets in memory. It imports fault alone of
// the project, and knows no transport.
package ratelimit

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"luxbff/internal/apperr"
)

// rule is a bucket's size, and how long one try takes to come back.
type rule struct {
	name  string
	burst int
	every time.Duration
}

// What is bounded. A family never comes near; whoever guesses does at once.
func perClientGuess() rule   { return rule{"guess", 60, time.Second} }
func perClientSignUp() rule  { return rule{"sign-up", 30, 10 * time.Second} }
func perClientMessage() rule { return rule{"message", 30, 10 * time.Second} }
func perRecipient() rule     { return rule{"recipient", 20, 5 * time.Minute} }

// most is how many buckets are kept. Full ones go first: they hold nobody back.
const most = 100_000

// Limiter holds the buckets of one replica. Replicas count each for itself, so N
// of them let N times as much through. A nil Limiter lets everything through.
type Limiter struct {
	clock   func() time.Time
	mu      sync.Mutex
	buckets map[key]*rate.Limiter
}

// key holds a digest: an address is personal data, and may be long.
type key struct {
	rule string
	of   [sha256.Size]byte
}

// New makes a Limiter.
func New(clock func() time.Time) *Limiter {
	return &Limiter{clock: clock, buckets: map[key]*rate.Limiter{}}
}

// Guess counts a try at a password, a code or an address. Errors: TooManyRequests.
func (l *Limiter) Guess(ctx context.Context) error { return l.client(ctx, perClientGuess()) }

// SignUp counts a new account. Errors: TooManyRequests.
func (l *Limiter) SignUp(ctx context.Context) error { return l.client(ctx, perClientSignUp()) }

// Message counts a message to an address. Errors: TooManyRequests.
func (l *Limiter) Message(ctx context.Context, to string) error {
	if err := l.client(ctx, perClientMessage()); err != nil {
		return err
	}
	return l.take(perRecipient(), to)
}

func (l *Limiter) client(ctx context.Context, by rule) error {
	address, known := ctx.Value(clientKey{}).(string)
	if !known {
		return nil
	}
	return l.take(by, address)
}

func (l *Limiter) take(by rule, of string) error {
	if l == nil {
		return nil
	}
	now := l.clock()
	reserved := l.bucket(key{by.name, sha256.Sum256([]byte(of))}, by, now).ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	reserved.CancelAt(now)
	return apperr.TooManyRequests.WithRetryAfter(wait)
}

func (l *Limiter) bucket(k key, by rule, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.buckets[k]; known != nil {
		return known
	}
	if len(l.buckets) >= most {
		l.forget(now)
	}
	made := rate.NewLimiter(rate.Every(by.every), by.burst)
	l.buckets[k] = made
	return made
}

// forget makes room: what is full goes, and where nothing is, everything.
func (l *Limiter) forget(now time.Time) {
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) >= most {
		clear(l.buckets)
	}
}

type clientKey struct{}

// WithClient says who asks. Of an IPv6 address the network counts, because a
// client has all of it. A loopback address is a proxy on this machine that nobody
// named, or a developer: it stands for nobody.
func WithClient(ctx context.Context, address netip.Addr) context.Context {
	address = address.Unmap()
	if !address.IsValid() || address.IsLoopback() {
		return ctx
	}
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64) // 64 fits any IPv6 address
		address = network.Addr()
	}
	return context.WithValue(ctx, clientKey{}, address.String())
}
