package graph

import (
	"cmp"
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/viewer"
)

func (r *childUserResolver) Devlogs(ctx context.Context, obj *ent.ChildUser, first *int, after *string, last *int, before *string, updatedAfter *string) (*model.DevlogConnection, error) {
	page, err := r.history(ctx, obj, devlog.PageParams{First: first, After: after, Last: last, Before: before, UpdatedAfter: updatedAfter})
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

func (r *devlogErrorResolver) Code(ctx context.Context, obj *apperr.Error) (model.ErrorCode, error) {
	return model.ErrorCode(obj.Code()), nil
}

func (r *mutationResolver) UploadDevlogs(ctx context.Context, input model.UploadDevlogsInput) (*devlog.Stored, error) {
	onInvalid := devlog.RejectAll
	if input.OnInvalid == model.OnInvalidDevlogStoreValid {
		onInvalid = devlog.StoreValid
	}
	stored, err := r.devlogs.UploadWith(ctx, currentViewer(ctx), newRecords(input.Logs), onInvalid)
	if err != nil {
		return nil, err
	}
	linkLogs(stored.Devlogs())
	return &stored, nil
}

// DevlogStatus prefers Last-Event-ID to the argument. A client that reconnects by itself
// sends the same document again, with the cursor of its first start in it; the header has
// the cursor of the last event that arrived.
func (r *subscriptionResolver) DevlogStatus(ctx context.Context, childUserID *int, after *string) (<-chan *feed.Event, error) {
	client := viewer.ClientFrom(ctx)
	p := feed.SubscribeParams{
		ChildUserID: childUserID, After: cmp.Or(client.LastEventID, after), InstallationID: client.InstallationID,
	}
	v, unchecked := viewer.Unchecked(ctx)
	if !unchecked {
		return r.feed.Subscribe(ctx, detachedViewer(ctx), p)
	}
	p.Claims = auth.ClaimsFrom(ctx)
	events, err := r.feed.Subscribe(ctx, v, p)
	if err == nil {
		viewer.Settle(ctx, v, nil)
	}
	return events, err
}

func (r *Resolver) Devlog() generated.DevlogResolver { return &devlogResolver{r} }

func (r *Resolver) DevlogError() generated.DevlogErrorResolver { return &devlogErrorResolver{r} }

type (
	devlogResolver      struct{ *Resolver }
	devlogErrorResolver struct{ *Resolver }
)
