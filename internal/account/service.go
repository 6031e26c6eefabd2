// Package account holds the root user: how an account comes to be, signs in and
// goes, its sessions, identities, consent, settings and verification codes. Each
// action of the contract is one function that every surface calls. It imports
// neither gqlgen nor net/http, and no edge.
package account

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/message"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
)

// Config is what a Service needs. Store, Outbox, Keys, Clock, Random and Log
// must be there.
type Config struct {
	Store  *store.Store
	Outbox *message.Outbox
	Keys   *token.Keys
	// Clock gives the time in UTC, cut to milliseconds.
	Clock func() time.Time
	// Random is a cryptographic source.
	Random io.Reader
	Log    *slog.Logger
	// PublicURL is where people reach this server; links in e-mails begin with it.
	PublicURL string
	// RejoinAfter is how long the phone of a deleted account is held back.
	RejoinAfter time.Duration
	// Providers are the social providers that are configured, by name.
	Providers map[string]SocialProvider
	// OnSessionsEnded is told after the commit, so that live sockets can be
	// closed. No ids means every token of the account, 0 its long-lived token.
	OnSessionsEnded func(rootUserID int, sessionIDs []int)
	// OnWrongSignIn is told of a sign-in that failed for what its caller knew: the
	// account, its password, or that it is blocked.
	OnWrongSignIn func(kind apperr.Kind)
	// Limits bounds guesses, sign-ups and messages; nil bounds nothing.
	Limits *ratelimit.Limiter
	// PasswordCost is for tests; none means what production uses.
	PasswordCost *argon2id.Params
}

// Service answers for everything about accounts.
type Service struct {
	cfg       Config
	store     *store.Store
	outbox    *message.Outbox
	passwords *passwords
	digests   digests
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// New makes a Service.
func New(cfg Config) (*Service, error) {
	hashes, err := newPasswords(cfg.PasswordCost)
	if err != nil {
		return nil, err
	}
	digests, err := newDigests(cfg.Keys)
	if err != nil {
		return nil, err
	}
	if cfg.OnSessionsEnded == nil {
		cfg.OnSessionsEnded = func(int, []int) {}
	}
	if cfg.OnWrongSignIn == nil {
		cfg.OnWrongSignIn = func(apperr.Kind) {}
	}
	return &Service{cfg: cfg, store: cfg.Store, outbox: cfg.Outbox, passwords: hashes, digests: digests}, nil
}

func (s *Service) now() time.Time { return s.cfg.Clock() }
