package devlog_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/devlog"
	"luxbff/internal/testutil/domaintest"
)

// TestRejectedRecordsChangeNothing uploads any records with some that can't be stored
// between them to one home, and to another the valid ones alone: both hold the same then.
func TestRejectedRecordsChangeNothing(t *testing.T) {
	t.Parallel()
	k := domaintest.NewHome(t).Kit
	rapid.Check(t, func(rt *rapid.T) {
		one, other := k.Home(t), k.Home(t)
		var all, valid []devlog.Record
		var isValid []bool
		for range rapid.IntRange(1, 8).Draw(rt, "records") {
			at := rapid.SampledFrom([]string{"12:00:00", "12:00:30", "12:05:00"}).Draw(rt, "at")
			file := rapid.IntRange(1, 3).Draw(rt, "file")
			record := (*domaintest.Home).Complete
			if rapid.Bool().Draw(rt, "temporary") {
				record = (*domaintest.Home).Temporary
			}
			sent := record(one, at, file)
			switch rapid.SampledFrom([]string{"valid", "valid", "value", "child", "device"}).Draw(rt, "kind") {
			case "value":
				sent.LastIntensity = -1
			case "child":
				sent.ChildUserID = other.Child.ID
			case "device":
				sent.UniqueID = "another"
			default:
				valid = append(valid, record(other, at, file))
			}
			isValid = append(isValid, sent.LastIntensity >= 0 && sent.ChildUserID == one.Child.ID && sent.UniqueID != "another")
			all = append(all, sent)
		}
		stored, err := one.Devlogs.UploadWith(t.Context(), one.Parent, all, devlog.StoreValid)
		if err != nil {
			rt.Fatal(err)
		}
		for i, result := range stored.Results {
			if rejected := result.Verdict == devlog.Rejected; rejected == isValid[i] || rejected != (result.Devlog == nil) || rejected != (result.Error != nil) {
				rt.Errorf("record %d: %+v", i, result)
			}
		}
		if len(valid) > 0 {
			other.Upload(t, valid...)
		}
		if got, want := one.Rows(t), other.Rows(t); !slices.Equal(got, want) {
			rt.Errorf("stored %q, and without the others %q", got, want)
		}
		if got, want := one.Changes(t), other.Changes(t); !slices.Equal(got, want) {
			rt.Errorf("events %v, and without the others %v", got, want)
		}
		if got, want := one.LastLogFileID(t), other.LastLogFileID(t); got != want {
			rt.Errorf("last_log_file_id %d, and without the others %d", got, want)
		}
	})
}
