package auth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/feedposition"
	"luxbff/ent/predicate"
	"luxbff/ent/session"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// MaxSessions is how many sessions an account may have open. No family has as many
// phones; who signs in by a program at each request ends its own oldest ones.
const MaxSessions = 64

// List gives the open sessions of an account, newest use first, at most [MaxSessions],
// each with the time of its last use. A long-lived token is no session and isn't among
// them.
func (s *Sessions) List(ctx context.Context, rootUserID int) ([]*ent.Session, error) {
	found, err := s.findOpen(ctx, s.store.Read(), rootUserID)
	if err != nil {
		return nil, err
	}
	found = found[:min(len(found), MaxSessions)]
	for _, of := range found {
		lastUsedAt := s.lastUse(of)
		of.LastUsedAt = &lastUsedAt
	}
	return found, nil
}

// findOpen reads the sessions of an account that can still be used, newest use first.
func (s *Sessions) findOpen(ctx context.Context, client *ent.Client, rootUserID int) ([]*ent.Session, error) {
	found, err := client.Session.Query().Where(session.RootUserID(rootUserID), s.isOpen()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read open sessions: %w", err)
	}
	slices.SortFunc(found, func(a, b *ent.Session) int {
		return cmp.Or(s.lastUse(b).Compare(s.lastUse(a)), cmp.Compare(b.ID, a.ID))
	})
	return found, nil
}

// isOpen is true of the sessions whose tokens are taken: nobody has ended them, and the
// newest refresh token is not past its time, which every access token is before it.
func (s *Sessions) isOpen() predicate.Session {
	earliest := s.now().Add(-token.Skew)
	return session.And(session.EndedAtIsNil(), session.ExpiresAtGT(earliest), session.CreatedAtGT(earliest.Add(-s.lifetime)))
}

// lastUse gives the last use of a session. A replica of before there was a time of use
// writes the refresh alone.
func (s *Sessions) lastUse(of *ent.Session) time.Time {
	stored := of.RefreshedAt
	if of.LastUsedAt != nil && of.LastUsedAt.After(stored) {
		stored = *of.LastUsedAt
	}
	return s.uses.of(of.ID, stored)
}

// makeRoom ends the sessions of the account that were not used for the longest time, so
// that one more is within [MaxSessions]. The places where their feeds would resume stay:
// their apps sign in again.
func (s *Sessions) makeRoom(ctx context.Context, tx *store.Tx, rootUserID int) error {
	// Two sign-ins at once must not both find room for one.
	if err := tx.Lock(ctx, user.Table, rootUserID); err != nil {
		return fmt.Errorf("lock an account: %w", err)
	}
	found, err := s.findOpen(ctx, tx.Client, rootUserID)
	if err != nil || len(found) < MaxSessions {
		return err
	}
	return s.end(ctx, tx, rootUserID, found[MaxSessions-1:]...)
}

// EndSessionParams name a session of the viewer's account.
type EndSessionParams struct{ SessionID int }

// EndSession ends a session of the viewer's account, which may be the viewer's own, as
// [Sessions.SignOut] does. Errors: SessionNotFound, NotAuthorizedUser.
func (s *Sessions) EndSession(ctx context.Context, v viewer.Viewer, p EndSessionParams) error {
	const field = "input.sessionId"
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := tx.Session.Query().Where(session.ID(p.SessionID)).All(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("read a session: %w", err)
		case len(found) == 0:
			return apperr.SessionNotFound.WithField(field)
		case found[0].RootUserID != v.RootUserID():
			return apperr.NotAuthorizedUser.WithField(field)
		case found[0].EndedAt != nil:
			return apperr.SessionNotFound.WithField(field)
		}
		return s.signOut(ctx, tx, found[0])
	})
}

// SignOutEverywhere ends every session of the viewer's account and its long-lived token,
// the viewer's own among them. Errors: UserIsDeleted.
func (s *Sessions) SignOutEverywhere(ctx context.Context, v viewer.Viewer) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if err := s.EndAll(ctx, tx, u.ID); err != nil {
			return err
		}
		if err := forgetPositions(ctx, tx, u.ID); err != nil {
			return err
		}
		_, err = s.EndLongLived(ctx, tx, u)
		return err
	})
}

// signOut ends a session by the will of its owner, who may give the phone away: where the
// feed of its installation would resume is forgotten.
func (s *Sessions) signOut(ctx context.Context, tx *store.Tx, of *ent.Session) error {
	if err := forgetPositions(ctx, tx, of.RootUserID, feedposition.SessionID(of.ID)); err != nil {
		return err
	}
	return s.end(ctx, tx, of.RootUserID, of)
}
