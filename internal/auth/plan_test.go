package auth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"luxbff/ent/identity"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestWhatAChangeEndsIsFoundByAnIndex reads the plans of the statements that take ways in
// away and end what was mailed.
func TestWhatAChangeEndsIsFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "root_user_id")
	home := domaintest.New(db)
	parent := home.Parent(t)
	service, err := auth.New(auth.Config{
		Store: db, Keys: token.DevelopmentKeys(), Clock: home.Clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	accounttest.OK(t, err)
	// Among few rows PostgreSQL takes any index that holds them.
	var others []int
	for range 60 {
		others = append(others, home.Parent(t).RootUserID())
	}
	accounttest.OK(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, id := range others {
			if err := service.Identities.Add(ctx, tx, id, identity.ProviderLocal, fmt.Sprint("other", id), nil); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "ANALYZE identities")
		return err
	}))
	withPhone, number := *parent.User, accounttest.Phone
	withPhone.Phone = &number
	*statements = nil
	accounttest.OK(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := service.Identities.RemoveAllButEmail(ctx, tx, parent.RootUserID()); err != nil {
			return err
		}
		return service.Identities.RemoveLinksSince(ctx, tx, &withPhone, home.Clock.Now())
	}))
	if len(*statements) != 4 {
		t.Fatalf("statements: %q", *statements)
	}
	for i, tc := range []struct {
		index string
		args  []any
	}{
		{"identity_root_user_id_provider", []any{parent.RootUserID(), "email", "phone"}},
		{"verificationcode_root_user_id_purpose", []any{home.Clock.Now(), parent.RootUserID(), "password_reset", "email"}},
		{"identity_root_user_id_provider", []any{parent.RootUserID(), "email", "phone", "local", home.Clock.Now()}},
		{"verificationcode_root_user_id_purpose", []any{home.Clock.Now(), parent.RootUserID(), "password_reset", "email"}},
	} {
		if plan := storetest.Explain(t, db, (*statements)[i], tc.args...); !strings.Contains(plan, tc.index) {
			t.Errorf("the plan of\n%s\nis\n%s", (*statements)[i], plan)
		}
	}
}

// TestLinksAreFoundByAnIndex reads the plans of the statements that find the links by which
// an address is taken back.
func TestLinksAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "verification_codes")
	home := domaintest.New(db)
	parent := home.Parent(t)
	service, err := auth.New(auth.Config{
		Store: db, Keys: token.DevelopmentKeys(), Clock: home.Clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	accounttest.OK(t, err)
	*statements = nil
	accounttest.OK(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := service.Codes.FindRevert(ctx, tx.Client, "forged")
		accounttest.WantKind(t, err, apperr.CodeInvalid)
		return service.Codes.CloseReverts(ctx, tx, parent.RootUserID(), "a@lux.example")
	}))
	if len(*statements) != 2 {
		t.Fatalf("statements: %q", *statements)
	}
	for i, tc := range []struct {
		index string
		args  []any
	}{
		{"verificationcode_grant_hash", []any{"digest", "email_revert"}},
		{"verificationcode_root_user_id_purpose", []any{parent.RootUserID(), "email_revert", home.Clock.Now()}},
	} {
		if plan := storetest.Explain(t, db, (*statements)[i], tc.args...); !strings.Contains(plan, tc.index) {
			t.Errorf("the plan of\n%s\nis\n%s", (*statements)[i], plan)
		}
	}
}
