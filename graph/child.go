package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/internal/viewer"
)

// childOfDevice gives the child that has the device, nil for a free one. Queries
// and mutations load it with the device. Only a device in an event of a feed comes
// without it, because few subscriptions ask for it: then it costs a read.
func (r *Resolver) childOfDevice(ctx context.Context, d *ent.Device) (*ent.ChildUser, error) {
	if d.ChildUserID == nil || d.Edges.ChildUser != nil {
		return d.Edges.ChildUser, nil
	}
	return r.readChild(ctx, *d.ChildUserID)
}

// childOfDevlog gives the child that the log is of, loaded or read as in
// [Resolver.childOfDevice].
func (r *Resolver) childOfDevlog(ctx context.Context, l *ent.Devlog) (*ent.ChildUser, error) {
	if l.Edges.ChildUser != nil {
		return l.Edges.ChildUser, nil
	}
	return r.readChild(ctx, l.ChildUserID)
}

// readChild asks for the viewer anew, because the fields that call it have no
// @auth of their own: they are below a field that has.
func (r *Resolver) readChild(ctx context.Context, id int) (*ent.ChildUser, error) {
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	return r.children.Get(ctx, v, id)
}

// orEmpty gives "" for an optional input that is absent or null.
func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
