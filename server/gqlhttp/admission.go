package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// admission asks whether a client is served at all. It comes before everything that may find
// something wrong with the document: a client that is refused learns that and nothing else.
type admission struct {
	admit func(ctx context.Context) error
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = admission{}

// ExtensionName implements graphql.HandlerExtension.
func (admission) ExtensionName() string { return "Admission" }

// Validate implements graphql.HandlerExtension.
func (admission) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It changes nothing.
func (a admission) MutateOperationParameters(ctx context.Context, _ *graphql.RawParams) *gqlerror.Error {
	if err := a.admit(ctx); err != nil {
		return gqlerror.WrapIfUnwrapped(err)
	}
	return nil
}
