// Package viewer carries who is asking through a context: every domain function
// takes a Viewer and starts its reads from its id. It imports ent and fault.
package viewer

import (
	"context"
	"time"

	"luxbff/ent"
	"luxbff/internal/apperr"
)

// Viewer is a signed-in root user. User is the row as it was when the token was
// checked, nil for a viewer that [Lasting] gave. SessionID is 0 for a long-lived SNUTT token, which has no session;
// ExpiresAt is zero then too.
type Viewer struct {
	User      *ent.User
	SessionID int
	ExpiresAt time.Time

	rootUserID int // while User is nil
}

// RootUserID is the id that every row of the viewer carries.
func (v Viewer) RootUserID() int {
	if v.User == nil {
		return v.rootUserID
	}
	return v.User.ID
}

type key struct{}

type outcome struct {
	viewer Viewer
	err    error
}

// With puts the viewer into the context.
func With(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, key{}, &outcome{viewer: v})
}

// Without puts the reason why there is no viewer into the context: it is told
// only when something asks for one.
func Without(ctx context.Context, reason error) context.Context {
	return context.WithValue(ctx, key{}, &outcome{err: reason})
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

// Lasting is [From] for a subscription, which is not to hold the row as long as
// it lives, nor to read from it what has long changed: it takes the row from the
// viewer that it gives and from the one in ctx. Nothing else may use ctx
// meanwhile.
func Lasting(ctx context.Context) (Viewer, error) {
	found, ok := ctx.Value(key{}).(*outcome)
	if ok && found.viewer.User != nil {
		found.viewer.rootUserID, found.viewer.User = found.viewer.User.ID, nil
	}
	return From(ctx)
}
