package graph

import (
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

func TestCurrentViewerPanicsWithoutOne(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a field without @auth got a viewer")
		}
	}()
	currentViewer(viewer.Without(t.Context(), apperr.Unauthenticated.New()))
}
