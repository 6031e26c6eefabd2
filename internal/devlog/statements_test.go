package devlog_test

import (
	"testing"

	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestStatementsOfAnUpload counts what an upload asks of the database, each time a round
// trip to PostgreSQL: children with devices, logs that may be replayed or late, and what is
// written of logs, devices, event numbers and events.
func TestStatementsOfAnUpload(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	lock := 0
	if storetest.IsPostgres() {
		lock = 1 // of the account's row, where SQLite has one writer
	}
	for _, c := range []struct {
		name    string
		records []devlog.Record
		want    int
	}{
		{"a log", h.CompleteSeries(1, 1), 6},
		{"ten logs", h.CompleteSeries(2, 10), 6},
		{"the most logs", h.CompleteSeries(12, devlog.MaxRecords), 6},
		{"a replay", h.CompleteSeries(1, 1), 2},
		{"a replay of the most logs", h.CompleteSeries(12, devlog.MaxRecords), 2},
		{"a temporary log", []devlog.Record{h.Temporary("23:00:00")}, 6},
		{"its update", []devlog.Record{h.Temporary("23:01:00")}, 6},
		{"its completion", []devlog.Record{h.Complete("23:00:00", 2000)}, 6},
		{"a late temporary log", []devlog.Record{h.Temporary("23:00:00")}, 4},
		{"logs of two devices", append(h.CompleteSeries(3000, 1), sister.CompleteSeries(1, 1)...), 8},
	} {
		ctx, counter := store.CountStatements(t.Context())
		if _, err := h.Devlogs.Upload(ctx, h.Parent, c.records); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := counter.N() - lock; got != c.want {
			t.Errorf("%s takes %d statements, want %d", c.name, got, c.want)
		}
	}
}

// TestAllocationsOfAnUpload bounds, on SQLite, those of the path that a phone waits for,
// which took 198 when this was written, and 1,118 with ent's builders. So they can't grow
// back unseen.
func TestAllocationsOfAnUpload(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	h := domaintest.New(storetest.OpenAt(t, storetest.SQLiteURL(t))).Home(t)
	file := 0
	got := testing.AllocsPerRun(200, func() {
		file++
		h.Upload(t, h.CompleteSeries(file, 1)...)
	})
	if got > 250 {
		t.Errorf("an upload of one log takes %.0f allocations", got)
	}
}
