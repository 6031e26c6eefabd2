package viewer_test

import (
	"testing"

	"go.uber.org/goleak"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLastingViewerHoldsNoRow(t *testing.T) {
	t.Parallel()
	ctx := viewer.With(t.Context(), viewer.Viewer{User: &ent.User{ID: 7}, SessionID: 3})
	for range 2 {
		lasting, err := viewer.Lasting(ctx)
		if err != nil || lasting.User != nil || lasting.RootUserID() != 7 || lasting.SessionID != 3 {
			t.Errorf("lasting %+v, %v", lasting, err)
		}
	}
	if later, err := viewer.From(ctx); err != nil || later.User != nil || later.RootUserID() != 7 {
		t.Errorf("left in the context: %+v, %v", later, err)
	}
}

func TestReasonsAreGiven(t *testing.T) {
	t.Parallel()
	ctx := viewer.Without(t.Context(), apperr.UserIsDeleted.New())
	if _, err := viewer.Lasting(ctx); !apperr.Is(err, apperr.UserIsDeleted) {
		t.Errorf("lasting: %v", err)
	}
	if _, err := viewer.From(t.Context()); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := viewer.Lasting(t.Context()); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("nobody lasting: %v", err)
	}
}
