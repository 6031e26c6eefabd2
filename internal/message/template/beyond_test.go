package template_test

import (
	"testing"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
)

// TestWhatNobodyAskedForIsDroppedBeyondTheLimit, as what causes it must go on.
func TestWhatNobodyAskedForIsDroppedBeyondTheLimit(t *testing.T) {
	t.Parallel()
	texts, err := template.New()
	if err != nil {
		t.Fatal(err)
	}
	for purpose, want := range map[entmessage.Purpose]message.Beyond{
		entmessage.PurposeNewSignIn: message.DropBeyond, entmessage.PurposeFaultyContacts: message.DropBeyond,
		entmessage.PurposeTest: message.RefuseBeyond, entmessage.PurposeImpedanceAlert: message.RefuseBeyond,
	} {
		m, err := texts.Message(entmessage.ChannelSms, purpose, "+821012345678", template.Korean, template.Values{template.App: "app", template.At: "now"})
		if err != nil || m.Beyond != want {
			t.Errorf("%s: %v, %v", purpose, m.Beyond, err)
		}
	}
}
