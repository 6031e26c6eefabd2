// Package account holds what is done to accounts: sign-up, personal data,
// consent, push tokens, credentials, recovery, e-mail verification and deletion.
// Each action of the contract is one method that every surface calls, on a small
// type that stands for its subject. Who somebody is, and what a code or a
// password is worth, internal/auth knows.
//
// It must import neither gqlgen nor net/http nor any package of a surface.
package account

import (
	"time"

	"luxbff/internal/auth"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
)

// Config is what a Service needs. All but Limits must be set.
type Config struct {
	Auth   *auth.Service
	Store  *store.Store
	Outbox *message.Outbox
	Texts  *template.Texts
	// Clock gives the time in UTC, cut to milliseconds.
	Clock func() time.Time
	// Limits bounds sign-ups, guesses and messages of one client; nil bounds
	// nothing.
	Limits *ratelimit.Limiter
}

// Service holds everything that is done to accounts, one field a subject.
type Service struct {
	SignUps       *SignUps
	AddnoxSignUps *AddnoxSignUps
	Profiles      *Profiles
	Consents      *Consents
	Push          *Push
	Emails        *Emails
	Credentials   *Credentials
	Recovery      *Recovery

	auth    *auth.Service
	store   *store.Store
	outbox  *message.Outbox
	texts   *template.Texts
	reports *reports
	limits  *ratelimit.Limiter
	now     func() time.Time
}

// New makes a Service. It starts nothing: what an account leaves behind is pruned
// by [auth.Service.Start].
func New(cfg Config) *Service {
	reports := &reports{auth: cfg.Auth, outbox: cfg.Outbox, texts: cfg.Texts, limits: cfg.Limits, now: cfg.Clock}
	signUps := &SignUps{auth: cfg.Auth, store: cfg.Store, limits: cfg.Limits, now: cfg.Clock}
	return &Service{
		SignUps:       signUps,
		AddnoxSignUps: &AddnoxSignUps{signUps: signUps, auth: cfg.Auth, store: cfg.Store, limits: cfg.Limits, now: cfg.Clock},
		Profiles:      &Profiles{auth: cfg.Auth, store: cfg.Store, reports: reports, now: cfg.Clock},
		Consents:      &Consents{store: cfg.Store, now: cfg.Clock},
		Push:          &Push{store: cfg.Store, now: cfg.Clock},
		Emails:        &Emails{auth: cfg.Auth, store: cfg.Store, reports: reports, limits: cfg.Limits},
		Credentials:   &Credentials{auth: cfg.Auth, store: cfg.Store, reports: reports, now: cfg.Clock},
		Recovery:      &Recovery{auth: cfg.Auth, store: cfg.Store, reports: reports, limits: cfg.Limits, now: cfg.Clock},
		auth:          cfg.Auth, store: cfg.Store, outbox: cfg.Outbox, texts: cfg.Texts, reports: reports, limits: cfg.Limits, now: cfg.Clock,
	}
}
