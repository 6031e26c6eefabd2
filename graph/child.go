package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/internal/child"
	"luxbff/internal/viewer"
)

// family gives the children of an account, each with its device, as one statement has
// read them. It is read once for each row of the account: all paths of a query lead to
// the same children, and what a mutation shows is read after it.
func (r *Resolver) family(ctx context.Context, of *ent.User) ([]*ent.ChildUser, error) {
	if of.Edges.ChildUsers != nil {
		return of.Edges.ChildUsers, nil
	}
	children, err := r.children.List(ctx, viewer.Viewer{User: of})
	if err != nil {
		return nil, err
	}
	child.MakeFamily(of, children)
	return children, nil
}

// orEmpty gives "" for an optional input that is absent or null.
func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
