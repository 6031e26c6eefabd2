package account_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// ended is one call of the hook on ended sessions.
type ended struct {
	rootUserID int
	sessionIDs []int
}

// world is a service on a fresh database, with what a test may turn.
type world struct {
	*account.Service
	auth     *auth.Service
	store    *store.Store
	outbox   *message.Outbox
	keys     *token.Keys
	clock    *clock
	facebook *people

	mu    sync.Mutex
	ended []ended
}

type option func(*auth.Config, *message.Config)

func withoutSenders(_ *auth.Config, n *message.Config) { n.Senders = nil }

func rejoinAfter(d time.Duration) option {
	return func(a *auth.Config, _ *message.Config) { a.RejoinAfter = d }
}

func newWorld(t testing.TB, options ...option) *world {
	t.Helper()
	w := &world{
		store: storetest.Open(t), keys: token.DevelopmentKeys(), facebook: &people{known: map[string]auth.Profile{}},
		clock: &clock{at: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)},
	}
	log := slog.New(slog.DiscardHandler)
	outbox := message.Config{
		Store: w.store, Senders: message.Development(log), KeepText: true, Clock: w.clock.now, Random: rand.Reader, Log: log,
	}
	cfg := auth.Config{
		Store: w.store, Keys: w.keys, Clock: w.clock.now, Random: rand.Reader, Log: log,
		PublicURL:       "https://lux.example",
		Providers:       map[string]auth.SocialProvider{"facebook": w.facebook},
		OnSessionsEnded: w.sessionsEnded,
		PasswordCost:    &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	}
	for _, set := range options {
		set(&cfg, &outbox)
	}
	w.outbox = message.New(outbox)
	cfg.Outbox = w.outbox
	var err error
	if w.auth, err = auth.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.Service = account.New(account.Config{Auth: w.auth, Store: w.store, Outbox: w.outbox, Clock: w.clock.now})
	return w
}

func (w *world) sessionsEnded(rootUserID int, sessionIDs []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, ended{rootUserID, sessionIDs})
}

func (w *world) endings() []ended {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.ended
	w.ended = nil
	return all
}

// people stands in for a social provider: tokens and who is behind them.
type people struct {
	mu    sync.Mutex
	known map[string]auth.Profile
}

func (p *people) Verify(_ context.Context, token string) (auth.Profile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	profile, ok := p.known[token]
	if !ok {
		return auth.Profile{}, auth.ErrTokenRefused
	}
	return profile, nil
}

func (p *people) add(token string, profile auth.Profile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[token] = profile
}

const (
	phone    = "+821012345678"
	email    = "Parent@Lux.example"
	password = "correct horse 1"
)

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// lastMessage is the newest message to the address.
func (w *world) lastMessage(t testing.TB, to string) message.Sent {
	t.Helper()
	recent, err := w.outbox.Recent(t.Context(), to, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(recent) == 0 {
		t.Fatalf("no message to %s", to)
	}
	return recent[0]
}

func (w *world) lastCode(t testing.TB, to string) string {
	t.Helper()
	return sixDigits.FindString(w.lastMessage(t, to).Text)
}

// smsCode has a code sent and reads it.
func (w *world) smsCode(t testing.TB, phone string) string {
	t.Helper()
	if err := w.auth.Codes.SendSMS(t.Context(), phone); err != nil {
		t.Fatalf("send a code: %v", err)
	}
	return w.lastCode(t, phone)
}

func (w *world) validToken(t testing.TB, phone string) string {
	t.Helper()
	got, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: w.smsCode(t, phone)})
	if err != nil {
		t.Fatalf("verify a code: %v", err)
	}
	return got
}

func person(phone string) account.Person {
	return account.Person{
		FirstName: "하나", LastName: "", Birthdate: "1990-05-06", Gender: vocab.Female,
		Phone: phone, IsMarketingAgree: true, NationalCode: "KR",
	}
}

func signUpParams(validToken, email, phone string) account.SignUpParams {
	return account.SignUpParams{ValidToken: validToken, Email: email, Password: password, Person: person(phone)}
}

func (w *world) signUp(t testing.TB, email, phone string) auth.SignedIn {
	t.Helper()
	got, err := w.SignUps.ByEmail(t.Context(), signUpParams(w.validToken(t, phone), email, phone))
	if err != nil {
		t.Fatalf("sign up: %v", err)
	}
	return got
}

// viewer is who stands behind the tokens.
func (w *world) viewer(t testing.TB, tokens auth.Tokens) viewer.Viewer {
	t.Helper()
	got, err := w.auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	if err != nil {
		t.Fatalf("authenticate: %v", err)
	}
	return got
}

// parent is a signed-up account of LUX.
func (w *world) parent(t testing.TB) viewer.Viewer {
	t.Helper()
	return w.viewer(t, w.signUp(t, email, phone).Tokens)
}

func (w *world) user(t testing.TB, id int) *ent.User {
	t.Helper()
	u, err := w.store.Read().User.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// write sets up what no action of the service does.
func (w *world) write(t testing.TB, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.store.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// want fails unless err is of the kind.
func want(t testing.TB, err error, kind apperr.Kind) {
	t.Helper()
	if !apperr.Is(err, kind) {
		t.Errorf("got %v, want %v", cause(err), kind.New())
	}
}

func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// ok fails the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(cause(err))
	}
}

// together runs fn sixteen times at once and gives the errors.
func together(fn func(i int) error) []error {
	const many = 16
	errs := make([]error, many)
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range many {
		wait.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wait.Wait()
	return errs
}

// tally counts the errors by their detail; "" stands for success.
func tally(errs []error) map[string]int {
	count := map[string]int{}
	for _, err := range errs {
		if err == nil {
			count[""]++
			continue
		}
		count[apperr.From(err).Detail()]++
	}
	return count
}
