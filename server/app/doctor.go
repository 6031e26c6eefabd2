package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/internal/store/admin"
)

// Examine checks everything that the program needs, without serving and without
// changing anything, and says in the operator's words what it found and what to do.
// No finding holds a secret: operators send the output to others.
func Examine(ctx context.Context, cfg Config, log *slog.Logger) []admin.Finding {
	findings := append(cfg.examineSettings(), cfg.examineKeys())
	database := cfg.Database()
	database.Log, database.Wait = log, 0 // a database that is away is a finding at once
	findings = append(findings, admin.Examine(ctx, database)...)
	if cfg.MigrateURL != "" {
		findings = append(findings, admin.ExamineMigration(ctx, database, cfg.MigrateDatabase()))
	}
	if !cfg.Development() {
		findings = append(findings, admin.ExamineTransport(database))
	}
	if cfg.Documents != "" {
		findings = append(findings, cfg.examineDocuments())
	}
	if cfg.Sunsets != "" {
		findings = append(findings, cfg.examineSunsets())
	}
	return append(findings, cfg.examineReplicas(), cfg.examineMessages(), cfg.examineSignIn(), cfg.examineLimits())
}

func (c Config) examineSettings() []admin.Finding {
	err := c.Check()
	if err == nil {
		return []admin.Finding{{Check: "settings", Detail: "complete for " + c.Environment()}}
	}
	var findings []admin.Finding
	for line := range strings.Lines(err.Error()) {
		findings = append(findings, admin.Finding{Check: "settings", Detail: strings.TrimSpace(line), Severity: admin.Wrong})
	}
	return findings
}

func (c Config) examineKeys() admin.Finding {
	keys, err := c.Keys()
	switch {
	case err != nil:
		return admin.Finding{Check: "keys", Detail: err.Error(), Severity: admin.Wrong}
	case c.TokenKeys == "" && !c.Development():
		return admin.Finding{Check: "keys", Detail: "the development key: anybody can forge tokens", Severity: admin.Wrong}
	case c.TokenKeys == "":
		return admin.Finding{Check: "keys", Detail: "the development key: anybody can forge tokens"}
	case len(keys.Guessable()) > 0:
		return admin.Finding{Check: "keys", Detail: "in development; production refuses " + strings.Join(keys.Guessable(), ", ")}
	}
	return admin.Finding{Check: "keys", Detail: fmt.Sprintf("%d, all random; the first signs", strings.Count(c.TokenKeys, ",")+1)}
}

func (c Config) examineReplicas() admin.Finding {
	if c.NATSURL == "" {
		return admin.Finding{Check: "NATS", Detail: "none: right for one replica; between several, events come by polling"}
	}
	if err := natsbus.Check(c.NATSURL); err != nil {
		return admin.Finding{Check: "NATS", Detail: err.Error() + ": start it, or mend NATS_URL; meanwhile events come by polling", Severity: admin.Wrong}
	}
	return admin.Finding{Check: "NATS", Detail: "it answers"}
}

// examineMessages says which channels have no provider, and what does not work without.
func (c Config) examineMessages() admin.Finding {
	senders, err := c.senders(Options{}.withDefaults())
	switch {
	case err != nil:
		return admin.Finding{Check: "messages", Detail: "the settings are wrong: see above", Severity: admin.Wrong}
	case c.Development():
		return admin.Finding{Check: "messages", Detail: "shown at /dev/outbox; none leaves the machine but those of a channel with a provider"}
	}
	var missing []string
	isNeeded := false
	for _, channel := range []entmessage.Channel{entmessage.ChannelPush, entmessage.ChannelSms, entmessage.ChannelAlimtalk, entmessage.ChannelEmail} {
		if _, found := senders[channel]; !found {
			missing = append(missing, string(channel))
			isNeeded = isNeeded || channel == entmessage.ChannelSms || channel == entmessage.ChannelEmail
		}
	}
	switch nothing := "nothing sends " + strings.Join(missing, ", "); {
	case isNeeded:
		return admin.Finding{Check: "messages", Detail: nothing + ": without SMS there is no sign-up, without e-mail no new password", Severity: admin.Wrong}
	case len(missing) > 0:
		return admin.Finding{Check: "messages", Detail: nothing + ": without push its messages are left out, without Alimtalk alerts go by SMS", Severity: admin.Warning}
	}
	return admin.Finding{Check: "messages", Detail: "every channel has a provider"}
}

// examineSignIn names the providers that vouch for people. Facebook was one without an app in
// former releases, so it is named where the app is what lacks.
func (c Config) examineSignIn() admin.Finding {
	names, err := c.providerNames()
	if err != nil {
		return admin.Finding{Check: "sign-in", Detail: "the settings are wrong: see above", Severity: admin.Wrong}
	}
	detail := "by no other provider"
	if len(names) > 0 {
		detail = "by " + strings.Join(names, ", ") + " as well"
	}
	if c.FacebookURL != "" && !slices.Contains(names, identity.ProviderFacebook.String()) {
		detail += "; by facebook once FACEBOOK_APP_ID and FACEBOOK_APP_SECRET are set"
	}
	return admin.Finding{Check: "sign-in", Detail: detail}
}

// examineLimits fails in production without TRUSTED_PROXIES. The program speaks no
// TLS, so there always is a proxy in front of it, whose address all clients would
// share.
func (c Config) examineLimits() admin.Finding {
	switch {
	case c.RateLimits == "off":
		return admin.Finding{Check: "limits", Detail: "off"}
	case c.TrustedProxies == "" && !c.Development():
		return admin.Finding{Check: "limits", Detail: "TRUSTED_PROXIES is empty: all who come through a proxy count as one client", Severity: admin.Wrong}
	}
	return admin.Finding{Check: "limits", Detail: "by the client's address"}
}
