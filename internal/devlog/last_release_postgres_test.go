//go:build postgres

package devlog_test

import (
	"context"
	"testing"
	"time"

	"luxbff/ent"
	"luxbff/ent/user"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestLogsOfTheLastReleaseAreNumbered stores and changes logs as the last release does, in
// statements that name no number, while a phone reads changes from this one. Each gets the
// number that this release would give it.
func TestLogsOfTheLastReleaseAreNumbered(t *testing.T) {
	t.Parallel()
	h := domaintest.New(storetest.OpenAt(t, storetest.PostgresURL(t))).Home(t)
	phone := &copyOfPhone{logs: map[int]*ent.Devlog{}}
	readOne := func(what string) {
		t.Helper()
		before := phone.cursor
		if more, err := phone.read(t.Context(), h, 100); err != nil || more || phone.cursor == before {
			t.Errorf("%s: %v, %v, the cursor is %q behind %q", what, more, err, phone.cursor, before)
		}
		phone.wantWhole(t, h)
	}
	h.Upload(t, h.Temporary("15:00:30"))
	h.Upload(t, h.CompleteSeries(1, 2)...)
	readOne("of this release")
	lastRelease := func(statement string, args ...any) {
		t.Helper()
		h.Write(t, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.Lock(ctx, user.Table, h.Parent.RootUserID()); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, statement, args...); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE users SET event_seq = event_seq + 1 WHERE id = $1", h.Parent.RootUserID())
			return err
		})
	}
	now := time.Now()
	lastRelease(`INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status, treatment_date, last_intensity,
		treatment_time, created_at, updated_at) VALUES ($1, $2, $3, 1, 'TEMPORARY', '2025-02-21T20:00:00', 1, 1, $4, $4)`,
		h.Parent.RootUserID(), h.Child.ID, h.Device.ID, now)
	readOne("stored by the last release")
	lastRelease("UPDATE devlogs SET status = 'COMPLETE', finish_flag = 1 WHERE status = 'TEMPORARY' AND child_user_id = $1", h.Child.ID)
	readOne("completed by the last release")
	h.Upload(t, h.CompleteSeries(5, 1)...)
	readOne("of this release again")
	for _, l := range phone.logs {
		if l.ChangeSeq == 0 {
			t.Errorf("%v has no number", l)
		}
	}
}
