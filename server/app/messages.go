package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message/fcm"
	"luxbff/internal/message/operator"
	"luxbff/internal/message/smtp"
	"luxbff/internal/message/solapi"
	"luxbff/internal/store"
)

// openStore opens the database alone, for a command beside the programs that serve it:
// nothing of the program's own work runs in the background meanwhile.
func openStore(ctx context.Context, cfg Config) (*store.Store, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	db, err := store.Open(ctx, cfg.Database())
	if err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, cfg, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// OpenMessages opens the outbox for an operator. CloseStore closes the database.
func OpenMessages(ctx context.Context, cfg Config) (messages *operator.Service, closeStore func() error, err error) {
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return operator.New(db, Options{}.withDefaults().Clock), db.Close, nil
}

// Channels are those of messages, in the order in which they are shown.
func Channels() []entmessage.Channel {
	return []entmessage.Channel{entmessage.ChannelPush, entmessage.ChannelSms, entmessage.ChannelAlimtalk, entmessage.ChannelEmail}
}

// MessageProviders says where the messages of each channel go.
func (c Config) MessageProviders() (map[entmessage.Channel]string, error) {
	senders, err := c.senders(Options{}.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	providers := map[entmessage.Channel]string{}
	for _, channel := range Channels() {
		switch sender := senders[channel].(type) {
		case nil:
			providers[channel] = "nowhere: requests that need it are refused"
		case smsByCountry:
			providers[channel] = sender.String()
		case *solapi.Sender:
			providers[channel] = "solapi"
		case *smtp.Sender:
			providers[channel] = "smtp"
		case *fcm.Sender:
			providers[channel] = "fcm"
		default:
			providers[channel] = "the sandbox, /dev/outbox"
		}
	}
	return providers, nil
}

// String lists the routes, as SMS_ROUTES spells them.
func (s smsByCountry) String() string {
	var routes []string
	for _, country := range slices.Backward(slices.Sorted(maps.Keys(s.routes))) {
		routes = append(routes, country+":"+s.routes[country])
	}
	return strings.Join(routes, ",")
}
