package graph

import (
	"context"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

func TestViewerOfAFieldWithoutAuthPanics(t *testing.T) {
	t.Parallel()
	for name, get := range map[string]func(context.Context) viewer.Viewer{
		"current": currentViewer, "detached": detachedViewer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("it gave a viewer")
				}
			}()
			get(viewer.Without(t.Context(), apperr.Unauthenticated.New()))
		})
	}
}
