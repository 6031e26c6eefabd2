package graph

import (
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

func TestSignedInPanicsWithoutAViewer(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a field without @auth got a viewer")
		}
	}()
	signedIn(viewer.Without(t.Context(), apperr.Unauthenticated.New()))
}
