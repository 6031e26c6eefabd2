package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/generated"
	"luxbff/graph/model"
	"luxbff/internal/auth"
)

func (r *mutationResolver) EndSession(ctx context.Context, input model.EndSessionInput) (*model.EndSessionPayload, error) {
	err := r.auth.Sessions.EndSession(ctx, currentViewer(ctx), auth.EndSessionParams{SessionID: input.SessionID})
	if err != nil {
		return nil, err
	}
	return &model.EndSessionPayload{Ok: true}, nil
}

func (r *mutationResolver) SignOutEverywhere(ctx context.Context) (*model.SignOutEverywherePayload, error) {
	if err := r.auth.Sessions.SignOutEverywhere(ctx, currentViewer(ctx)); err != nil {
		return nil, err
	}
	return &model.SignOutEverywherePayload{Ok: true}, nil
}

func (r *sessionResolver) IsCurrent(ctx context.Context, obj *ent.Session) (bool, error) {
	return isCurrent(ctx, obj), nil
}

func (r *userResolver) Sessions(ctx context.Context, obj *ent.User) ([]*ent.Session, error) {
	return r.sessions(ctx, obj)
}

func (r *Resolver) Session() generated.SessionResolver { return &sessionResolver{r} }

type sessionResolver struct{ *Resolver }
