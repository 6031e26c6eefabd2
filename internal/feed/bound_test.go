package feed_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestOldestResumePointIsFoundByAnIndex reads the plan of the statement that looks for
// resume points over the bound, which runs for each new one.
func TestOldestResumePointIsFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "OFFSET")
	h := domaintest.New(db).Home(t)
	if _, err := open(t, h, feed.SubscribeParams{InstallationID: new("phone")}); err != nil {
		t.Fatal(err)
	}
	if len(*statements) != 1 {
		t.Fatalf("%d statements look for the oldest", len(*statements))
	}
	plan := storetest.Explain(t, db, (*statements)[0], h.Parent.RootUserID())
	for _, scan := range []string{"Seq Scan on feed_positions", "SCAN feed_positions"} {
		if strings.Contains(plan, scan) || !strings.Contains(plan, "feedposition_root_user_id_updated_at") {
			t.Errorf("the plan of\n%s\nis\n%s", (*statements)[0], plan)
		}
	}
}

// TestOpeningReadsRowsOfItsAccountAlone opens a feed among a thousand families. PostgreSQL
// reads tables of that size as a whole to find a few rows of them, unless the statement says
// of which account they are.
func TestOpeningReadsRowsOfItsAccountAlone(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "SELECT u.event_seq, u.event_floor")
	h := domaintest.New(db).Home(t)
	h.Upload(t, h.CompleteSeries(1, devlog.MaxRecords)...)
	const families = `WITH RECURSIVE families(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM families WHERE i < 2000) SELECT i`
	const insertEvents = `INSERT INTO devlog_events (root_user_id, child_user_id, device_id, devlog_id, seq, change, status, treatment_date,
		last_intensity, treatment_time, last_log_file_id, devlog_created_at, occurred_at) ` +
		families + `, i, i, i, e.seq, e.change, e.status, '', 1, 1, 1, e.occurred_at, e.occurred_at FROM devlog_events e CROSS JOIN families`
	fill := []string{
		`INSERT INTO users (id, register_type, created_at) ` + families + `, 'E', u.created_at FROM families CROSS JOIN users u`,
		`INSERT INTO child_users (id, root_user_id, first_name, last_name, birthdate, gender, created_at) ` +
			families + `, i, '', '', '', '', c.created_at FROM families CROSS JOIN child_users c`,
		`INSERT INTO devices (id, root_user_id, child_user_id, serial_code, mac_id, project_id, hardware_id, now_firmware_id, firmware_version, created_at) ` +
			families + `, i, i, i || '', i || '', 1, 1, 1, '', d.created_at FROM families CROSS JOIN devices d`,
	}
	for seq := range 10 { // each of a write of its own, whose time is limited
		fill = append(fill, fmt.Sprintf(insertEvents+` WHERE e.root_user_id < 1000 AND e.seq = %d`, 1+seq))
	}
	for _, statement := range append(fill, `ANALYZE`) {
		h.Write(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, statement)
			return err
		})
	}
	subscribe(t, h, feed.SubscribeParams{})
	plan := storetest.ExplainAmongMany(t, db, (*statements)[0], h.Parent.RootUserID(), 0, 1, time.Unix(0, 0), nil, nil, 50)
	for _, scan := range []string{"Seq Scan on devices", "Seq Scan on child_users", "SCAN c", "SCAN d"} {
		if strings.Contains(plan, scan) {
			t.Errorf("%s:\n%s", scan, plan)
		}
	}
}
