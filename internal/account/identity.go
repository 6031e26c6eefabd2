package account

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/predicate"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/text"
)

// maxSubject is the longest subject that is stored.
const maxSubject = 254

// live gives the identity that holds the subject now, with its account, or nil.
// What can't be stored, and what PostgreSQL can't even be asked for, nobody holds.
func live(
	ctx context.Context, client *ent.Client, provider identity.Provider, subject string,
) (*ent.Identity, error) {
	if !text.Clean(subject, maxSubject) {
		return nil, nil
	}
	found, err := client.Identity.Query().
		Where(identity.ProviderEQ(provider), identity.Subject(subject), identity.DeletedAtIsNil()).
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

// ofUser gives the live identities of an account, oldest first, of the
// providers named or of all.
func ofUser(
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

// oneOf gives the account's identity of the provider, or nil.
func oneOf(
	ctx context.Context, client *ent.Client, rootUserID int, provider identity.Provider,
) (*ent.Identity, error) {
	found, err := ofUser(ctx, client, rootUserID, provider)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// once reports whether a deleted account held the subject, and was deleted after
// the given time.
func (s *Service) once(
	ctx context.Context, client *ent.Client, provider identity.Provider, subject string, after time.Time,
) (bool, error) {
	found, err := client.Identity.Query().
		Where(
			identity.ProviderEQ(provider),
			identity.SubjectIn(s.digests.allDeleted(provider.String(), subject)...),
			identity.DeletedAtGT(after),
		).
		Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("find a deleted identity: %w", err)
	}
	return found, nil
}

// phoneFree says whether an account may take the phone; rootUserID is who may
// have it already, 0 nobody. Errors: PhoneTaken, UserPreviouslyDeleted.
func (s *Service) phoneFree(ctx context.Context, client *ent.Client, phone string, rootUserID int) error {
	holder, err := live(ctx, client, identity.ProviderPhone, phone)
	switch {
	case err != nil:
		return err
	case holder == nil:
		return s.notHeldBack(ctx, client, phone)
	case !owns(holder, rootUserID):
		return apperr.PhoneTaken.WithField("input.phone")
	}
	return nil
}

// notHeldBack refuses the phone of an account that was deleted a short time ago.
func (s *Service) notHeldBack(ctx context.Context, client *ent.Client, phone string) error {
	if s.cfg.RejoinAfter <= 0 {
		return nil
	}
	held, err := s.once(ctx, client, identity.ProviderPhone, phone, s.now().Add(-s.cfg.RejoinAfter))
	if err == nil && held {
		return apperr.UserPreviouslyDeleted.New()
	}
	return err
}

func owns(holder *ent.Identity, rootUserID int) bool {
	return holder.RootUserID != nil && *holder.RootUserID == rootUserID
}

// addIdentity gives the account another way to be found.
func (s *Service) addIdentity(
	ctx context.Context, tx *store.Tx, rootUserID int, provider identity.Provider, subject string, display *string,
) error {
	err := tx.Identity.Create().
		SetRootUserID(rootUserID).
		SetProvider(provider).
		SetSubject(subject).
		SetNillableDisplayName(display).
		SetCreatedAt(s.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("store an identity: %w", err)
	}
	return nil
}

// takeEmail makes the account the owner of the address, in place of the one it
// had; a sign-up that is not complete yields it. It reports false if another
// account owns it.
func (s *Service) takeEmail(ctx context.Context, tx *store.Tx, rootUserID int, address string) (bool, error) {
	subject := sameEmail(address)
	holder, err := live(ctx, tx.Client, identity.ProviderEmail, subject)
	switch {
	case err != nil:
		return false, err
	case holder != nil && owns(holder, rootUserID):
		return true, nil
	case holder != nil && holder.RootUserID != nil:
		return false, nil
	}
	if err := s.drop(ctx, tx, identity.RootUserID(rootUserID), identity.ProviderEQ(identity.ProviderEmail)); err != nil {
		return false, err
	}
	if holder == nil {
		return true, s.addIdentity(ctx, tx, rootUserID, identity.ProviderEmail, subject, nil)
	}
	taken, err := tx.Identity.Update().
		Where(identity.ID(holder.ID), identity.RootUserIDIsNil(), identity.DeletedAtIsNil()).
		SetRootUserID(rootUserID).
		ClearSecretHash().
		Save(ctx)
	if err != nil {
		return false, fmt.Errorf("take over a begun sign-up: %w", err)
	}
	return taken == 1, nil
}

// drop removes live identities whose subject is free again at once.
func (s *Service) drop(ctx context.Context, tx *store.Tx, which ...predicate.Identity) error {
	_, err := tx.Identity.Delete().Where(append(which, identity.DeletedAtIsNil())...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("drop an identity: %w", err)
	}
	return nil
}
