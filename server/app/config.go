package app

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"luxbff/internal/token"
)

// Config is every setting of the program, by the name of its environment
// variable. In development each may be left out.
type Config struct {
	Addr        string        `env:"ADDR" default:":8080" help:"Address to listen on."`
	DatabaseURL string        `env:"DATABASE_URL" default:"file:luxbff.db" help:"file:PATH for SQLite or postgres://… for PostgreSQL."`
	Env         string        `env:"APP_ENV" default:"development" enum:"development,production" help:"development or production."`
	TokenKeys   string        `env:"TOKEN_KEYS" help:"kid:base64 of an Ed25519 seed, comma-separated; the first signs, all verify."`
	PublicURL   string        `env:"PUBLIC_URL" help:"Where people reach this server; links in e-mails begin with it."`
	RejoinAfter int           `env:"REJOIN_AFTER" default:"0" help:"Days for which the phone of a deleted account is held back."`
	FacebookURL string        `env:"FACEBOOK_GRAPH_URL" default:"https://graph.facebook.com" help:"Facebook's Graph API; empty: no sign-in with Facebook."`
	Sunset      time.Time     `env:"SUNSET" format:"2006-01-02" help:"Day on which the legacy routes end, as 2027-12-31; their answers tell it."`
	RateLimits  string        `env:"RATE_LIMITS" default:"on" enum:"on,off" help:"off lifts the limits, in development alone."`
	SchemaOpen  bool          `env:"INTROSPECTION" help:"Let clients of production read the schema."`
	DrainFor    time.Duration `env:"DRAIN_FOR" default:"10s" help:"How long requests may finish when the program ends."`
}

// Development reports whether the program runs without secrets and with the
// pages that developers use.
func (c Config) Development() bool { return c.Env != "production" }

// Check refuses settings that production can't run on safely, and names each.
func (c Config) Check() error {
	if c.Development() {
		return nil
	}
	var wrong []error
	if c.TokenKeys == "" {
		wrong = append(wrong, errors.New("TOKEN_KEYS is missing: tokens signed with the development key can be forged"))
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || u.Host == "" {
		wrong = append(wrong, errors.New("PUBLIC_URL must be an https:// address"))
	}
	if c.RateLimits == "off" {
		wrong = append(wrong, errors.New("RATE_LIMITS=off is for development alone"))
	}
	if c.RejoinAfter < 0 {
		wrong = append(wrong, errors.New("REJOIN_AFTER must not be negative"))
	}
	return errors.Join(wrong...)
}

// Keys are the keys that TOKEN_KEYS holds, or the development ones.
func (c Config) Keys() (*token.Keys, error) {
	if c.TokenKeys == "" {
		return token.DevelopmentKeys(), nil
	}
	keys, err := token.ParseKeys(c.TokenKeys)
	if err != nil {
		return nil, fmt.Errorf("TOKEN_KEYS: %w", err)
	}
	return keys, nil
}

// URL is where the server is reached, for what it prints and links to.
func (c Config) URL() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host := c.Addr
	if strings.HasPrefix(host, ":") {
		host = "localhost" + host
	}
	return "http://" + host
}
