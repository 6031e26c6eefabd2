package message

import (
	"context"
	"log/slog"

	entmessage "luxbff/ent/message"
)

// Development serves every channel without sending anything: GET /dev/outbox
// shows the rows.
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

// Send tells the log that a message would have gone out; neither its address
// nor its text belongs there.
func (s developmentSender) Send(ctx context.Context, id int, m Message) error {
	s.log.InfoContext(ctx, "message sent in development", "channel", m.Channel, "id", id)
	return nil
}
