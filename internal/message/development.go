package message

import (
	"context"
	"log/slog"

	entmessage "luxbff/ent/message"
)

// Development gives a Sender for every channel that sends nothing: GET /dev/outbox
// shows the messages.
func Development(log *slog.Logger) map[entmessage.Channel]Sender {
	sender := developmentSender{log: log}
	return map[entmessage.Channel]Sender{
		entmessage.ChannelPush:     sender,
		entmessage.ChannelSms:      sender,
		entmessage.ChannelAlimtalk: sender,
		entmessage.ChannelEmail:    sender,
	}
}

type developmentSender struct{ log *slog.Logger }

// Send logs that a message would have gone out. Its address is personal data and its
// text may hold a code, so neither is logged.
func (s developmentSender) Send(ctx context.Context, id int, m Message) (Accepted, error) {
	s.log.InfoContext(ctx, "message sent in development", "channel", m.Channel, "id", id)
	return Accepted{Provider: "development"}, nil
}
