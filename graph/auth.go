package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/viewer"
)

// requireViewer is the @auth directive of the schema: it runs a field only for a
// signed-in viewer. The error is the one that the authentication of the request
// put into the context, so an app learns whether its token is missing or old, or
// whether the account was deleted.
//
// gqlgen calls it after the field's arguments are decoded and before the
// resolver, for queries, mutations and subscriptions alike. It costs one
// allocation a root field, of some 550 that the home screen takes.
//
// Where a document holds several mutations the viewer is read again for each,
// because one before it may have signed out, deleted the account or changed its row.
func (r *Resolver) requireViewer(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, unchecked := viewer.Unchecked(ctx); unchecked {
		return next(ctx) // a subscription to the feed, which checks the token itself
	}
	v, err := viewer.From(ctx)
	if err != nil {
		return nil, err
	}
	if isOneOfSeveralMutations(graphql.GetOperationContext(ctx).Operation) {
		if v, err = r.auth.Sessions.Recheck(ctx, v); err != nil {
			return nil, err
		}
		ctx = viewer.With(ctx, v)
	}
	return next(ctx)
}

// isOneOfSeveralMutations reports whether others may have run before a field of the
// operation.
func isOneOfSeveralMutations(operation *ast.OperationDefinition) bool {
	return operation.Operation == ast.Mutation && !isOnlyField(operation)
}

// isOnlyField reports whether the operation has one field. A fragment counts as several: what
// it holds is not worth looking for.
func isOnlyField(operation *ast.OperationDefinition) bool {
	_, isField := operation.SelectionSet[0].(*ast.Field)
	return len(operation.SelectionSet) == 1 && isField
}

// currentViewer gives the viewer of a field that has @auth.
func currentViewer(ctx context.Context) viewer.Viewer { return mustViewer(viewer.From(ctx)) }

// detachedViewer gives the viewer of a subscription that has @auth, without its row:
// see [viewer.DetachRow].
func detachedViewer(ctx context.Context) viewer.Viewer { return mustViewer(viewer.DetachRow(ctx)) }

// mustViewer panics if there is no viewer. So a field whose @auth was forgotten answers
// INTERNAL to a request without a token, and never runs with an empty viewer.
func mustViewer(v viewer.Viewer, err error) viewer.Viewer {
	if err != nil {
		panic(fmt.Errorf("a field without @auth asks for the viewer: %w", err))
	}
	return v
}
