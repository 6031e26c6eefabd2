package viewer_test

import (
	"testing"
	"time"

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

// TestNobodyIsNamedBeforeTheTokenIsChecked holds that what takes the viewer from the
// context gets none while only the signature of the token is known to hold.
func TestNobodyIsNamedBeforeTheTokenIsChecked(t *testing.T) {
	t.Parallel()
	ctx := viewer.WithUnchecked(t.Context(), viewer.WithoutRow(7, 3, time.Time{}))
	if v, err := viewer.From(ctx); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("before: %+v, %v", v, err)
	}
	if _, err := viewer.DetachRow(ctx); !apperr.Is(err, apperr.Unauthenticated) {
		t.Errorf("before, detached: %v", err)
	}
	if v, unchecked := viewer.Unchecked(ctx); !unchecked || v.RootUserID() != 7 {
		t.Errorf("unchecked: %+v, %v", v, unchecked)
	}
	viewer.Settle(ctx, viewer.WithoutRow(7, 3, time.Time{}), nil)
	if v, err := viewer.From(ctx); err != nil || v.RootUserID() != 7 || v.SessionID != 3 {
		t.Errorf("after: %+v, %v", v, err)
	}
	if _, unchecked := viewer.Unchecked(ctx); unchecked {
		t.Error("it is unchecked after it was settled")
	}
	viewer.Settle(ctx, viewer.Viewer{}, apperr.UserIsDeleted.New())
	if v, err := viewer.From(ctx); err != nil || v.RootUserID() != 7 {
		t.Errorf("settled again: %+v, %v", v, err)
	}
	refused := viewer.WithUnchecked(t.Context(), viewer.WithoutRow(7, 3, time.Time{}))
	viewer.Settle(refused, viewer.Viewer{}, apperr.UserIsDeleted.New())
	if v, err := viewer.From(refused); !apperr.Is(err, apperr.UserIsDeleted) || v.RootUserID() != 0 {
		t.Errorf("refused: %+v, %v", v, err)
	}
}
