package message_test

import (
	"testing"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
)

func TestMaskRecipient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel  entmessage.Channel
		to, want string
	}{
		{entmessage.ChannelSms, "+821012345678", "+8210****5678"},
		{entmessage.ChannelAlimtalk, "+821012345678", "+8210****5678"},
		{entmessage.ChannelSms, "+14155550123", "+141****0123"},
		{entmessage.ChannelSms, "+12345678", "+****5678"},
		{entmessage.ChannelSms, "+1234567", "****"},
		{entmessage.ChannelSms, "", "****"},
		{entmessage.ChannelEmail, "parent@example.com", "p***@example.com"},
		{entmessage.ChannelEmail, "p@example.com", "p***@example.com"},
		{entmessage.ChannelEmail, "é@example.com", "é***@example.com"},
		{entmessage.ChannelEmail, `"a@b"@example.com`, `"***@example.com`},
		{entmessage.ChannelEmail, "@example.com", "***"},
		{entmessage.ChannelEmail, "nobody", "***"},
		{entmessage.ChannelPush, "dQw4w9WgXcQ:APA91bExample", "dQw4w9…"},
		{entmessage.ChannelPush, "short-token", "…"},
		{entmessage.ChannelPush, "", "…"},
		{"pigeon", "anything", "***"},
	} {
		if got := message.MaskRecipient(c.channel, c.to); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.channel, c.to, got, c.want)
		}
	}
}
