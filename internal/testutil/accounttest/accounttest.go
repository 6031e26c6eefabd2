// Package accounttest holds what tests of internal/auth and internal/account
// share: both services over one database, with a clock and a social provider that
// the test moves, and accounts of each kind. It is for tests alone and imports no
// surface.
package accounttest

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/push"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

// Kit is both services on a fresh database.
type Kit struct {
	Auth             *auth.Service
	Accounts         *account.Service
	Store            *store.Store
	Outbox           *message.Outbox
	Texts            *template.Texts
	Push             *push.Service
	Keys             *token.Keys
	Clock            *testutil.Clock
	Facebook, Google *Provider

	mu    sync.Mutex
	ended []Ended
}

// Ended is one call of auth.Config.OnSessionsEnded.
type Ended struct {
	RootUserID int
	SessionIDs []int
}

// Option changes how a Kit is made.
type Option func(*auth.Config, *message.Config)

// WithoutSenders leaves no channel on which a message could go out.
func WithoutSenders(_ *auth.Config, m *message.Config) { m.Senders = nil }

// RejoinAfter sets auth.Config.RejoinAfter.
func RejoinAfter(d time.Duration) Option {
	return func(a *auth.Config, _ *message.Config) { a.RejoinAfter = d }
}

// WithLimits counts guesses, sign-ups, messages and changes; without it nothing does.
func WithLimits(a *auth.Config, _ *message.Config) { a.Limits = ratelimit.New(a.Clock) }

// WithQuotas counts codes and links in the database, and has each channel send so many
// messages a day at most; 0 is for any number.
func WithQuotas(perChannel int) Option {
	return func(_ *auth.Config, m *message.Config) {
		m.IsLimited, m.DailyLimits = true, map[entmessage.Channel]int{}
		for channel := range m.Senders {
			m.DailyLimits[channel] = perChannel
		}
	}
}

// WithRandom sets auth.Config.Random.
func WithRandom(source io.Reader) Option {
	return func(a *auth.Config, _ *message.Config) { a.Random = source }
}

// New makes a Kit. Its clock shows noon of 4 March 2026.
func New(t testing.TB, options ...Option) *Kit {
	t.Helper()
	return newKit(t, storetest.Open(t), testutil.NewClock(noon()), options...)
}

// NewReplicas makes two Kits that share a database and a clock, as two replicas do.
func NewReplicas(t testing.TB) (first, second *Kit) {
	t.Helper()
	url, clock := storetest.URL(t), testutil.NewClock(noon())
	return newKit(t, storetest.OpenAt(t, url), clock), newKit(t, storetest.OpenAt(t, url), clock)
}

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func newKit(t testing.TB, db *store.Store, clock *testutil.Clock, options ...Option) *Kit {
	t.Helper()
	k := &Kit{
		Store: db, Keys: token.DevelopmentKeys(), Clock: clock,
		Facebook: &Provider{profiles: map[string]auth.Profile{}}, Google: &Provider{profiles: map[string]auth.Profile{}},
	}
	log := slog.New(slog.DiscardHandler)
	outbox := message.Config{
		Store: k.Store, Senders: message.Development(log), KeepText: true, Clock: k.Clock.Now, Random: rand.Reader, Log: log,
	}
	cfg := auth.Config{
		Store: k.Store, Keys: k.Keys, Clock: k.Clock.Now, Random: rand.Reader, Log: log,
		PublicURL:       "https://lux.example",
		Providers:       map[string]auth.SocialProvider{"facebook": k.Facebook, "google": k.Google},
		OnSessionsEnded: k.sessionsEnded,
		PasswordCost:    &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	}
	for _, set := range options {
		set(&cfg, &outbox)
	}
	k.Outbox = message.New(outbox)
	cfg.Outbox = k.Outbox
	var err error
	if k.Texts, err = template.New(); err != nil {
		t.Fatal(err)
	}
	cfg.Texts = k.Texts
	k.Push = push.New(push.Config{Store: k.Store, Outbox: k.Outbox, Texts: k.Texts, Clock: k.Clock.Now, Log: log})
	cfg.Push = k.Push
	if k.Auth, err = auth.New(cfg); err != nil {
		t.Fatal(err)
	}
	k.Accounts = account.New(account.Config{Auth: k.Auth, Store: k.Store, Outbox: k.Outbox, Texts: k.Texts, Clock: k.Clock.Now, Limits: cfg.Limits})
	return k
}

func (k *Kit) sessionsEnded(rootUserID int, sessionIDs []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = append(k.ended, Ended{rootUserID, sessionIDs})
}

// TakeEnded gives the calls of OnSessionsEnded since it was called last.
func (k *Kit) TakeEnded() []Ended {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.ended
	k.ended = nil
	return all
}

// Provider stands in for a social provider.
type Provider struct {
	mu       sync.Mutex
	profiles map[string]auth.Profile
}

// Add makes the token that of a person.
func (f *Provider) Add(token string, profile auth.Profile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.profiles[token] = profile
}

// Verify implements [auth.SocialProvider].
func (f *Provider) Verify(_ context.Context, credential auth.Credential) (auth.Profile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	profile, known := f.profiles[credential.Token]
	if !known {
		return auth.Profile{}, auth.ErrTokenRefused
	}
	return profile, nil
}

// Viewer gives the account that the tokens open.
func (k *Kit) Viewer(t testing.TB, tokens auth.Tokens) viewer.Viewer {
	t.Helper()
	got, err := k.Auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	if err != nil {
		t.Fatalf("authenticate: %v", err)
	}
	return got
}

// User reads the row of an account as ent does.
func (k *Kit) User(t testing.TB, id int) *ent.User {
	t.Helper()
	u, err := k.Store.Read().User.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Write makes rows that no action makes.
func (k *Kit) Write(t testing.TB, fn store.Func) {
	t.Helper()
	if err := k.Store.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}
