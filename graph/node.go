package graph

import (
	"context"

	"luxbff/graph/globalid"
	"luxbff/internal/apperr"
)

// node gives the object of a global id, which is the same as on every other path of the
// answer. The family is read first, whatever the type, because all of these lead to it.
func (r *Resolver) node(ctx context.Context, id globalid.ID) (globalid.Node, error) {
	v := currentViewer(ctx)
	if id.Type == globalid.User {
		if id.ID != v.RootUserID() {
			return nil, apperr.NotAuthorizedUser.New()
		}
		return v.User, nil
	}
	family, err := r.family(ctx, v.User)
	if err != nil {
		return nil, err
	}
	if id.Type == globalid.Devlog {
		return r.devlogs.Get(ctx, v, family, id.ID)
	}
	for _, c := range family {
		if id.Type == globalid.ChildUser && c.ID == id.ID {
			return c, nil
		}
		if d := c.Edges.Device; id.Type == globalid.Device && d != nil && d.ID == id.ID {
			return d, nil
		}
	}
	// What the family has not is asked for, because the error says whether there is one.
	if id.Type == globalid.ChildUser {
		return r.children.Get(ctx, v, id.ID)
	}
	return r.children.DeviceByID(ctx, v, id.ID)
}
