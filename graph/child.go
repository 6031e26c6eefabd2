package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/internal/viewer"
)

// childOfDevice gives the child that has the device, nil for a free one. Queries
// and mutations load it with the device. Only a device in an event of a feed comes
// without it, because few subscriptions ask for it: then it costs a read. An event shows
// its device with the number of then, so the child gets this device in place of the one
// that it was read with.
func (r *Resolver) childOfDevice(ctx context.Context, d *ent.Device) (*ent.ChildUser, error) {
	if d.ChildUserID == nil || d.Edges.ChildUser != nil {
		return d.Edges.ChildUser, nil
	}
	c, err := r.readChild(ctx, *d.ChildUserID)
	if err != nil {
		return nil, err
	}
	d.Edges.ChildUser, c.Edges.Device = c, d
	return c, nil
}

// childOfDevlog gives the child that the log is of, loaded or read as in
// [Resolver.childOfDevice]. The history of the child then holds this log as it is here.
func (r *Resolver) childOfDevlog(ctx context.Context, l *ent.Devlog) (c *ent.ChildUser, err error) {
	if l.Edges.ChildUser != nil {
		return l.Edges.ChildUser, nil
	}
	if d := l.Edges.Device; d.ChildUserID != nil && *d.ChildUserID == l.ChildUserID {
		c, err = r.childOfDevice(ctx, d)
	} else {
		c, err = r.readChild(ctx, l.ChildUserID)
	}
	if err != nil {
		return nil, err
	}
	l.Edges.ChildUser = c
	c.Edges.Devlogs = append(c.Edges.Devlogs, l)
	return c, nil
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
