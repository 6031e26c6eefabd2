// Package viewer carries through a context who is asking: every domain function
// takes a [Viewer] and starts its reads from its id, so that a wrong id reaches
// no other account's rows. It imports ent and apperr, and must import nothing
// that looks a viewer up: internal/auth does that.
package viewer

import (
	"context"
	"time"

	"luxbff/ent"
	"luxbff/internal/apperr"
)

// Viewer is a signed-in root user.
type Viewer struct {
	// User is the row as it was when the token was checked, without the columns
	// that auth.Sessions.Authenticate leaves out. It is nil after [DetachRow].
	User *ent.User
	// SessionID is 0 for a long-lived SNUTT token, which belongs to no session.
	SessionID int
	// ExpiresAt is when the access token expires; zero for a long-lived token.
	ExpiresAt time.Time

	rootUserID int // while User is nil
}

// WithoutRow gives the viewer that a token names, for a caller that needs no more than
// its id.
func WithoutRow(rootUserID, sessionID int, expiresAt time.Time) Viewer {
	return Viewer{SessionID: sessionID, ExpiresAt: expiresAt, rootUserID: rootUserID}
}

// RootUserID is the id that every row of the viewer carries.
func (v Viewer) RootUserID() int {
	if v.User == nil {
		return v.rootUserID
	}
	return v.User.ID
}

type key struct{}

// outcome is what authentication found: a viewer, or why there is none.
type outcome struct {
	viewer    Viewer
	err       error
	unchecked bool
}

// With puts the viewer into the context.
func With(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, key{}, &outcome{viewer: v})
}

// Without puts the reason why there is no viewer into the context. [From] gives
// it to whatever asks for one: an action that needs no viewer works with a bad
// token.
func Without(ctx context.Context, reason error) context.Context {
	return context.WithValue(ctx, key{}, &outcome{err: reason})
}

// WithUnchecked puts a viewer into the context of whom only the token's signature and
// time are known to hold. [From] gives nobody until [Settle]: what runs meanwhile has to
// ask the database itself whether the token still opens the account.
func WithUnchecked(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, key{}, &outcome{viewer: v, err: apperr.Unauthenticated.New(), unchecked: true})
}

// Unchecked gives the viewer that [WithUnchecked] put into the context and nobody has
// settled.
func Unchecked(ctx context.Context) (Viewer, bool) {
	found, ok := ctx.Value(key{}).(*outcome)
	if !ok || !found.unchecked {
		return Viewer{}, false
	}
	return found.viewer, true
}

// Settle puts what the database says into the place of the unchecked viewer: whom its token
// opens, or in err why nobody. Nothing else may use ctx while it runs.
func Settle(ctx context.Context, v Viewer, err error) {
	if found, ok := ctx.Value(key{}).(*outcome); ok && found.unchecked {
		*found = outcome{viewer: v, err: err}
	}
}

// From gives the viewer, or the reason why there is none: Unauthenticated,
// TokenIsExpired, UserIsDeleted or UserIsNone.
func From(ctx context.Context) (Viewer, error) {
	found, ok := ctx.Value(key{}).(*outcome)
	if !ok {
		return Viewer{}, apperr.Unauthenticated.New()
	}
	return found.viewer, found.err
}

// DetachRow is [From] for a subscription: it takes the row from the viewer in ctx
// and gives the viewer with its id alone. A subscription can live for days: it
// must neither keep the row in memory all that time nor read values from it that
// have changed since. Nothing else may use ctx while DetachRow runs.
func DetachRow(ctx context.Context) (Viewer, error) {
	found, ok := ctx.Value(key{}).(*outcome)
	if ok && found.viewer.User != nil {
		found.viewer.rootUserID, found.viewer.User = found.viewer.User.ID, nil
	}
	return From(ctx)
}
