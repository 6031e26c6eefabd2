package app

import (
	"fmt"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/catalogue"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/idempotency"
	"luxbff/internal/message"
	"luxbff/internal/message/history"
	"luxbff/internal/message/template"
	"luxbff/internal/push"
	"luxbff/internal/ratelimit"
	"luxbff/internal/usage"
	"luxbff/server/gqlstream"
)

// wireDomain makes the services that hold the rules, and the registry of sockets
// that an ended session closes.
func (a *App) wireDomain(keys *token.Keys) error {
	o := a.options
	texts, err := template.New()
	if err != nil {
		return err
	}
	senders, err := a.Config.senders(o)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	providers, err := a.Config.socialProviders(o)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	a.Outbox = message.New(message.Config{
		Store: a.Store, Senders: senders, KeepText: a.Config.Development(),
		Clock: o.Clock, Random: o.Random, Log: o.Log, OnTried: countMessage(a.metrics), OnChecked: countCheck(a.metrics), OnPanic: a.onPanic,
		IsLimited: a.Config.RateLimits != "off", DailyLimits: a.Config.dailyLimits(), OnRefused: a.metrics.CountRateLimited,
		OnChanged: a.messageHub.Notify, OnGone: push.Forget,
	})
	a.Messages = history.New(history.Config{Store: a.Store, Hub: a.messageHub, Log: o.Log, OnPanic: a.onPanic})
	a.Push = push.New(push.Config{Store: a.Store, Outbox: a.Outbox, Texts: texts, Clock: o.Clock, Log: o.Log, OnPanic: a.onPanic})
	// The services end sessions and so close sockets, and whether a socket's session has
	// ended only the services know: sessionSockets gets its half of them later.
	a.sockets = gqlstream.NewRegistry[int, auth.SessionKey](gqlstream.RegistryConfig{})
	a.sessions = &sessionSockets{sockets: a.sockets, bus: a.bus, background: a.background, log: o.Log}
	limits := a.limiter()
	countries, err := a.Config.smsCountries()
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	a.Auth, err = auth.New(auth.Config{
		Store: a.Store, Outbox: a.Outbox, Texts: texts, Push: a.Push, Keys: keys, Clock: o.Clock, Random: o.Random, Log: o.Log,
		PublicURL:       a.Config.URL(),
		SMSCountries:    countries,
		RejoinAfter:     time.Duration(a.Config.RejoinAfter) * 24 * time.Hour,
		SessionLifetime: time.Duration(a.Config.SessionDays) * 24 * time.Hour,
		Providers:       a.Config.withSandbox(providers),
		PasswordCost:    o.PasswordCost,
		OnSessionsEnded: a.sessions.close,
		Limits:          limits,
		OnWrongSignIn:   func(kind apperr.Kind) { a.metrics.CountWrongSignIn(kind.New().Code()) },
		OnPanic:         a.onPanic,
		OnHashRefused:   func(bound auth.HashBound) { a.metrics.CountRateLimited(string(bound)) },
	})
	if err != nil {
		return err
	}
	a.sessions.auth = a.Auth.Sessions
	a.Accounts = account.New(account.Config{
		Auth: a.Auth, Store: a.Store, Outbox: a.Outbox, Texts: texts, Clock: o.Clock, Limits: limits,
	})
	a.Catalogue = catalogue.New(catalogue.Config{Store: a.Store, Clock: o.Clock})
	a.Children = child.New(child.Config{Store: a.Store, Hub: a.hub, Clock: o.Clock, Random: o.Random, Limits: limits})
	a.Feed = feed.New(feed.Config{
		Store: a.Store, Hub: a.hub, Children: a.Children, Sessions: a.Auth.Sessions, Clock: o.Clock, Log: o.Log, OnDelivered: a.metrics.ObserveFeedLag, OnPanic: a.onPanic,
	})
	a.Once = idempotency.New(idempotency.Config{Store: a.Store, Clock: o.Clock, Random: o.Random, Log: o.Log, OnPanic: a.onPanic})
	a.Devlogs = devlog.New(devlog.Config{Store: a.Store, Feed: a.Feed, Push: a.Push, Clock: o.Clock, Log: o.Log, OnPanic: a.onPanic})
	a.Usage = usage.New(usage.Config{Store: a.Store, Clock: o.Clock, Log: o.Log, OnPanic: a.onPanic})
	return nil
}

// limiter is nil where RATE_LIMITS lifts the limits. A nil Limiter lets everything
// through.
func (a *App) limiter() *ratelimit.Limiter {
	if a.Config.RateLimits == "off" {
		return nil
	}
	limits := ratelimit.New(a.options.Clock)
	limits.OnRefused = a.metrics.CountRateLimited
	return limits
}
