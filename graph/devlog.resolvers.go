package graph

import (
	"cmp"
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/viewer"
)

func (r *childUserResolver) Devlogs(ctx context.Context, obj *ent.ChildUser, first *int, after *string, last *int, before *string) (*model.DevlogConnection, error) {
	page, err := r.history(ctx, obj, devlog.PageParams{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	return newConnection(page), nil
}

func (r *devlogResolver) ChildUser(ctx context.Context, obj *ent.Devlog) (*ent.ChildUser, error) {
	return obj.Edges.ChildUser, nil
}

func (r *devlogResolver) Device(ctx context.Context, obj *ent.Devlog) (*ent.Device, error) {
	return obj.Edges.Device, nil
}

func (r *mutationResolver) UploadDevlogs(ctx context.Context, input model.UploadDevlogsInput) (*model.UploadDevlogsPayload, error) {
	stored, err := r.devlogs.Upload(ctx, currentViewer(ctx), newRecords(input.Logs))
	if err != nil {
		return nil, err
	}
	linkLogs(stored.Devlogs)
	return &model.UploadDevlogsPayload{Devlogs: stored.Devlogs}, nil
}

// DevlogStatus prefers Last-Event-ID to the argument. A client that reconnects by itself
// sends the same document again, with the cursor of its first start in it; the header has
// the cursor of the last event that arrived.
func (r *subscriptionResolver) DevlogStatus(ctx context.Context, childUserID *int, after *string) (<-chan *feed.Event, error) {
	client := viewer.ClientFrom(ctx)
	return r.feed.Subscribe(ctx, detachedViewer(ctx), feed.SubscribeParams{
		ChildUserID: childUserID, After: cmp.Or(client.LastEventID, after), InstallationID: client.InstallationID,
	})
}

func (r *Resolver) Devlog() generated.DevlogResolver { return &devlogResolver{r} }

type devlogResolver struct{ *Resolver }
