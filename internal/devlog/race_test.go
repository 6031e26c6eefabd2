package devlog_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/devlog"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
)

// requests is how many run at the same time in the races below.
const requests = 16

// race uploads what records returns for each request, all at the same time, and
// allows no error.
func race(t *testing.T, h *domaintest.Home, records func(i int) []devlog.Record) {
	t.Helper()
	for _, err := range testutil.Concurrently(requests, func(i int) error {
		_, err := h.Devlogs.Upload(t.Context(), h.Parent, records(i))
		return err
	}) {
		if err != nil {
			t.Errorf("upload: %v", err)
		}
	}
}

func TestOneLogRacesWithItself(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]func(h *domaintest.Home) devlog.Record{
		"with its file": func(h *domaintest.Home) devlog.Record { return h.Complete("15:00:00", 1) },
		"by its date":   func(h *domaintest.Home) devlog.Record { return h.Complete("15:00:00") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := domaintest.NewHome(t)
			race(t, h, func(int) []devlog.Record { return []devlog.Record{record(h)} })
			if rows := h.Rows(t); len(rows) != 1 {
				t.Errorf("stored %q", rows)
			}
			if diff := cmp.Diff([]vocab.DevlogChange{vocab.Completed}, h.Changes(t)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneTemporaryLogSentManyTimes(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	race(t, h, func(int) []devlog.Record { return []devlog.Record{h.Temporary("15:00:30")} })
	if diff := cmp.Diff([]string{"temporary 15:00:00"}, h.Rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := slices.Repeat([]vocab.DevlogChange{vocab.Updated}, requests)
	want[0] = vocab.Created
	if diff := cmp.Diff(want, h.Changes(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOneOfManyCompletesTheTemporaryLog(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	temporary := h.Upload(t, h.Temporary("15:00:30")).Devlogs()[0]
	race(t, h, func(i int) []devlog.Record { return h.CompleteSeries(i, 1) })
	rows := h.Rows(t)
	if len(rows) != requests || slices.Contains(rows, domaintest.DescribeLog(temporary)) {
		t.Errorf("stored %q", rows)
	}
	if last := h.LastLogFileID(t); last != requests-1 {
		t.Errorf("last_log_file_id is %d, want %d", last, requests-1)
	}
}

// TestUploadsRaceWithTheDeletionOfAChild: an upload is either stored as a whole, while
// the child exists, or refused as a whole.
func TestUploadsRaceWithTheDeletionOfAChild(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	errs := testutil.Concurrently(requests, func(i int) error {
		if i == requests/2 {
			return h.Children.Delete(t.Context(), h.Parent, sister.Child.ID, *sister.Device.UniqueID)
		}
		_, err := h.Devlogs.Upload(t.Context(), h.Parent, append(h.CompleteSeries(i*2, 2), sister.CompleteSeries(i*2, 2)...))
		return err
	})
	stored := 0
	for _, err := range errs {
		if err == nil {
			stored++
		} else {
			domaintest.WantError(t, err, apperr.NotFoundUser, "input.logs[2].childUserId")
		}
	}
	want := domaintest.Counts{Children: 1, Registered: 1, Devlogs: (stored - 1) * 2, Events: (stored - 1) * 2}
	if diff := cmp.Diff(want, h.Count(t)); diff != "" {
		t.Errorf("rows after %d uploads (-want +got):\n%s", stored-1, diff)
	}
}
