package account

import (
	"context"
	"errors"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	entmessage "luxbff/ent/message"
	"luxbff/internal/auth"
	"luxbff/internal/message"
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
	limits *ratelimit.Limiter
	now    func() time.Time
}

// change is what has happened to an account, as the report begins with it.
type change string

const (
	emailChanged     change = "The e-mail address of your account was changed"
	emailReverted    change = "The e-mail address of your account was taken back by whoever had it before"
	phoneChanged     change = "The phone number of your account was changed"
	passwordChanged  change = "The password of your account was changed"
	passwordReset    change = "The password of your account was reset by e-mail"
	localIDAdded     change = "An ID to sign in by was added to your account"
	facebookLinked   change = "A Facebook account was linked to your account"
	facebookUnlinked change = "The link of your account to Facebook was removed"
	accountDeleted   change = "Your account was deleted"
	resetAdvice             = "have a link to choose a new password mailed to you in the app: that signs everybody out."
	deletionAdvice          = "change the password that you used wherever else you use it, and write to our support."
	undoneAdvice            = "write to our support."
	revertAdvice            = "open this link within 72 hours: it gives you the address back and signs everybody out. "
	atLayout                = "2006-01-02 15:04 UTC"
)

// add reports a change of the account. It is called before the change is made, in its
// transaction. Errors: TooManyRequests, for an account that changes too often: without
// that it could have any number of messages sent to an address that is not its owner's.
func (r *reports) add(ctx context.Context, tx *store.Tx, u *ent.User, what change) error {
	if err := r.limits.Change(u.ID); err != nil {
		return err
	}
	return r.addUnlimited(ctx, tx, u, what, resetAdvice)
}

// addUnlimited is for what an owner does to get an account back, or to leave it: a thief
// who changes things until the limit is reached must not be able to prevent that. Each
// such change is bounded by itself.
func (r *reports) addUnlimited(ctx context.Context, tx *store.Tx, u *ent.User, what change, advice string) error {
	to, err := r.owner(ctx, tx, u)
	if err != nil {
		return err
	}
	return r.send(ctx, tx, u, to, what, advice)
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
	if isBack || !to.isProved || text.NormalizeEmail(to.email) == text.NormalizeEmail(address) {
		return r.send(ctx, tx, u, to, emailChanged, resetAdvice)
	}
	link, err := r.auth.Codes.RevertLink(ctx, tx, u.ID, auth.GivenUpEmail{Address: to.email, IsVerified: to.isVerified})
	if err != nil {
		return err
	}
	to.link = link
	return r.send(ctx, tx, u, to, emailChanged, resetAdvice)
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

// send stores the messages. Where nothing serves a channel, the change is made without the
// message: the owner is not helped by an account that can't be changed.
func (r *reports) send(ctx context.Context, tx *store.Tx, u *ent.User, to owner, what change, advice string) error {
	begin := string(what) + " (" + r.now().UTC().Format(atLayout) + "). Was it not you? Then "
	mail := begin + advice
	if to.link != "" {
		mail = begin + revertAdvice + to.link
	}
	for _, m := range []message.Message{
		{Channel: entmessage.ChannelEmail, To: to.email, Text: mail},
		{Channel: entmessage.ChannelSms, To: to.phone, Text: begin + advice},
	} {
		if m.To == "" || m.Channel == entmessage.ChannelEmail && r.isFlooded(to) {
			continue
		}
		m.Purpose, m.RootUserID, m.IsDeletedOnceSent = entmessage.PurposeAccountReport, &u.ID, what == accountDeleted
		if err := r.outbox.Enqueue(ctx, tx, m); err != nil && !errors.Is(err, message.ErrNoSender) {
			return err
		}
	}
	return nil
}
