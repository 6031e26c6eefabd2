// Package auth knows who somebody is: sessions and their tokens, passwords,
// verification codes, and the identities by which an account is found. Each of
// the four is a small type of its own; [Service] signs people in with them, and
// internal/account builds sign-up, recovery and the rest on them.
//
// It must import neither internal/account, which stands above it, nor gqlgen,
// nor net/http: a client that asks a social provider is a package of its own
// below this one.
package auth

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/ent"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/background"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/push"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
)

// Config is what a Service needs. Store, Outbox, Texts, Keys, Clock, Random and Log
// must be set.
type Config struct {
	Store  *store.Store
	Outbox *message.Outbox
	Texts  *template.Texts
	// Push says to the devices of an account that a new one signs in; nil says nothing.
	Push *push.Service
	Keys *token.Keys
	// Clock gives the time in UTC, cut to milliseconds.
	Clock func() time.Time
	// Random is a cryptographic source.
	Random io.Reader
	Log    *slog.Logger
	// PublicURL is where people reach this server; links in e-mails begin with it.
	PublicURL string
	// SMSCountries are those whose phones are taken, by their ISO 3166-1 alpha-2 codes; empty
	// means all.
	SMSCountries []string
	// RejoinAfter is how long the phone of a deleted account cannot sign up again;
	// 0 means not at all.
	RejoinAfter time.Duration
	// SessionLifetime is how long after its sign-in a session ends, whatever is
	// refreshed; 0 means 180 days.
	SessionLifetime time.Duration
	// Providers are the social providers that are configured, by their names in
	// the routes.
	Providers map[string]SocialProvider
	// OnSessionsEnded is called after the commit, so that open sockets can be
	// closed. No ids means every token of the account; the id 0 means its
	// long-lived token.
	OnSessionsEnded func(rootUserID int, sessionIDs []int)
	// OnWrongSignIn is called when a sign-in fails because the account is unknown,
	// the password wrong or the account blocked: the errors of guessing. Passwords that
	// are guessed at by a signed-in client count as well.
	OnWrongSignIn func(kind apperr.Kind)
	// OnHashRefused is called when a password is not hashed because too many wait.
	OnHashRefused func(bound HashBound)
	// OnPanic is called with each panic in the background, which then goes on. Where it is
	// nil, a panic ends the program.
	OnPanic func(ctx context.Context, p *background.Panic)
	// Limits bounds guesses and messages of one client, and how often passwords are hashed
	// for one account; nil bounds nothing.
	Limits *ratelimit.Limiter
	// PasswordCost makes hashing cheap in tests; nil means the cost of production.
	PasswordCost *argon2id.Params
}

// Service signs people in, and holds what the rest of the program needs to know
// who they are.
type Service struct {
	Sessions   *Sessions
	Passwords  *Passwords
	Codes      *Codes
	Identities *Identities

	cfg        Config
	store      *store.Store
	background *background.Group // nil until Start
}

// New makes a Service. It fails only where the machine gives no randomness.
func New(cfg Config) (*Service, error) {
	if cfg.OnSessionsEnded == nil {
		cfg.OnSessionsEnded = func(int, []int) {}
	}
	if cfg.OnWrongSignIn == nil {
		cfg.OnWrongSignIn = func(apperr.Kind) {}
	}
	if cfg.OnHashRefused == nil {
		cfg.OnHashRefused = func(HashBound) {}
	}
	installations, err := cfg.Keys.Secrets("installations")
	if err != nil {
		return nil, err
	}
	sessions := &Sessions{
		store: cfg.Store, keys: cfg.Keys, now: cfg.Clock, random: cfg.Random, onEnded: cfg.OnSessionsEnded,
		lifetime: cmp.Or(cfg.SessionLifetime, defaultSessionLifetime), digest: installations, push: cfg.Push,
	}
	passwords, err := newPasswords(cfg, sessions)
	if err != nil {
		return nil, err
	}
	identities, err := newIdentities(cfg)
	if err != nil {
		return nil, err
	}
	codes, err := newCodes(cfg, identities)
	if err != nil {
		return nil, err
	}
	return &Service{
		Sessions: sessions, Passwords: passwords, Codes: codes, Identities: identities,
		cfg: cfg, store: cfg.Store,
	}, nil
}

// LockUser reads the account for a change. On PostgreSQL nobody else changes it
// until tx ends; on SQLite writes run one after another anyway. Errors:
// UserIsNone, UserIsDeleted.
func LockUser(ctx context.Context, tx *store.Tx, rootUserID int) (*ent.User, error) {
	if err := tx.Lock(ctx, user.Table, rootUserID); err != nil {
		return nil, fmt.Errorf("lock an account: %w", err)
	}
	u, err := tx.User.Get(ctx, rootUserID)
	switch {
	case ent.IsNotFound(err):
		return nil, apperr.UserIsNone.New()
	case err != nil:
		return nil, fmt.Errorf("read an account: %w", err)
	case u.DeletedAt != nil:
		return nil, apperr.UserIsDeleted.New()
	}
	return u, nil
}
