package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/operator"
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
	o := Options{}.withDefaults()
	senders, err := c.senders(o)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	inDevelopment := message.Development(o.Log)
	providers := map[entmessage.Channel]string{
		entmessage.ChannelPush: "fcm", entmessage.ChannelAlimtalk: "solapi", entmessage.ChannelEmail: "smtp",
	}
	for _, channel := range Channels() {
		sms, isRouted := senders[channel].(smsByCountry)
		switch {
		case isRouted:
			providers[channel] = sms.String()
		case senders[channel] == nil:
			providers[channel] = "nowhere: requests that need it are refused"
		case senders[channel] == inDevelopment[channel]:
			providers[channel] = "/dev/outbox"
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
