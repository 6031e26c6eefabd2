package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/internal/viewer"
)

// sessions gives where the account is signed in, read once for each row of it, as
// [Resolver.family] is.
func (r *Resolver) sessions(ctx context.Context, of *ent.User) (open []*ent.Session, err error) {
	if of.Edges.Sessions == nil {
		of.Edges.Sessions, err = r.auth.Sessions.List(ctx, of.ID)
	}
	return of.Edges.Sessions, err
}

// isCurrent reports whether the viewer's token is of the session. A sign-in is asked by
// nobody yet, so of its own payload none is.
func isCurrent(ctx context.Context, of *ent.Session) bool {
	v, err := viewer.From(ctx)
	return err == nil && v.SessionID == of.ID
}
