// Package idempotency runs a request once, however often a client sends it: a client that
// has lost an answer sends the request again with the same key, and gets the first answer.
// It knows neither HTTP nor GraphQL. An edge says what the request is and how it is run.
//
// A key belongs to an account, or to nobody where the request needs no token. Its row is
// first the claim of the run, and then holds the answer for [Retention]. Every transaction
// of the run notes in the row that it has stored something (store.WithGuard), and is rolled
// back where another run has taken the row over. So a request is done once even where the
// program ends in the middle of it: either nothing is stored and the next try runs it, or
// something is, and the next try learns that the answer is lost. What that costs stands in
// docs/decisions/transports.md.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"luxbff/ent/idempotencykey"
	"luxbff/internal/apperr"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

const (
	// Retention is how long an answer is given again.
	Retention = 24 * time.Hour
	// Lease is how long a run without an answer keeps others from running the request.
	Lease = time.Minute
	// runLimit is the longest that a run may take. It is below the lease, so that a program
	// that lives never loses its claim.
	runLimit = 45 * time.Second
	// waitLimit is how long a request waits for one with its key.
	waitLimit = 15 * time.Second
	// pollInterval is how often a run of another replica is looked for.
	pollInterval = 100 * time.Millisecond
	// MaxAnswer is the longest answer that is kept, in bytes. It has the answer of any
	// mutation of an app, and of an upload of 1,000 logs that asks for a few fields of each.
	MaxAnswer = 256 << 10
	// MaxKept is how many requests of one account are kept, the newest.
	MaxKept = 1000

	minKey, maxKey = 16, 255

	pruneInterval = time.Hour
)

// Request is what a client asks to have done once.
type Request struct {
	// RootUserID is the account whose key it is, 0 for a request that needs none.
	RootUserID int
	Key        string
	// Digest is of all that makes the request what it is, see [Digest].
	Digest [sha256.Size]byte
}

// Answer is what a client gets.
type Answer struct {
	// Status is an HTTP status.
	Status int
	Body   []byte
	// Outcome decides whether the answer is kept.
	Outcome Outcome
}

// Outcome is what became of a run.
type Outcome uint8

const (
	// Passing is an answer that may be another one soon: no good token, too many requests,
	// or a failure of the server. It is kept only if the run has stored something.
	Passing Outcome = iota
	// Refused is an answer that says what is wrong with the request. It is kept for an
	// account. Strangers could make as many as they like, so theirs are kept only if the run
	// has stored something, as the count of wrong passwords.
	Refused
	// Done is the answer of a request that was done. It is kept.
	Done
)

// OutcomeOf gives the outcome of a run that is answered with this HTTP status.
func OutcomeOf(status int) Outcome {
	const badRequest, unauthorized, requestTimeout, tooManyRequests, serverError = 400, 401, 408, 429, 500
	switch {
	case status < badRequest:
		return Done
	case status == unauthorized || status == requestTimeout || status == tooManyRequests || status >= serverError:
		return Passing
	}
	return Refused
}

// isKept reports whether the answer is kept though the run has stored nothing.
func (a Answer) isKept(rootUserID int) bool {
	return a.Outcome == Done || a.Outcome == Refused && rootUserID != 0
}

// Digest gives the digest of a request by its parts, whose order counts and whose borders do.
func Digest(parts ...string) (digest [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range parts {
		// Nothing that is written to a hash fails.
		_, _ = io.WriteString(h, strconv.Itoa(len(part))+":"+part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// ParseKeys gives the key of a request that names it once or more often, and always the same:
// 16 to 255 visible ASCII characters, so that it is no counter and no date, by which clients
// would meet. Quotes around it, which the draft of the header has, are not part of it. Errors:
// IdempotencyKeyNotValid.
func ParseKeys(texts []string) (key string, err error) {
	for i, text := range texts {
		if len(text) > 1 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
			text = text[1 : len(text)-1]
		}
		isInvisible := func(c rune) bool { return c <= ' ' || c > '~' }
		switch {
		case i > 0 && text != key:
			return "", notValid("The request names two keys.")
		case len(text) < minKey || len(text) > maxKey || strings.ContainsFunc(text, isInvisible):
			return "", notValid(fmt.Sprintf("A key has %d to %d visible ASCII characters. Take a random UUID.", minKey, maxKey))
		}
		key = text
	}
	return key, nil
}

func notValid(reason string) error {
	return apperr.IdempotencyKeyNotValid.New().WithReason(reason)
}

// Config is what a [Service] needs.
type Config struct {
	Store *store.Store
	Clock func() time.Time
	// Random gives the names of claims, and what encrypts two answers differently.
	Random io.Reader
	Log    *slog.Logger
	// OnPanic is called for a panic of the work in the background.
	OnPanic func(context.Context, *background.Panic)
}

// Service runs requests once. Its methods may be called from many goroutines.
type Service struct {
	cfg        Config
	background *background.Group
	mu         sync.Mutex
	running    map[string]*run // by the hash of the key
}

// run is one that this replica has begun.
type run struct {
	digest string
	// done is closed once the answer is known. What follows may be read then.
	done   chan struct{}
	answer Answer
	isKept bool
}

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg: cfg, running: map[string]*run{}} }

// Start prunes every hour, until Close.
func (s *Service) Start(ctx context.Context) {
	s.background = background.NewGroup(ctx, s.cfg.OnPanic)
	s.background.Every(pruneInterval, func(ctx context.Context) {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "prune idempotency keys", "error", err)
		}
	})
}

// Close ends what Start began. It may be called without Start.
func (s *Service) Close() { s.background.Close() }

// Prune removes the requests that are older than [Retention], a small batch a write.
func (s *Service) Prune(ctx context.Context) error {
	return s.cfg.Store.DeleteInBatches(ctx, idempotencykey.Table, "created_at < $1", s.cfg.Clock().Add(-Retention))
}

// Do runs the request, or gives the answer that it got before. A request with the key of one
// that runs waits for its answer, for 15 seconds at most. A run does not end with ctx: the
// client that hung up is the one that sends the request again, and gets its answer.
//
// Errors: IdempotencyKeyReused, IdempotencyKeyInUse, IdempotencyAnswerLost; nothing was run.
func (s *Service) Do(ctx context.Context, r Request, do func(context.Context) Answer) (answer Answer, isReplayed bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	k := newKeyed(r)
	for {
		mine, other := s.begin(k)
		if mine != nil {
			return s.lead(ctx, waiting, k, mine, do)
		}
		if other.digest != k.digest {
			return Answer{}, false, apperr.IdempotencyKeyReused.New()
		}
		select {
		case <-other.done:
		case <-waiting.Done():
			return Answer{}, false, inUse()
		}
		if other.isKept {
			return other.answer, true, nil
		}
		// It came to nothing, so one of those that waited runs.
	}
}

func inUse() error { return apperr.IdempotencyKeyInUse.WithRetryAfter(time.Second) }

// begin gives this replica's run of the key: a new one, which the caller has to end, or the
// one that is under way.
func (s *Service) begin(k keyed) (mine, other *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other = s.running[k.hash]; other != nil {
		return nil, other
	}
	mine = &run{digest: k.digest, done: make(chan struct{})}
	s.running[k.hash] = mine
	return mine, nil
}

func (s *Service) end(k keyed, mine *run) {
	s.mu.Lock()
	delete(s.running, k.hash)
	s.mu.Unlock()
	close(mine.done)
}

// lead claims the key for this replica and runs the request, or fetches the answer of the run
// of another.
func (s *Service) lead(
	ctx, waiting context.Context, k keyed, mine *run, do func(context.Context) Answer,
) (answer Answer, isReplayed bool, err error) {
	defer s.end(k, mine)
	claim, kept, err := s.claimOrWait(waiting, k)
	switch {
	case err != nil:
		return Answer{}, false, err
	case kept != nil:
		mine.answer, mine.isKept = *kept, true
		return *kept, true, nil
	}
	// From here on the request runs to its end: a client that hangs up asks for the answer
	// later.
	ctx = context.WithoutCancel(ctx)
	mine.answer = Answer{} // what a panic leaves
	defer func() { mine.isKept = s.finish(ctx, k, claim, mine.answer) }()
	limited, cancel := context.WithTimeout(store.WithGuard(ctx, k.guard(claim)), runLimit)
	defer cancel()
	mine.answer = do(limited)
	return mine.answer, false, nil
}

// claimOrWait gives the claim of a request that is to run, or the answer that is kept.
func (s *Service) claimOrWait(ctx context.Context, k keyed) (claim string, kept *Answer, err error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Random, random); err != nil {
		return "", nil, err
	}
	claim = hex.EncodeToString(random)
	var poll *time.Ticker
	for {
		kept, err := s.claim(ctx, k, claim)
		if !apperr.Is(err, apperr.IdempotencyKeyInUse) {
			return claim, kept, err
		}
		if poll == nil {
			poll = time.NewTicker(pollInterval)
			defer poll.Stop()
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return "", nil, err
		}
	}
}
