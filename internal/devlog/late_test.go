package devlog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestAnswerOfALateRecordIsTheNearestLog: it is shown as it stands.
func TestAnswerOfALateRecordIsTheNearestLog(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	stored := h.Upload(t, h.Complete("15:00:00", 1), h.Complete("15:00:40", 2), h.Complete("15:03:00", 3)).Devlogs()
	for at, want := range map[string]*ent.Devlog{
		"15:00:30": stored[0], "15:00:49": stored[0], "15:00:50": stored[0], "15:00:51": stored[1], "15:02:10": stored[1], "15:02:30": stored[2],
	} {
		again := h.Upload(t, h.Temporary("12:00:30"), h.Temporary(at), h.Complete("12:00:00", 9)).Devlogs()[1]
		if again.ID != want.ID || again.TreatmentDate != want.TreatmentDate || again.Status != vocab.Complete {
			t.Errorf("%s is answered by %v, want %v", at, again, want)
		}
	}
}

// TestLateIsWithinOneRegistration: another child's treatment, or one of another device,
// makes no record late.
func TestLateIsWithinOneRegistration(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	h.Upload(t, h.Complete("15:00:00", 1))
	sister.Upload(t, sister.Temporary("15:00:30"))
	h.MoveDevice(t, sister)
	sister.With(h).Upload(t, sister.With(h).Temporary("15:00:30"))
	h.MoveDevice(t, h)
	h.Upload(t, h.Temporary("15:00:30"))
	want := []string{
		"complete 15:00:00 file 1", "temporary 15:00:00",
		"temporary 15:00:00 registration 2", "temporary 15:00:00 registration 3",
	}
	if diff := cmp.Diff(want, h.Rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestLateRecordsAreFoundByAnIndex sends a thousand temporary records, each late for a log
// of its own, and asks the engine how it finds them.
func TestLateRecordsAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	h, statements := recordStatements(t, "BETWEEN")
	complete := h.CompleteSeries(1, devlog.MaxRecords)
	h.Upload(t, complete...)
	records := make([]devlog.Record, len(complete))
	for i, r := range complete {
		records[i] = h.Temporary(string(r.TreatmentDate.Add(30 * time.Second)))
	}
	for i, l := range h.Upload(t, records...).Devlogs() {
		if *l.LogFileID != i+1 {
			t.Fatalf("record %d is answered by %v", i, l)
		}
	}
	if len(*statements) != 1 {
		t.Fatalf("%d statements look for near logs", len(*statements))
	}
	var args []any
	for _, r := range records {
		at := r.TreatmentDate.Add(-30 * time.Second)
		args = append(args, h.Device.ID, 1, at.Add(-time.Minute), at, at.Add(time.Minute))
	}
	plan := storetest.Explain(t, h.Store, (*statements)[0], args...)
	for _, scan := range []string{"Seq Scan on devlogs", "SCAN devlogs", "B-TREE", "Sort"} {
		if strings.Contains(plan, scan) || !strings.Contains(plan, "devlog_device_id_registration_treatment_date") {
			t.Errorf("the plan of\n%.900s\nis\n%s", (*statements)[0], plan)
		}
	}
}

// TestReplaysAreFoundByAnIndex holds what an upload costs whatever the device has sent: its
// temporary log, and the logs that its records may replay by file or by date, are each one
// search in an index that fits.
func TestReplaysAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	h, statements := recordStatements(t, "UNION ALL")
	byDate := h.Complete("16:00:00", 0)
	byDate.LogFileID = nil
	h.Upload(t, h.Complete("15:00:00", 1), byDate)
	h.Upload(t, h.Complete("15:00:00", 1), byDate)
	h.Upload(t, h.CompleteSeries(2, 200)...)
	err := h.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "ANALYZE devlogs")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(*statements) != 3 {
		t.Fatalf("%d statements look for replays in three uploads", len(*statements))
	}
	plan := storetest.Explain(t, h.Store, (*statements)[1],
		h.Device.ID, h.Child.ID, h.Device.ID, 1, 1, "COMPLETE", h.Device.ID, 1, string(byDate.TreatmentDate), "COMPLETE")
	for _, index := range []string{"devlog_child_user_id_device_id", "devlog_device_id_registration_log_file_id", "devlog_device_id_registration_treatment_date"} {
		if !strings.Contains(plan, index) {
			t.Errorf("the plan doesn't use %s:\n%s", index, plan)
		}
	}
	for _, scan := range []string{"Seq Scan on devlogs", "SCAN devlogs"} {
		if strings.Contains(plan, scan) {
			t.Errorf("the plan reads the whole table:\n%s\nof\n%s", plan, (*statements)[1])
		}
	}
}

// recordStatements makes a home whose statements are kept, those that have the part.
func recordStatements(t *testing.T, part string) (h *domaintest.Home, statements *[]string) {
	t.Helper()
	db, statements := storetest.OpenRecording(t, part)
	return domaintest.New(db).Home(t), statements
}
