package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store/admin"
	"luxbff/internal/text"
)

// sendTestWait is how long the doctor waits for what becomes of its message.
const sendTestWait = time.Minute

// SendTest sends one message to a phone in E.164 or an e-mail address, through the provider
// that serves its channel, and says what became of it. All is well once it is delivered, or
// taken by a provider that says no more.
func SendTest(ctx context.Context, cfg Config, o Options, to string) admin.Finding {
	detail, err := cfg.sendTest(ctx, o.withDefaults(), to)
	if err != nil {
		return admin.Finding{Check: "test message", Detail: err.Error(), Severity: admin.Wrong}
	}
	return admin.Finding{Check: "test message", Detail: detail}
}

func (c Config) sendTest(ctx context.Context, o Options, to string) (detail string, err error) {
	channel := entmessage.ChannelSms
	switch {
	case strings.Contains(to, "@") && text.ValidEmail(to):
		channel = entmessage.ChannelEmail
	case !text.ValidPhone(to):
		return "", errors.New("--send-test takes a phone as +821012345678 or an e-mail address")
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	texts, err := template.New()
	if err != nil {
		return "", err
	}
	senders, err := c.senders(o)
	if err != nil {
		return "", err
	}
	m, err := texts.Message(channel, entmessage.PurposeTest, to, template.LanguageOf(nil, &to), nil)
	if err != nil {
		return "", err
	}
	outbox := message.New(message.Config{Store: db, Senders: senders, KeepText: c.Development(), Clock: o.Clock, Random: o.Random, Log: o.Log})
	ctx, cancel := context.WithTimeout(ctx, sendTestWait)
	defer cancel()
	sent, err := outbox.Try(ctx, m)
	if errors.Is(err, message.ErrNoSender) {
		return "", fmt.Errorf("nothing sends %s: see the settings of its provider", channel)
	}
	if err != nil {
		return "", fmt.Errorf("it is not sent: %w", err)
	}
	what := fmt.Sprintf("message %d to %s", sent.ID, message.MaskRecipient(channel, to))
	switch {
	case sent.State == entmessage.StateDead && sent.LastError != nil:
		return "", fmt.Errorf("%s has failed: %s", what, *sent.LastError)
	case sent.State == entmessage.StateDelivered:
		return fmt.Sprintf("%s was delivered by %s", what, *sent.Provider), nil
	case sent.State == entmessage.StateSent && message.HasEnded(sent):
		return fmt.Sprintf("%s was taken by %s, which says no more", what, *sent.Provider), nil
	}
	return "", fmt.Errorf("%s is %s; what becomes of it is not known after %v: `server messages show %d` has it once it is", what, sent.State, sendTestWait, sent.ID)
}
