package history_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/message/history"
	"luxbff/internal/paging"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestMessagesAreFoundByAnIndex reads the plans of the statements that read a page.
func TestMessagesAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "messages")
	parent := domaintest.New(db).Parent(t).RootUserID()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	// Among few rows PostgreSQL takes any index that holds them.
	var gone int
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var rows []*ent.MessageCreate
		for i := range 600 {
			row := tx.Message.Create().SetChannel(entmessage.ChannelSms).SetTo("+821012345678").SetText("").SetDueAt(now).SetCreatedAt(now)
			if i%10 == 0 {
				row.SetRootUserID(parent)
			}
			rows = append(rows, row)
		}
		stored, err := tx.Message.CreateBulk(rows...).Save(ctx)
		if err != nil {
			return err
		}
		gone = stored[300].ID
		if err := tx.Message.DeleteOneID(gone).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "ANALYZE messages")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	*statements = nil
	after := paging.Cursor("message", gone)
	if _, err := history.New(history.Config{Store: db}).List(t.Context(), parent, history.PageParams{After: &after}); err != nil {
		t.Fatal(err)
	}
	if len(*statements) != 2 {
		t.Fatalf("statements: %q", *statements)
	}
	for _, statement := range *statements {
		// SQLite finds ids in the shorter index, of the account alone, as well: it ends with the row's.
		if strings.Contains(statement, "text") || strings.Contains(statement, "html") {
			t.Errorf("it reads what the messages say: %s", statement)
		}
		if plan := storetest.Explain(t, db, statement, parent, gone); !strings.Contains(plan, "message_root_user_id") {
			t.Errorf("the plan of\n%s\nis\n%s", statement, plan)
		}
	}
}
