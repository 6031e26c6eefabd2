package account_test

import (
	"testing"

	"luxbff/ent/migrate"
	"luxbff/ent/user"
	"luxbff/internal/testutil/domaintest"
)

// TestAuthenticateReadsEveryColumn holds that the statement written by hand
// reads what ent reads, also of a column that the schema gets one day.
func TestAuthenticateReadsEveryColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.signUp(t, email, phone).Tokens
	domaintest.FillColumns(t, w.store, migrate.UsersTable, tokens.RootUserID, user.FieldDeletedAt)
	want, got := w.user(t, tokens.RootUserID), w.viewer(t, tokens).User
	// A deleted account has no viewer, so other tests see that deleted_at is read.
	want.DeletedAt, got.DeletedAt = &want.CreatedAt, &want.CreatedAt
	domaintest.WantEveryColumn(t, want, got,
		"PasswordHash", "PushToken", "WrongPasswords", "BlockedUntil", "EventSeq", "EventFloor")
}
