// Package ratelimit limits how often one client may guess a secret or have messages
// sent, how many messages one recipient gets, and what the operations of an account and of
// an address may cost, by token buckets in memory. It imports only apperr of the project,
// and knows no transport.
package ratelimit

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"luxbff/internal/apperr"
)

// limit is the size of a bucket, and the interval after which one token comes back.
type limit struct {
	name     string
	burst    int
	interval time.Duration
}

// wait is how long that many tokens take to come back, and at least a second.
func (l limit) wait(missing float64) time.Duration {
	return max(time.Duration(missing*float64(l.interval)), time.Second)
}

// No family comes near these limits; somebody who guesses meets them within a minute.
func perClientGuess() limit   { return limit{"guess", 60, time.Second} }
func perClientSignUp() limit  { return limit{"sign-up", 30, 10 * time.Second} }
func perClientMessage() limit { return limit{"message", 30, 10 * time.Second} }
func perRecipient() limit     { return limit{"recipient", 20, 5 * time.Minute} }
func perAccountChange() limit { return limit{"change", 20, 5 * time.Minute} }
func perReported() limit      { return limit{"report", 20, 5 * time.Minute} }

// perHashed bounds how often passwords are hashed for one account or one name that is tried
// in its place, whoever asks: each hash costs the server time. It lets the guesses of a
// client through, which another bucket bounds.
func perHashed() limit { return limit{"hash", 120, 2 * time.Second} }

// maxBuckets bounds the memory that a client with many addresses can take.
const maxBuckets = 100_000

// Limiter holds the buckets of one replica. Each replica counts for itself, so N
// of them let N times as much through. A nil Limiter lets everything through.
type Limiter struct {
	// OnRefused, if set before the first call, is called for each refused one with the name
	// of its limit.
	OnRefused func(limit string)

	clock   func() time.Time
	mu      sync.Mutex
	buckets map[key]*rate.Limiter
}

// key identifies a bucket. It holds a digest, as an address is personal data and may
// be long.
type key struct {
	limit  string
	digest [sha256.Size]byte
}

// New makes a Limiter with that clock.
func New(clock func() time.Time) *Limiter {
	return &Limiter{clock: clock, buckets: map[key]*rate.Limiter{}}
}

// Guess counts a try at a password, a code or an address. Errors: TooManyRequests.
func (l *Limiter) Guess(ctx context.Context) error { return l.takeForClient(ctx, perClientGuess()) }

// SignUp counts a new account. Errors: TooManyRequests.
func (l *Limiter) SignUp(ctx context.Context) error { return l.takeForClient(ctx, perClientSignUp()) }

// Message counts a message to an address. field is the path of the input that holds the
// address, and empty for one that the client did not send: the error names it where the
// recipient and not the client has had too many. Errors: TooManyRequests.
func (l *Limiter) Message(ctx context.Context, to, field string) error {
	if err := l.takeForClient(ctx, perClientMessage()); err != nil {
		return err
	}
	return apperr.AtField(l.takeToken(perRecipient(), to), field)
}

// Hash counts a password that is hashed for an account, or for a name that is tried in its
// place; refund is for one that was not hashed after all. Errors: TooManyRequests.
func (l *Limiter) Hash(account string) (refund func(), err error) {
	return l.reserveToken(perHashed(), account)
}

// Change counts a change of how an account is reached or signs in, each of which is
// reported to its owner. The report takes no token of a client or a recipient, because a
// thief could suppress it by using those up. Errors: TooManyRequests.
func (l *Limiter) Change(rootUserID int) error {
	return l.takeToken(perAccountChange(), strconv.Itoa(rootUserID))
}

// Report counts a report to an address that nobody has proved to be the account's, which any
// number of accounts may name: together they must not flood a stranger's mailbox. Errors:
// TooManyRequests.
func (l *Limiter) Report(address string) error { return l.takeToken(perReported(), address) }

// takeForClient takes a token from the bucket of the client in ctx. All whose address
// nobody knows share one bucket, because a way in that forgets to name its clients must
// not be a way around the limits.
func (l *Limiter) takeForClient(ctx context.Context, lim limit) error {
	return l.takeToken(lim, ClientOf(ctx))
}

// ClientOf gives the address of the client in ctx, empty for all whose address nobody knows.
func ClientOf(ctx context.Context) string {
	address, _ := ctx.Value(clientKey{}).(string)
	return address
}

func (l *Limiter) takeToken(lim limit, address string) error {
	_, err := l.reserveToken(lim, address)
	return err
}

// reserveToken takes one token, see reserve.
func (l *Limiter) reserveToken(lim limit, address string) (refund func(), err error) {
	return l.reserve(lim, address, 1)
}

// reserve takes tokens that refund puts back. A refused call takes none, not even for a
// moment: otherwise one that goes on trying would never get in again, and many that try at
// once would keep out whoever shares the bucket.
func (l *Limiter) reserve(lim limit, address string, tokens int) (refund func(), err error) {
	if l == nil {
		return func() {}, nil
	}
	now := l.clock()
	bucket := l.bucket(keyOf(lim, address), lim, now)
	if bucket.AllowN(now, tokens) {
		return func() { l.refund(lim, address, tokens) }, nil
	}
	if l.OnRefused != nil {
		l.OnRefused(lim.name)
	}
	return nil, apperr.TooManyRequests.WithRetryAfter(lim.wait(float64(tokens) - bucket.TokensAt(now)))
}

// refund puts tokens back that reserve took: less than no token is one more. What is beyond a full bucket is lost as always.
func (l *Limiter) refund(lim limit, address string, tokens int) {
	now := l.clock()
	l.bucket(keyOf(lim, address), lim, now).AllowN(now, -tokens)
}

// tokens is how many there are in a bucket. One that was never used is full, and is not made.
func (l *Limiter) tokens(lim limit, address string) float64 {
	l.mu.Lock()
	bucket := l.buckets[keyOf(lim, address)]
	l.mu.Unlock()
	if bucket == nil {
		return float64(lim.burst)
	}
	return bucket.TokensAt(l.clock())
}

func keyOf(lim limit, address string) key { return key{lim.name, sha256.Sum256([]byte(address))} }

// bucket finds the bucket of a key, or makes one that is full.
func (l *Limiter) bucket(k key, lim limit, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bucket := l.buckets[k]; bucket != nil {
		return bucket
	}
	if len(l.buckets) >= maxBuckets {
		l.removeBuckets(now)
	}
	bucket := rate.NewLimiter(rate.Every(lim.interval), lim.burst)
	l.buckets[k] = bucket
	return bucket
}

// removeBuckets makes room. Full buckets go first, as a new one would be the same.
// Where none is full, all go: that lets some clients through that were limited, once
// for 100 000 addresses, and keeps the memory bounded.
func (l *Limiter) removeBuckets(now time.Time) {
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// BlockOf gives the block of addresses that the client in ctx comes from, the size in which
// providers hand them out: /24 of IPv4, /48 of IPv6. It is empty for all clients whose address
// nobody knows.
func BlockOf(ctx context.Context) string {
	address, err := netip.ParseAddr(ClientOf(ctx))
	if err != nil {
		return ""
	}
	bits := 24
	if address.Is6() {
		bits = 48
	}
	block, _ := address.Prefix(bits) // both fit
	return block.String()
}

type clientKey struct{}

// Client is what counts as one client. Of an IPv6 address that is the /64 network,
// because a client can use all of it. An invalid address is that of an unknown client.
func Client(address netip.Addr) netip.Addr {
	address = address.Unmap()
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64) // 64 fits any IPv6 address
		address = network.Addr()
	}
	return address
}

// WithClient gives a context with the client whose tokens are taken.
func WithClient(ctx context.Context, address netip.Addr) context.Context {
	address = Client(address)
	if !address.IsValid() {
		return ctx
	}
	return context.WithValue(ctx, clientKey{}, address.String())
}

// WithClientOf gives ctx with the client of another context: that of the request which
// opened a socket, say, whose own context ends long before the socket does.
func WithClientOf(ctx, other context.Context) context.Context {
	if address, known := other.Value(clientKey{}).(string); known {
		return context.WithValue(ctx, clientKey{}, address)
	}
	return ctx
}
