package message

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/background"
	"luxbff/internal/store"
)

// Config is what an Outbox needs.
type Config struct {
	Store *store.Store
	// Senders are the channels that can be sent on.
	Senders map[entmessage.Channel]Sender
	// KeepText leaves the text in the row once it is sent, for development. In
	// production it is cleared, as it may hold a code that lets somebody in.
	KeepText bool
	Clock    func() time.Time
	// Random spreads the retries of messages that failed together.
	Random io.Reader
	Log    *slog.Logger
	// IsLimited has messages counted: for their quotas, and for the channels of DailyLimits,
	// which say how many messages a day each of them has at most. A channel that is not there
	// has no such limit.
	IsLimited   bool
	DailyLimits map[entmessage.Channel]int
	// OnRefused is called with the name of a quota that is used up. It may be nil.
	OnRefused func(limit string)
	// OnTried is called after each try to send, once its outcome is stored, with the
	// state that the message has then: pending where it is tried again. It may be nil.
	OnTried func(channel entmessage.Channel, state entmessage.State)
	// OnChecked is called after each question to a provider what became of a message. It
	// may be nil.
	OnChecked func(channel entmessage.Channel, outcome Outcome)
	// OnPanic is called with each panic of a Sender, and of other work in the background,
	// which then goes on. Where it is nil, a panic ends the program.
	OnPanic func(ctx context.Context, p *background.Panic)
	// OnChanged is called with an account whose messages are others than before: once it is
	// stored that one is new, was tried or was asked about. It may be nil.
	OnChanged func(rootUserID int)
	// OnGone is called with an address that reaches nobody any more, in the transaction
	// that records its message as dead. It may be nil.
	OnGone func(ctx context.Context, tx *store.Tx, channel entmessage.Channel, address string) error
}

// Outbox takes messages in and delivers them.
type Outbox struct {
	cfg     Config
	due     background.Signal // notified by the commit that stores a message
	claimed lastTime          // when messages were claimed last
	running *background.Group
}

// New makes an Outbox, which delivers nothing before Start.
func New(cfg Config) *Outbox {
	if cfg.OnTried == nil {
		cfg.OnTried = func(entmessage.Channel, entmessage.State) {}
	}
	if cfg.OnChecked == nil {
		cfg.OnChecked = func(entmessage.Channel, Outcome) {}
	}
	if cfg.OnRefused == nil {
		cfg.OnRefused = func(string) {}
	}
	if cfg.OnChanged == nil {
		cfg.OnChanged = func(int) {}
	}
	if cfg.OnGone == nil {
		cfg.OnGone = func(context.Context, *store.Tx, entmessage.Channel, string) error { return nil }
	}
	return &Outbox{cfg: cfg, due: background.NewSignal()}
}

// Enqueue stores the message in tx; it is sent after the commit, or never when
// tx is rolled back. It gives ErrNoSender where nothing serves the channel. A quota that is
// used up fails the transaction when it is about to be committed: TooManyRequests.
func (o *Outbox) Enqueue(ctx context.Context, tx *store.Tx, m Message) error {
	if duplicate, err := isStored(ctx, tx, m.DedupKey); duplicate || err != nil {
		return err
	}
	stored, err := o.insert(ctx, tx, m)
	if err != nil {
		return err
	}
	o.countAtEnd(tx, stored.ID, m)
	tx.AfterCommit(o.due.Notify)
	o.changesAtCommit(tx, m.RootUserID)
	return nil
}

func (o *Outbox) insert(ctx context.Context, tx *store.Tx, m Message) (*ent.Message, error) {
	if !o.Serves(m.Channel) {
		return nil, ErrNoSender
	}
	if m.Purpose == "" {
		return nil, errNoPurpose
	}
	now := o.cfg.Clock()
	create := tx.Message.Create().
		SetNillableRootUserID(m.RootUserID).
		SetChannel(m.Channel).
		SetPurpose(m.Purpose).
		SetTo(m.To).
		SetText(m.Text).
		SetIsDeletedOnceSent(m.IsDeletedOnceSent).
		SetDueAt(now).
		SetCreatedAt(now)
	if m.DedupKey != "" {
		create.SetDedupKey(m.DedupKey)
	}
	if m.Title != "" {
		create.SetTitle(m.Title)
	}
	if m.HTML != "" {
		create.SetHTML(m.HTML)
	}
	if !m.ExpiresAt.IsZero() {
		create.SetExpiresAt(m.ExpiresAt)
	}
	stored, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("store a message: %w", err)
	}
	return stored, nil
}

// changesAtCommit has the account learn of the change that tx makes. A phone about to sign
// up has none.
func (o *Outbox) changesAtCommit(tx *store.Tx, rootUserID *int) {
	if rootUserID != nil {
		tx.AfterCommit(func() { o.cfg.OnChanged(*rootUserID) })
	}
}

// Serves reports whether messages can be sent on a channel.
func (o *Outbox) Serves(channel entmessage.Channel) bool {
	_, ok := o.cfg.Senders[channel]
	return ok
}

func isStored(ctx context.Context, tx *store.Tx, dedupKey string) (bool, error) {
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
	rows, err := o.RecentRows(ctx, to, limit)
	if err != nil {
		return nil, err
	}
	recent := make([]Sent, len(rows))
	for i, row := range rows {
		recent[i] = Sent{Channel: row.Channel.String(), To: row.To, Text: row.Text, CreatedAt: row.CreatedAt}
	}
	return recent, nil
}

// RecentRows is Recent with all that is stored of the messages.
func (o *Outbox) RecentRows(ctx context.Context, to string, limit int) ([]*ent.Message, error) {
	query := o.cfg.Store.Read().Message.Query().
		Order(ent.Desc(entmessage.FieldID)).
		Limit(limit)
	if to != "" {
		query.Where(entmessage.To(to))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return rows, nil
}
