package auth

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/session"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// LockViewer is [LockUser] for an action that gives the account another way in: it looks
// again whether the viewer's token holds. The token was checked before the lock, and while
// the action waited for that, a reset may have ended all sessions to keep somebody out.
// Errors: as of LockUser, Unauthenticated.
func LockViewer(ctx context.Context, tx *store.Tx, v viewer.Viewer) (*ent.User, error) {
	u, err := LockUser(ctx, tx, v.RootUserID())
	if err != nil {
		return nil, err
	}
	return u, CheckViewer(ctx, tx, u, v)
}

// CheckViewer says whether the viewer's token opens the account that was locked. Errors:
// Unauthenticated.
func CheckViewer(ctx context.Context, tx *store.Tx, locked *ent.User, v viewer.Viewer) error {
	holds := v.User != nil && v.User.CredentialVersion == locked.CredentialVersion
	if v.SessionID != 0 {
		var err error
		holds, err = tx.Session.Query().
			Where(session.ID(v.SessionID), session.RootUserID(locked.ID), session.EndedAtIsNil()).
			Exist(ctx)
		if err != nil {
			return fmt.Errorf("read the viewer's session: %w", err)
		}
	}
	if !holds {
		return apperr.Unauthenticated.New()
	}
	return nil
}
