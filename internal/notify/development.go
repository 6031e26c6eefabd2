package notify

import (
	"context"
	"log/slog"

	"luxbff/ent/message"
)

// Development serves every channel without sending anything: GET /dev/outbox
// shows the rows.
func Development(log *slog.Logger) map[message.Channel]Sender {
	sender := developmentSender{log: log}
	return map[message.Channel]Sender{
		message.ChannelPush:     sender,
		message.ChannelSms:      sender,
		message.ChannelAlimtalk: sender,
		message.ChannelEmail:    sender,
	}
}

type developmentSender struct{ log *slog.Logger }

// Send tells the log that a message would have gone out; neither its address
// nor its text belongs there.
func (s developmentSender) Send(ctx context.Context, id int, m Message) error {
	s.log.InfoContext(ctx, "message sent in development", "channel", m.Channel, "id", id)
	return nil
}
