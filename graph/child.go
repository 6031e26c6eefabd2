package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/internal/viewer"
)

// owner is the child that has a device. Reads attach it; only the device of a
// feed's event has to ask.
func (r *Resolver) owner(ctx context.Context, d *ent.Device) (*ent.ChildUser, error) {
	if d.ChildUserID == nil || d.Edges.ChildUser != nil {
		return d.Edges.ChildUser, nil
	}
	return r.childOf(ctx, *d.ChildUserID)
}

// child is the child that a log is of. Reads attach it; only the log of a
// feed's event has to ask.
func (r *Resolver) child(ctx context.Context, l *ent.Devlog) (*ent.ChildUser, error) {
	if l.Edges.ChildUser != nil {
		return l.Edges.ChildUser, nil
	}
	return r.childOf(ctx, l.ChildUserID)
}

func (r *Resolver) childOf(ctx context.Context, id int) (*ent.ChildUser, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	return r.children.Get(ctx, v, id)
}

// orEmpty is what an optional input says, or nothing.
func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
