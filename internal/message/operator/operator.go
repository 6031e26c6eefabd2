// Package operator shows the outbox to whoever runs the program, and has messages sent
// again. No address and no secret leaves it. It imports internal/message and
// internal/store; it must not import the domain.
package operator

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/store"
)

// Service reads and changes the messages of all accounts.
type Service struct {
	store *store.Store
	clock func() time.Time
}

// New makes the service.
func New(db *store.Store, clock func() time.Time) *Service { return &Service{store: db, clock: clock} }

// Message is a message as an operator sees it.
type Message struct {
	ID      int
	Channel entmessage.Channel
	// Purpose is nil of a message that a release stored which did not say.
	Purpose *entmessage.Purpose
	// Recipient is masked.
	Recipient string
	State     entmessage.State
	// Text is empty of a secret message, and of one whose text is gone.
	Text             string
	IsSecret         bool
	Attempts, Checks int
	// Provider took the message, and knows it by ProviderID. LastError is the code of what
	// went wrong last. They are empty where there is none.
	Provider, ProviderID, LastError     string
	CreatedAt, DueAt                    time.Time
	ExpiresAt, SentAt, CheckAt, Arrived *time.Time
}

func newMessage(row *ent.Message) Message {
	m := Message{
		ID: row.ID, Channel: row.Channel, Purpose: row.Purpose, Recipient: message.MaskRecipient(row.Channel, row.To), State: row.State,
		Text: row.Text, IsSecret: message.IsSecret(row.Purpose), Attempts: row.Attempts, Checks: row.Checks,
		Provider: valueOf(row.Provider), ProviderID: valueOf(row.ProviderID), LastError: valueOf(row.LastError),
		CreatedAt: row.CreatedAt, DueAt: row.DueAt, ExpiresAt: row.ExpiresAt, SentAt: row.SentAt, CheckAt: row.CheckAt, Arrived: row.DeliveredAt,
	}
	if m.IsSecret {
		m.Text = ""
	}
	return m
}

func valueOf(stored *string) string {
	if stored == nil {
		return ""
	}
	return *stored
}

// Filter narrows a list. An empty State or Channel is any.
type Filter struct {
	State   entmessage.State
	Channel entmessage.Channel
	Limit   int
}

// List gives messages, the newest first; of one state, those first that were tried last.
func (s *Service) List(ctx context.Context, f Filter) ([]Message, error) {
	query := s.store.Read().Message.Query().Limit(f.Limit)
	if f.State == "" {
		query.Order(ent.Desc(entmessage.FieldID))
	} else {
		query.Where(entmessage.StateEQ(f.State)).Order(ent.Desc(entmessage.FieldDueAt, entmessage.FieldID))
	}
	if f.Channel != "" {
		query.Where(entmessage.ChannelEQ(f.Channel))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	messages := make([]Message, len(rows))
	for i, row := range rows {
		messages[i] = newMessage(row)
	}
	return messages, nil
}

// Show gives one message.
func (s *Service) Show(ctx context.Context, id int) (Message, error) {
	row, err := s.store.Read().Message.Get(ctx, id)
	if ent.IsNotFound(err) {
		return Message{}, fmt.Errorf("there is no message %d: those that have ended are kept for 30 days", id)
	}
	if err != nil {
		return Message{}, fmt.Errorf("read a message: %w", err)
	}
	return newMessage(row), nil
}

// Retry has a message that was given up, or has expired, sent as if it were new. The error
// says in the operator's words why that can't be.
func (s *Service) Retry(ctx context.Context, id int) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Message.Get(ctx, id)
		switch {
		case ent.IsNotFound(err):
			return fmt.Errorf("there is no message %d: those that have ended are kept for 30 days", id)
		case err != nil:
			return fmt.Errorf("read a message: %w", err)
		case row.State != entmessage.StateDead && row.State != entmessage.StateExpired:
			return fmt.Errorf("message %d is %s: only one that is dead or expired is sent again", id, row.State)
		case message.IsSecret(row.Purpose):
			return fmt.Errorf("message %d held a code or a link, and its text is gone: its recipient has to ask for a new one", id)
		case row.Text == "":
			return fmt.Errorf("message %d is not sent again: its text is gone", id)
		}
		update := tx.Message.Update().
			Where(entmessage.ID(id), entmessage.StateEQ(row.State)).
			SetState(entmessage.StatePending).SetDueAt(s.clock()).SetAttempts(0).SetChecks(0).
			ClearLeasedUntil().ClearLastError().ClearSentAt().ClearProvider().ClearProviderID().ClearCheckAt().ClearDeliveredAt()
		update.Modify(func(u *entsql.UpdateBuilder) { u.SetNull(entmessage.FieldExpiresAt) })
		if err := update.Exec(ctx); err != nil {
			return fmt.Errorf("send a message again: %w", err)
		}
		return nil
	})
}

// Count is how many messages of a channel are in a state.
type Count struct {
	Channel entmessage.Channel
	State   entmessage.State
	Count   int
}

// Counts gives how many messages wait, and how many have come to which state within the
// last day.
func (s *Service) Counts(ctx context.Context) ([]Count, error) {
	var all []Count
	for _, state := range []entmessage.State{
		entmessage.StatePending, entmessage.StateSent, entmessage.StateDelivered, entmessage.StateDead, entmessage.StateExpired,
	} {
		query := s.store.Read().Message.Query().Where(entmessage.StateEQ(state))
		if state != entmessage.StatePending {
			query.Where(entmessage.DueAtGTE(s.clock().Add(-24 * time.Hour)))
		}
		var counts []Count
		if err := query.GroupBy(entmessage.FieldChannel).Aggregate(ent.Count()).Scan(ctx, &counts); err != nil {
			return nil, fmt.Errorf("count messages: %w", err)
		}
		for i := range counts {
			counts[i].State = state
		}
		all = append(all, counts...)
	}
	return all, nil
}
