package viewer_test

import (
	"testing"

	"go.uber.org/goleak"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDetachRow(t *testing.T) {
	t.Parallel()
	ctx := viewer.With(t.Context(), viewer.Viewer{User: &ent.User{ID: 7}, SessionID: 3})
	for range 2 { // the second time there is no row to take
		detached, err := viewer.DetachRow(ctx)
		if err != nil || detached.User != nil || detached.RootUserID() != 7 || detached.SessionID != 3 {
			t.Errorf("detached %+v, %v", detached, err)
		}
	}
	if later, err := viewer.From(ctx); err != nil || later.User != nil || later.RootUserID() != 7 {
		t.Errorf("left in the context: %+v, %v", later, err)
	}
}

func TestReasonsAreGiven(t *testing.T) {
	t.Parallel()
	ctx := viewer.Without(t.Context(), apperr.UserIsDeleted.New())
	if _, err := viewer.DetachRow(ctx); !apperr.Is(err, apperr.UserIsDeleted) {
		t.Errorf("a deleted user: %v", err)
	}
	if _, err := viewer.From(t.Context()); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("no token: %v", err)
	}
	if _, err := viewer.DetachRow(t.Context()); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("no token, detached: %v", err)
	}
}
