package graph

import (
	"context"

	"luxbff/graph/model"
)

func (r *queryResolver) ErrorCodes(ctx context.Context) ([]model.ErrorCode, error) {
	return model.AllErrorCode, nil
}
