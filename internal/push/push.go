// Package push says to the devices of an account what they are pushed, and knows their
// tokens: a token that FCM gives up, or that no app has set for long, is removed. It imports
// ent, internal/store and internal/message; it must not import the packages that cause
// messages (auth, account, devlog), which import it.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/ent/pushdevice"
	"luxbff/ent/user"
	"luxbff/internal/background"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
)

// goodFor is how long a message is worth sending: by then its news are old.
const goodFor = 24 * time.Hour

// Config is what a Service needs.
type Config struct {
	Store  *store.Store
	Outbox *message.Outbox
	Texts  *template.Texts
	// Clock gives the time in UTC, cut to milliseconds.
	Clock func() time.Time
	Log   *slog.Logger
	// OnPanic is called with each panic in the background, which then goes on. Where it is
	// nil, a panic ends the program.
	OnPanic func(ctx context.Context, p *background.Panic)
}

// Service pushes to the devices of accounts. A nil Service says nothing.
type Service struct {
	store      *store.Store
	outbox     *message.Outbox
	texts      *template.Texts
	now        func() time.Time
	log        *slog.Logger
	onPanic    func(ctx context.Context, p *background.Panic)
	background *background.Group // nil until Start

	pruning sync.Mutex // held by Prune
	// prunedUsers and prunedDevices are the ids up to which the last run of Prune has come.
	prunedUsers, prunedDevices int
}

// New makes a Service.
func New(cfg Config) *Service {
	return &Service{store: cfg.Store, outbox: cfg.Outbox, texts: cfg.Texts, now: cfg.Clock, log: cfg.Log, onPanic: cfg.OnPanic}
}

// FaultyContacts says to each device of the account that a treatment ended because of faulty
// contacts, once for each of the logs, in the transaction that stores them. It says nothing
// where the account has not agreed to push or has muted its device, or where push has no
// sender.
func (s *Service) FaultyContacts(ctx context.Context, tx *store.Tx, rootUserID int, devlogIDs []int) error {
	if s == nil || len(devlogIDs) == 0 || !s.outbox.Serves(entmessage.ChannelPush) {
		return nil
	}
	u, err := tx.User.Query().Where(user.ID(rootUserID)).WithConsent().Only(ctx)
	if err != nil {
		return fmt.Errorf("read an account: %w", err)
	}
	if u.Edges.Consent == nil || !u.Edges.Consent.IsPushAgree || u.IsDeviceMuted {
		return nil
	}
	for _, id := range devlogIDs {
		intent := "faulty-contacts:" + strconv.Itoa(id)
		// No limit of messages may keep a treatment from being stored.
		if err := s.toDevices(ctx, tx, u, entmessage.PurposeFaultyContacts, nil, intent, message.DropBeyond); err != nil {
			return err
		}
	}
	return nil
}

// toDevices stores a message once for each device of the account. intent is what makes two
// messages to one device the same; empty for nothing.
func (s *Service) toDevices(
	ctx context.Context, tx *store.Tx, u *ent.User, purpose entmessage.Purpose, values template.Values, intent string, beyond message.Beyond,
) error {
	tokens, err := tokensOf(ctx, tx, u)
	if err != nil || len(tokens) == 0 {
		return err
	}
	m, err := s.texts.Message(entmessage.ChannelPush, purpose, "", template.LanguageOf(u.NationalCode, u.Phone), values)
	if err != nil {
		return err
	}
	m.RootUserID, m.ExpiresAt, m.Beyond = &u.ID, s.now().Add(goodFor), beyond
	for _, token := range tokens {
		m.To = token
		if intent != "" {
			digest := sha256.Sum256([]byte(token))
			m.DedupKey = intent + ":" + hex.EncodeToString(digest[:16])
		}
		if err := s.outbox.Enqueue(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// tokensOf gives the push token of LUX and Addnox, and the registration ids of SNUTT. One
// text in both is one phone.
func tokensOf(ctx context.Context, tx *store.Tx, u *ent.User) ([]string, error) {
	tokens, err := tx.PushDevice.Query().
		Where(pushdevice.RootUserID(u.ID)).
		Order(ent.Asc(pushdevice.FieldID)).
		Select(pushdevice.FieldRegistrationID).
		Strings(ctx)
	if err != nil {
		return nil, fmt.Errorf("read push devices: %w", err)
	}
	if u.PushToken != nil && !slices.Contains(tokens, *u.PushToken) {
		tokens = append([]string{*u.PushToken}, tokens...)
	}
	return tokens, nil
}

// Forget removes a push token that reaches nobody any more, whoever has it. Another one that
// the account has set meanwhile stays. Addresses of other channels are not its business.
func Forget(ctx context.Context, tx *store.Tx, channel entmessage.Channel, token string) error {
	if channel != entmessage.ChannelPush {
		return nil
	}
	err := tx.User.Update().Where(user.PushToken(token)).ClearPushToken().ClearPushTokenSetAt().Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove a push token: %w", err)
	}
	if _, err := tx.PushDevice.Delete().Where(pushdevice.RegistrationID(token)).Exec(ctx); err != nil {
		return fmt.Errorf("remove a push device: %w", err)
	}
	return nil
}
