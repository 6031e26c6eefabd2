// Package history shows an account its messages and what becomes of them. It reads the rows
// of the outbox and writes none. It imports internal/message, internal/store,
// internal/pubsub and internal/viewer; it must not import the domain.
package history

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/background"
	"luxbff/internal/message"
	"luxbff/internal/paging"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
)

const (
	// DefaultPageSize is how many messages a page holds when the client names no number.
	DefaultPageSize = 20
	// maxPageSize is how many messages a page may be asked to hold.
	maxPageSize = 100
	// cursorKind tells the cursors of messages from those of other connections.
	cursorKind = "message"
)

// Config is what the package needs from outside.
type Config struct {
	Store *store.Store
	// Hub notifies of accounts whose messages have changed.
	Hub *pubsub.Hub
	Log *slog.Logger
	// OnPanic is called with each panic in the background, which then goes on. Where it is
	// nil, a panic ends the program.
	OnPanic func(ctx context.Context, p *background.Panic)
}

// Service shows accounts their messages.
type Service struct {
	store   *store.Store
	hub     *pubsub.Hub
	log     *slog.Logger
	onPanic func(ctx context.Context, p *background.Panic)
	pollNow background.Signal
	running *background.Group // nil before Start

	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
}

// New makes the service. Its work in the background begins with [Service.Start].
func New(c Config) *Service {
	return &Service{
		store: c.Store, hub: c.Hub, log: c.Log, onPanic: c.OnPanic,
		pollNow: background.NewSignal(), subscribers: map[*subscriber]struct{}{},
	}
}

// Message is a message as its account sees it. What it says is not shown: it may hold a code
// or a link that lets somebody in.
type Message struct {
	ID      int
	Channel entmessage.Channel
	// Purpose is nil of a message that a release stored which did not say.
	Purpose *entmessage.Purpose
	// Recipient is masked: who has taken an account over must not learn the owner's address.
	Recipient           string
	Status              message.Status
	Reason              *message.Reason
	Attempts            int
	CreatedAt           time.Time
	SentAt, DeliveredAt *time.Time
}

// Cursor names the place of the message among those of its account.
func (m *Message) Cursor() string { return paging.Cursor(cursorKind, m.ID) }

func newMessage(row *ent.Message) *Message {
	return &Message{
		ID: row.ID, Channel: row.Channel, Purpose: row.Purpose,
		Recipient: message.MaskRecipient(row.Channel, row.To),
		Status:    message.StatusOf(row), Reason: message.ReasonOf(row), Attempts: row.Attempts,
		CreatedAt: row.CreatedAt, SentAt: row.SentAt, DeliveredAt: row.DeliveredAt,
	}
}

// shownColumns are those that a Message is made of. The texts of a message, which may be
// long, stay in the database.
func shownColumns() []string {
	return []string{
		entmessage.FieldID, entmessage.FieldRootUserID, entmessage.FieldChannel, entmessage.FieldPurpose, entmessage.FieldTo,
		entmessage.FieldState, entmessage.FieldAttempts, entmessage.FieldLastError, entmessage.FieldCreatedAt,
		entmessage.FieldSentAt, entmessage.FieldDeliveredAt, entmessage.FieldCheckAt,
	}
}

// NewestAlert gives the newest impedance alert to the account, nil if there is none.
func (s *Service) NewestAlert(ctx context.Context, rootUserID int) (*Message, error) {
	row, err := s.store.Read().Message.Query().
		Where(entmessage.RootUserID(rootUserID), entmessage.PurposeEQ(entmessage.PurposeImpedanceAlert)).
		Order(ent.Desc(entmessage.FieldID)).
		Select(shownColumns()...).
		First(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, nil //nolint:nilnil // it has been sent, and is pruned already
	case err != nil:
		return nil, fmt.Errorf("find an alert: %w", err)
	}
	return newMessage(row), nil
}

// PageParams are the arguments of a Relay connection that is read one way.
type PageParams struct {
	First *int
	After *string
}

// Page is one page of an account's messages, newest first. HasNext reports that there are
// older ones than those of the page, HasPrevious that there are newer ones.
type Page struct {
	Messages             []*Message
	HasNext, HasPrevious bool
}

// List returns a page of the messages to the account, in the order of their ids. Messages to
// a phone before it signed up have no account and are nobody's. It costs one statement, and
// a second where the cursor names a message that is gone.
//
// Errors: BadRequest (first), CursorNotValid.
func (s *Service) List(ctx context.Context, rootUserID int, p PageParams) (Page, error) {
	size := DefaultPageSize
	if p.First != nil {
		size = *p.First
	}
	if size < 0 || size > maxPageSize {
		return Page{}, apperr.BadRequest.WithField("first")
	}
	after, err := paging.ParseCursor(cursorKind, "after", p.After)
	if err != nil {
		return Page{}, err
	}
	// The message that the cursor names is read too, and one more than asked for: so the one
	// statement shows what is on either side of the page.
	query := s.store.Read().Message.Query().
		Where(entmessage.RootUserID(rootUserID)).
		Order(ent.Desc(entmessage.FieldID)).
		Limit(size + 2)
	if after != 0 {
		query.Where(entmessage.IDLTE(after))
	}
	rows, err := query.Select(shownColumns()...).All(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("read the messages of an account: %w", err)
	}
	var page Page
	switch {
	case len(rows) > 0 && rows[0].ID == after:
		rows, page.HasPrevious = rows[1:], true
	case after != 0:
		page.HasPrevious, err = s.store.Read().Message.Query().Where(entmessage.RootUserID(rootUserID), entmessage.IDGT(after)).Exist(ctx)
		if err != nil {
			return Page{}, fmt.Errorf("look for messages before a page: %w", err)
		}
	}
	if len(rows) > size {
		rows, page.HasNext = rows[:size], true
	}
	page.Messages = make([]*Message, len(rows))
	for i, row := range rows {
		page.Messages[i] = newMessage(row)
	}
	return page, nil
}
