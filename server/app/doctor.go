package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/internal/store"
)

// Examine looks at everything the program stands on, without serving and without
// changing anything, and says in plain words what it found. No finding holds a
// secret.
func Examine(ctx context.Context, cfg Config, log *slog.Logger) []store.Finding {
	findings := append(cfg.examineSettings(), cfg.examineKeys())
	database := cfg.Database()
	database.Log, database.Wait = log, 0
	findings = append(findings, store.Examine(ctx, database)...)
	return append(findings, cfg.examineReplicas(), cfg.examineMessages(log), cfg.examineSignIn(), cfg.examineLimits())
}

func (c Config) examineSettings() []store.Finding {
	err := c.Check()
	if err == nil {
		return []store.Finding{{About: "settings", Said: "complete for " + c.Env}}
	}
	var findings []store.Finding
	for line := range strings.Lines(err.Error()) {
		findings = append(findings, store.Finding{About: "settings", Said: strings.TrimSpace(line), Wrong: true})
	}
	return findings
}

func (c Config) examineKeys() store.Finding {
	keys, err := c.Keys()
	switch {
	case err != nil:
		return store.Finding{About: "keys", Said: err.Error(), Wrong: true}
	case c.TokenKeys == "":
		return store.Finding{About: "keys", Said: "the development key: anybody can forge tokens", Wrong: !c.Development()}
	case len(keys.Guessable()) > 0:
		return store.Finding{About: "keys", Said: "in development; production refuses " + strings.Join(keys.Guessable(), ", ")}
	}
	return store.Finding{About: "keys", Said: fmt.Sprintf("%d, all random; the first signs", strings.Count(c.TokenKeys, ",")+1)}
}

func (c Config) examineReplicas() store.Finding {
	if c.NATSURL == "" {
		return store.Finding{About: "NATS", Said: "none: right for one replica; between several, events come by polling"}
	}
	if err := natsbus.Check(c.NATSURL); err != nil {
		return store.Finding{About: "NATS", Said: err.Error() + ": start it, or mend NATS_URL; meanwhile events come by polling", Wrong: true}
	}
	return store.Finding{About: "NATS", Said: "it answers"}
}

// examineMessages says which channels leave the machine.
func (c Config) examineMessages(log *slog.Logger) store.Finding {
	if c.Development() {
		return store.Finding{About: "messages", Said: "shown at /dev/outbox, none leaves the machine"}
	}
	var missing []string
	served := c.senders(log)
	for _, channel := range []entmessage.Channel{entmessage.ChannelPush, entmessage.ChannelSms, entmessage.ChannelAlimtalk, entmessage.ChannelEmail} {
		if _, found := served[channel]; !found {
			missing = append(missing, string(channel))
		}
	}
	if len(missing) > 0 {
		return store.Finding{About: "messages", Said: "nothing sends " + strings.Join(missing, ", ") + ": requests that need one are refused", Wrong: true}
	}
	return store.Finding{About: "messages", Said: "every channel has a provider"}
}

// senders are the channels that this configuration serves.
func (c Config) senders(log *slog.Logger) map[entmessage.Channel]message.Sender {
	if c.Development() {
		return message.Development(log)
	}
	return nil
}

func (c Config) examineSignIn() store.Finding {
	if c.FacebookURL == "" {
		return store.Finding{About: "sign-in", Said: "without Facebook"}
	}
	if u, err := url.Parse(c.FacebookURL); err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return store.Finding{About: "sign-in", Said: "FACEBOOK_GRAPH_URL is no http address: mend it, or leave it empty for no sign-in with Facebook", Wrong: true}
	}
	return store.Finding{About: "sign-in", Said: "with Facebook as well"}
}

// examineLimits asks for the proxy that a server of people always has before it:
// the program speaks no TLS.
func (c Config) examineLimits() store.Finding {
	switch {
	case c.RateLimits == "off":
		return store.Finding{About: "limits", Said: "off"}
	case c.TrustedProxies == "" && !c.Development():
		return store.Finding{About: "limits", Said: "TRUSTED_PROXIES is empty: all who come through a proxy count as one client, or as nobody if it is on this machine", Wrong: true}
	}
	return store.Finding{About: "limits", Said: "by the client's address"}
}
