// Package message sends what goes out to people: push, SMS, Alimtalk, e-mail. A
// message is a row written in the transaction that causes it, at once a durable
// job and the record of what was sent. It imports ent and internal/store; it
// must not import the domain, whose words it does not know.
package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

// ErrNoSender is given for a channel that nothing serves: nothing is stored.
var ErrNoSender = errors.New("notify: no sender for the channel")

// ErrPermanent is wrapped by a Sender's error when trying again is of no use.
var ErrPermanent = errors.New("notify: refused for good")

// Message is one thing to send.
type Message struct {
	Channel entmessage.Channel
	// To is an E.164 phone, an e-mail address or a push token.
	To   string
	Text string
	// RootUserID is whose message it is; nil for a phone about to sign up.
	RootUserID *int
	// DedupKey names the intent: a second message with the same key is not
	// stored. Empty means no such check.
	DedupKey string
}

// Sender delivers a message to a provider. It is called again for a message
// whose outcome got lost, so ID is given to providers that can tell a repeat.
type Sender interface {
	Send(ctx context.Context, id int, m Message) error
}

// Config is what an Outbox needs.
type Config struct {
	Store *store.Store
	// Senders are the channels that are served.
	Senders map[entmessage.Channel]Sender
	// KeepText leaves the text in the row once it is sent, for development. It
	// may hold a code, so production blanks it.
	KeepText bool
	Clock    func() time.Time
	// Random spreads retries.
	Random io.Reader
	Log    *slog.Logger
	// OnTried is told of each try to send, once its outcome is stored: that state,
	// pending for one that is tried again. Nil is told nothing.
	OnTried func(channel entmessage.Channel, became entmessage.State)
}

// Outbox takes messages in and delivers them.
type Outbox struct {
	cfg     Config
	due     background.Signal // notified by the commit that stores a message
	running *background.Group
}

// New makes an Outbox; Start begins to deliver.
func New(cfg Config) *Outbox {
	if cfg.OnTried == nil {
		cfg.OnTried = func(entmessage.Channel, entmessage.State) {}
	}
	return &Outbox{cfg: cfg, due: background.NewSignal()}
}

// Enqueue stores the message in tx; it is sent after the commit, or never when
// tx is rolled back. It gives ErrNoSender where nothing serves the channel.
func (o *Outbox) Enqueue(ctx context.Context, tx *store.Tx, m Message) error {
	if _, served := o.cfg.Senders[m.Channel]; !served {
		return ErrNoSender
	}
	if known, err := alreadyStored(ctx, tx, m.DedupKey); known || err != nil {
		return err
	}
	now := o.cfg.Clock()
	create := tx.Message.Create().
		SetNillableRootUserID(m.RootUserID).
		SetChannel(m.Channel).
		SetTo(m.To).
		SetText(m.Text).
		SetDueAt(now).
		SetCreatedAt(now)
	if m.DedupKey != "" {
		create.SetDedupKey(m.DedupKey)
	}
	if err := create.Exec(ctx); err != nil {
		return fmt.Errorf("store a message: %w", err)
	}
	tx.AfterCommit(o.due.Notify)
	return nil
}

func alreadyStored(ctx context.Context, tx *store.Tx, dedupKey string) (bool, error) {
	if dedupKey == "" {
		return false, nil
	}
	return tx.Message.Query().Where(entmessage.DedupKey(dedupKey)).Exist(ctx)
}

// Sent is a message as the development page shows it.
type Sent struct {
	Channel   string    `json:"channel"`
	To        string    `json:"to"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
}

// Recent gives the messages to an address, or to any when it is empty, newest
// first, at most limit.
func (o *Outbox) Recent(ctx context.Context, to string, limit int) ([]Sent, error) {
	query := o.cfg.Store.Read().Message.Query().
		Order(ent.Desc(entmessage.FieldCreatedAt, entmessage.FieldID)).
		Limit(limit)
	if to != "" {
		query.Where(entmessage.To(to))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	recent := make([]Sent, len(rows))
	for i, row := range rows {
		recent[i] = Sent{Channel: row.Channel.String(), To: row.To, Text: row.Text, CreatedAt: row.CreatedAt}
	}
	return recent, nil
}
