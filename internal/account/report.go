package account

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/internal/auth"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// reports tell the owner of an account what was changed, at the address and the phone that
// the account had before: a thief who changes them is seen by whoever had them. A report is
// a row of the transaction that makes the change, so there is none without the other. It
// goes to both, because the thief may have one of them: the phone that was lost, or the
// mailbox that was left open.
type reports struct {
	auth   *auth.Service
	outbox *message.Outbox
	texts  *template.Texts
	limits *ratelimit.Limiter
	now    func() time.Time
}

// add reports a change of the account. It is called before the change is made, in its
// transaction. Errors: TooManyRequests, for an account that changes too often: without
// that it could have any number of messages sent to an address that is not its owner's.
func (r *reports) add(ctx context.Context, tx *store.Tx, u *ent.User, what template.Phrase) error {
	return r.addLink(ctx, tx, u, what, "")
}

// addLink is add for a link to a provider that is made or removed. Of other changes the
// provider is empty.
func (r *reports) addLink(ctx context.Context, tx *store.Tx, u *ent.User, what template.Phrase, provider identity.Provider) error {
	if err := r.limits.Change(u.ID); err != nil {
		return err
	}
	to, err := r.owner(ctx, tx, u)
	if err != nil {
		return err
	}
	return r.send(ctx, tx, u, to, report{
		change: what, advice: template.AdviseReset, beyond: message.RefuseBeyond, provider: provider.String(),
	})
}

// addUnlimited is for what an owner does to get an account back, or to leave it: a thief
// who changes things until the limit is reached must not be able to prevent that. Each
// such change is bounded by itself. So the report goes out though its channel has had its
// day's messages.
func (r *reports) addUnlimited(ctx context.Context, tx *store.Tx, u *ent.User, what, advice template.Phrase) error {
	to, err := r.owner(ctx, tx, u)
	if err != nil {
		return err
	}
	return r.send(ctx, tx, u, to, report{change: what, advice: advice, beyond: message.SendBeyond})
}

// addEmail reports that the account takes another address. The mail to one by which the
// account is found holds a link that takes it back. There is none for an address that
// nobody has proved to be the owner's; nor where the new address is one that the account
// gave up a short while ago: its owner may be taking it back in the app, and whoever had the
// account meanwhile must not be given a link.
func (r *reports) addEmail(ctx context.Context, tx *store.Tx, u *ent.User, address string) error {
	if err := r.limits.Change(u.ID); err != nil {
		return err
	}
	to, err := r.owner(ctx, tx, u)
	if err != nil {
		return err
	}
	isBack, err := r.auth.Codes.CanRevertTo(ctx, tx, u.ID, address)
	if err != nil {
		return err
	}
	if !isBack && to.isProved && text.NormalizeEmail(to.email) != text.NormalizeEmail(address) {
		to.link, err = r.auth.Codes.RevertLink(ctx, tx, u.ID, auth.GivenUpEmail{Address: to.email, IsVerified: to.isVerified})
		if err != nil {
			return err
		}
	}
	return r.send(ctx, tx, u, to, report{change: template.EmailChanged, advice: template.AdviseReset, beyond: message.RefuseBeyond})
}

// owner is where the owner of an account is reached.
type owner struct {
	// email and phone are empty where there is none.
	email, phone string
	// isProved says that the account is found by the address, or was until it took one
	// that nobody has verified; isVerified that it had verified the address by a code.
	isProved, isVerified bool
	// link takes the address back; empty for none. It is for the mail alone.
	link string
}

// owner finds the address that is the owner's most likely. One that waits to be verified
// may be a thief's: the one by which the account is found comes first, then the one that it
// had verified before.
func (r *reports) owner(ctx context.Context, tx *store.Tx, u *ent.User) (owner, error) {
	held, err := r.auth.Identities.OfUser(ctx, tx.Client, u.ID, identity.ProviderEmail)
	if err != nil {
		return owner{}, err
	}
	var to owner
	if u.Phone != nil {
		to.phone = *u.Phone
	}
	switch {
	case len(held) > 0:
		to.email, to.isProved = held[0].Subject, true
	case u.PreviousVerifiedEmail != nil:
		to.email, to.isProved = *u.PreviousVerifiedEmail, true
	case u.Email != nil:
		to.email = *u.Email
	}
	if u.PreviousVerifiedEmail != nil {
		to.isVerified = *u.PreviousVerifiedEmail == to.email
	}
	if u.Email != nil && text.NormalizeEmail(*u.Email) == text.NormalizeEmail(to.email) {
		to.email = *u.Email // as it was typed
		to.isVerified = to.isVerified || u.IsEmailVerified
	}
	return to, nil
}

// isFlooded reports whether an address, which need not be the owner's, has had too many
// reports. The change is made without: a stranger's mailbox must not be what stops it.
func (r *reports) isFlooded(to owner) bool {
	return !to.isProved && !to.isVerified && r.limits.Report(text.NormalizeEmail(to.email)) != nil
}

// report is what a report says, and what becomes of it when its channel has had its day's
// messages.
type report struct {
	change, advice template.Phrase
	beyond         message.Beyond
	// provider is whose link was made or removed; empty for other changes.
	provider string
}

// send stores the messages. Where nothing serves a channel, the change is made without the
// message: the owner is not helped by an account that can't be changed.
func (r *reports) send(ctx context.Context, tx *store.Tx, u *ent.User, to owner, what report) error {
	values := template.Values{
		template.Change: string(what.change), template.Advice: string(what.advice), template.At: template.Moment(r.now()),
	}
	if name := what.provider; name != "" {
		values[template.Provider] = strings.ToUpper(name[:1]) + name[1:]
	}
	mail := maps.Clone(values)
	if to.link != "" {
		mail[template.Advice], mail[template.Link] = string(template.AdviseRevert), to.link
		mail[template.Hours] = strconv.Itoa(int(auth.ReportLifetime.Hours()))
	}
	for _, c := range []struct {
		channel entmessage.Channel
		to      string
		values  template.Values
	}{
		{entmessage.ChannelEmail, to.email, mail},
		{entmessage.ChannelSms, to.phone, values},
	} {
		if c.to == "" || c.channel == entmessage.ChannelEmail && r.isFlooded(to) {
			continue
		}
		m, err := r.texts.Message(c.channel, entmessage.PurposeAccountReport, c.to, template.LanguageOf(u.NationalCode, u.Phone), c.values)
		if err != nil {
			return err
		}
		m.RootUserID, m.Beyond, m.IsDeletedOnceSent = &u.ID, what.beyond, what.change == template.AccountDeleted
		if err := r.outbox.Enqueue(ctx, tx, m); err != nil && !errors.Is(err, message.ErrNoSender) {
			return err
		}
	}
	return nil
}
