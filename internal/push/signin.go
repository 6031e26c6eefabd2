package push

import (
	"context"
	"strings"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
)

// NewSignIn says to each device of the account that an app has signed in which it did not
// know, in the transaction of the sign-in. The app's own phone is not among them yet: it sets
// its token once it is signed in. It is for the account's safety, so neither consent to push
// nor a muted device holds it back. name and version are nil where the app says nothing of
// itself. It says nothing where push has no sender.
func (s *Service) NewSignIn(ctx context.Context, tx *store.Tx, u *ent.User, name, version *string) error {
	if s == nil || !s.outbox.Serves(entmessage.ChannelPush) {
		return nil
	}
	values := template.Values{template.App: appName(name, version), template.At: template.Moment(s.now())}
	// Nobody may prevent it by using up the messages of a day.
	return s.toDevices(ctx, tx, u, entmessage.PurposeNewSignIn, values, "", message.SendBeyond)
}

// appName is what a message calls an app. The app chooses its name, and whoever has the
// password chooses the app: so a name stands there only where it can be no sentence, no
// address and no number to call.
func appName(name, version *string) string {
	const unknown, longest = "?", 24
	if name == nil || len(*name) > longest || strings.ContainsFunc(*name, isNoLetter) {
		return unknown
	}
	if version == nil || len(*version) > longest || strings.ContainsFunc(*version, isNoVersion) {
		return *name
	}
	return *name + " " + *version
}

func isNoLetter(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' }

func isNoVersion(c rune) bool { return (c < '0' || c > '9') && c != '.' }
