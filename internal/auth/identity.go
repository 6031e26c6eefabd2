package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/predicate"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// maxSubject is the longest subject that is stored, in characters.
const maxSubject = 254

// Identities keeps the ways by which an account is found: its e-mail, phone,
// local id, and its accounts at social providers. Each is a row with a provider
// and a subject, and among accounts that are not deleted a subject has one
// holder. E-mail addresses and local ids are compared without regard to case.
type Identities struct {
	digest      keyedDigest
	rejoinAfter time.Duration
	providers   map[string]SocialProvider
	now         func() time.Time
}

func newIdentities(cfg Config) (*Identities, error) {
	secrets, err := cfg.Keys.Secrets("deleted identities")
	if err != nil {
		return nil, err
	}
	return &Identities{
		digest: secrets, rejoinAfter: cfg.RejoinAfter, providers: cfg.Providers, now: cfg.Clock,
	}, nil
}

// normalize gives the form in which a subject is stored and compared.
func normalize(provider identity.Provider, subject string) string {
	switch provider {
	case identity.ProviderEmail:
		return text.NormalizeEmail(subject)
	case identity.ProviderLocal:
		return strings.ToLower(subject)
	default:
		return subject
	}
}

// Find gives the identity that holds the subject now, with its account, or nil. A
// sign-up of Addnox that is not complete holds nothing: see [Identities.FindBegun].
func (i *Identities) Find(
	ctx context.Context, client *ent.Client, provider identity.Provider, subject string,
) (*ent.Identity, error) {
	subject = normalize(provider, subject)
	// What can't be stored nobody holds, and PostgreSQL refuses even to be asked
	// for text with a NUL.
	if !text.Clean(subject, maxSubject) {
		return nil, nil
	}
	found, err := client.Identity.Query().
		Where(
			identity.ProviderEQ(provider), identity.Subject(subject),
			identity.RootUserIDNotNil(), identity.DeletedAtIsNil(),
		).
		WithRootUser().
		First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find an identity: %w", err)
	}
	return found, nil
}

// begun are the sign-ups of Addnox with the e-mail that are not complete.
func begun(email string) predicate.Identity {
	return identity.And(
		identity.ProviderEQ(identity.ProviderEmail), identity.Subject(text.NormalizeEmail(email)),
		identity.RootUserIDIsNil(), identity.DeletedAtIsNil(),
	)
}

// FindBegun gives the newest sign-up of Addnox with the e-mail that is not complete and
// meets the conditions, or nil.
func (i *Identities) FindBegun(
	ctx context.Context, client *ent.Client, email string, conditions ...predicate.Identity,
) (*ent.Identity, error) {
	if !text.Clean(text.NormalizeEmail(email), maxSubject) { // as in Find
		return nil, nil
	}
	found, err := client.Identity.Query().
		Where(begun(email)).
		Where(conditions...).
		Order(ent.Desc(identity.FieldID)).
		First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a begun sign-up: %w", err)
	}
	return found, nil
}

// TrimBegun removes all sign-ups of Addnox with the e-mail that are not complete but the
// newest ones, as many as are to be kept. The caller has locked the e-mail.
func (i *Identities) TrimBegun(ctx context.Context, tx *store.Tx, email string, keep int) error {
	ids, err := tx.Identity.Query().Where(begun(email)).Order(ent.Desc(identity.FieldID)).Offset(keep).IDs(ctx)
	if err != nil {
		return fmt.Errorf("find old sign-ups: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.Identity.Delete().Where(identity.IDIn(ids...)).Exec(ctx); err != nil {
		return fmt.Errorf("remove old sign-ups: %w", err)
	}
	return nil
}

// OfUser gives the identities of an account, oldest first, of the providers
// named or, if none is, of all.
func (i *Identities) OfUser(
	ctx context.Context, client *ent.Client, rootUserID int, providers ...identity.Provider,
) ([]*ent.Identity, error) {
	query := client.Identity.Query().
		Where(identity.RootUserID(rootUserID), identity.DeletedAtIsNil()).
		Order(ent.Asc(identity.FieldID))
	if len(providers) > 0 {
		query.Where(identity.ProviderIn(providers...))
	}
	found, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	return found, nil
}

// Has reports whether the account has an identity of the provider.
func (i *Identities) Has(
	ctx context.Context, client *ent.Client, rootUserID int, provider identity.Provider,
) (bool, error) {
	found, err := i.OfUser(ctx, client, rootUserID, provider)
	return len(found) > 0, err
}

// NeedsEmail reports whether its e-mail is the only way to sign in that the account has.
func (i *Identities) NeedsEmail(ctx context.Context, client *ent.Client, u *ent.User) (bool, error) {
	if u.PasswordHash == nil {
		return false, nil
	}
	held, err := i.OfUser(ctx, client, u.ID)
	isOther := func(one *ent.Identity) bool {
		return one.Provider != identity.ProviderEmail && one.Provider != identity.ProviderPhone
	}
	return !slices.ContainsFunc(held, isOther), err
}

// CheckPhoneFree says whether an account may take the phone. rootUserID is the
// account that may have it already, 0 for none. Errors: PhoneTaken,
// UserPreviouslyDeleted.
func (i *Identities) CheckPhoneFree(ctx context.Context, client *ent.Client, phone string, rootUserID int) error {
	holder, err := i.Find(ctx, client, identity.ProviderPhone, phone)
	switch {
	case err != nil:
		return err
	case holder == nil:
		return i.CheckRejoin(ctx, client, phone)
	case !isHeldBy(holder, rootUserID):
		return apperr.PhoneTaken.WithField("input.phone")
	}
	return nil
}

// CheckRejoin refuses the phone of an account that was deleted within
// Config.RejoinAfter. Errors: UserPreviouslyDeleted.
func (i *Identities) CheckRejoin(ctx context.Context, client *ent.Client, phone string) error {
	if i.rejoinAfter <= 0 {
		return nil
	}
	deleted, err := i.wasDeleted(ctx, client, identity.ProviderPhone, phone, i.now().Add(-i.rejoinAfter))
	if err == nil && deleted {
		return apperr.UserPreviouslyDeleted.WithField("input.phone")
	}
	return err
}

// wasDeleted reports whether an account that was deleted after the given time held
// the subject. Of a deleted identity the digest alone is stored, made with the key
// that was the newest at the time, so it looks for the digest of each key.
func (i *Identities) wasDeleted(
	ctx context.Context, client *ent.Client, provider identity.Provider, subject string, after time.Time,
) (bool, error) {
	found, err := client.Identity.Query().
		Where(
			identity.ProviderEQ(provider),
			identity.SubjectIn(i.digest.all(provider.String(), normalize(provider, subject))...),
			identity.DeletedAtGT(after),
		).
		Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("find a deleted identity: %w", err)
	}
	return found, nil
}

func isHeldBy(holder *ent.Identity, rootUserID int) bool {
	return holder.RootUserID != nil && *holder.RootUserID == rootUserID
}

// CompleteBegun makes a begun sign-up the identity of the account, which keeps its id:
// the email_user_id of the routes. It reports false if the sign-up is gone meanwhile, or
// another account has the address.
func (i *Identities) CompleteBegun(
	ctx context.Context, tx *store.Tx, rootUserID int, begun *ent.Identity,
) (bool, error) {
	holder, err := i.Find(ctx, tx.Client, begun.Provider, begun.Subject)
	if err != nil || holder != nil {
		return false, err
	}
	completed, err := tx.Identity.Update().
		Where(identity.ID(begun.ID), identity.RootUserIDIsNil(), identity.DeletedAtIsNil()).
		SetRootUserID(rootUserID).
		ClearSecretHash().
		Save(ctx)
	if err != nil {
		return false, fmt.Errorf("complete a begun sign-up: %w", err)
	}
	return completed == 1, nil
}

// Add gives the account another way to be found, which ends the reset links and the codes
// by e-mail that are out. displayName is how it is shown, nil for one that is shown as the
// account has it elsewhere.
func (i *Identities) Add(
	ctx context.Context, tx *store.Tx, rootUserID int, provider identity.Provider, subject string, displayName *string,
) error {
	err := tx.Identity.Create().
		SetRootUserID(rootUserID).
		SetProvider(provider).
		SetSubject(normalize(provider, subject)).
		SetNillableDisplayName(displayName).
		SetCreatedAt(i.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store an identity: %w", err)
	}
	return closeMailed(ctx, tx, rootUserID, i.now())
}

// TakeEmail makes the account the holder of the address, in place of the one it
// had. The sign-ups of Addnox that began with it and are not complete are dropped, and an
// account that had verified it in former times has to verify it again. It reports false if
// another account holds it.
func (i *Identities) TakeEmail(ctx context.Context, tx *store.Tx, rootUserID int, address string) (bool, error) {
	taken, err := i.takeEmail(ctx, tx, rootUserID, address)
	if err != nil || !taken {
		return false, err
	}
	if _, err := tx.Identity.Delete().Where(begun(address)).Exec(ctx); err != nil {
		return false, fmt.Errorf("drop begun sign-ups: %w", err)
	}
	err = tx.User.Update().
		Where(user.PreviousVerifiedEmail(text.NormalizeEmail(address)), user.IDNEQ(rootUserID)).
		ClearPreviousVerifiedEmail().
		Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("forget a verified address: %w", err)
	}
	return true, nil
}

func (i *Identities) takeEmail(ctx context.Context, tx *store.Tx, rootUserID int, address string) (bool, error) {
	holder, err := i.Find(ctx, tx.Client, identity.ProviderEmail, address)
	switch {
	case err != nil:
		return false, err
	case holder != nil && isHeldBy(holder, rootUserID):
		return true, nil
	case holder != nil:
		return false, nil
	}
	// An account has one address to sign in by.
	if err := i.Remove(ctx, tx, rootUserID, identity.ProviderEmail); err != nil {
		return false, err
	}
	return true, i.Add(ctx, tx, rootUserID, identity.ProviderEmail, address, nil)
}

// Remove takes the account's identities of the provider away, which ends the reset links
// and the codes by e-mail that are out. Anybody may hold their subjects at once, as if the
// account never had.
func (i *Identities) Remove(ctx context.Context, tx *store.Tx, rootUserID int, provider identity.Provider) error {
	return i.remove(ctx, tx, rootUserID, identity.ProviderEQ(provider))
}

// RemoveAllButEmail takes every way in away that was added to that by e-mail: the local id
// and the links to providers. The phone stays, as it opens nothing: see [Service.SignIn].
func (i *Identities) RemoveAllButEmail(ctx context.Context, tx *store.Tx, rootUserID int) error {
	return i.remove(ctx, tx, rootUserID, identity.ProviderNotIn(identity.ProviderEmail, identity.ProviderPhone))
}

// signUpLasts is how long after the account a way in may be stored by which it was made, as
// clocks are read more than once in a sign-up.
const signUpLasts = time.Minute

// RemoveLinksSince takes the links to providers away that the account has got since, but
// none by which it was made. Each was reported when it was added, and whoever takes the
// account back does so because of one. A local id opens nothing without the password, so it
// stays. The links stay as well where the owner could not sign in any more without: an
// account that has neither a phone nor a local id has no use for a password.
func (i *Identities) RemoveLinksSince(ctx context.Context, tx *store.Tx, u *ent.User, since time.Time) error {
	if u.Phone == nil {
		if named, err := i.Has(ctx, tx.Client, u.ID, identity.ProviderLocal); err != nil || !named {
			return err
		}
	}
	if signedUp := u.CreatedAt.Add(signUpLasts); since.Before(signedUp) {
		since = signedUp
	}
	return i.remove(ctx, tx, u.ID, identity.And(
		identity.ProviderNotIn(identity.ProviderEmail, identity.ProviderPhone, identity.ProviderLocal),
		identity.CreatedAtGTE(since),
	))
}

func (i *Identities) remove(ctx context.Context, tx *store.Tx, rootUserID int, which predicate.Identity) error {
	_, err := tx.Identity.Delete().
		Where(identity.RootUserID(rootUserID), identity.DeletedAtIsNil(), which).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove an identity: %w", err)
	}
	return closeMailed(ctx, tx, rootUserID, i.now())
}

// MarkDeleted frees the subjects of a deleted account. Digests of them stay, by
// which a later sign-in or sign-up learns that there was an account; the subjects
// themselves, which are personal data, are overwritten.
func (i *Identities) MarkDeleted(ctx context.Context, tx *store.Tx, held []*ent.Identity) error {
	for _, one := range held {
		err := tx.Identity.UpdateOne(one).
			SetSubject(i.digest.of(one.Provider.String(), one.Subject)).
			ClearDisplayName().
			ClearSecretHash().
			SetDeletedAt(i.now()).
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("mark an identity as deleted: %w", err)
		}
	}
	return nil
}
