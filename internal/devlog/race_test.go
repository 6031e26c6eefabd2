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

// at is how many requests meet in the races below.
const at = 16

// race uploads what records gives, all at once, and wants no error.
func (h *home) race(t *testing.T, records func(i int) []devlog.Record) {
	t.Helper()
	for _, err := range testutil.Concurrently(at, func(i int) error {
		_, err := h.Devlogs.Upload(t.Context(), h.parent, records(i))
		return err
	}) {
		if err != nil {
			t.Errorf("upload: %v", err)
		}
	}
}

func TestOneLogRacesWithItself(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]func(h *home) devlog.Record{
		"with its file": func(h *home) devlog.Record { return h.ended("15:00:00", 1) },
		"by its date":   func(h *home) devlog.Record { return h.ended("15:00:00") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.race(t, func(int) []devlog.Record { return []devlog.Record{record(h)} })
			if rows := h.rows(t); len(rows) != 1 {
				t.Errorf("stored %q", rows)
			}
			if diff := cmp.Diff([]vocab.DevlogChange{vocab.Completed}, h.changes(t)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneTemporaryLogSentManyTimes(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.race(t, func(int) []devlog.Record { return []devlog.Record{h.running("15:00:30")} })
	if diff := cmp.Diff([]string{"temporary 15:00:00"}, h.rows(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := slices.Repeat([]vocab.DevlogChange{vocab.Updated}, at)
	want[0] = vocab.Created
	if diff := cmp.Diff(want, h.changes(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOneOfManyEndsTheTemporaryLog(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	temporary := h.upload(t, h.running("15:00:30")).Devlogs[0]
	h.race(t, func(i int) []devlog.Record { return h.uses(i, 1) })
	rows := h.rows(t)
	if len(rows) != at || slices.Contains(rows, line(temporary)) {
		t.Errorf("stored %q", rows)
	}
	if last := h.lastLogFileID(t); last != at-1 {
		t.Errorf("last_log_file_id is %d, want %d", last, at-1)
	}
}

// TestParallelUploadsAreToldWithoutGap lets phones of several children upload at
// once while one subscriber listens: the numbers rise by one, and each event
// comes once, in their order.
func TestParallelUploadsAreToldWithoutGap(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	homes := []*home{h, h.sister(t), h.sister(t), h.sister(t)}
	events := h.watch(t, devlog.FeedParams{})
	const records = 5
	h.race(t, func(i int) []devlog.Record { return homes[i%len(homes)].uses(i*records, records) })
	if n := len(h.changes(t)); n != at*records {
		t.Errorf("%d events stored, want %d", n, at*records)
	}
	var told []int
	for range at * records {
		told = append(told, *next(t, events).Devlog.LogFileID)
	}
	for upload := range slices.Chunk(told, records) {
		for i, file := range upload {
			if file != upload[0]+i {
				t.Fatalf("the events of one upload are torn: %v", told)
			}
		}
	}
	slices.Sort(told)
	for i, file := range told {
		if file != i {
			t.Fatalf("told of the files %v", told)
		}
	}
}

// TestUploadsRaceWithLeaving: an upload is stored whole while the device is the
// child's, or refused whole.
func TestUploadsRaceWithLeaving(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sister := h.sister(t)
	errs := testutil.Concurrently(at, func(i int) error {
		if i == at/2 {
			return h.Children.Delete(t.Context(), h.parent, sister.child.ID, *sister.device.UniqueID)
		}
		_, err := h.Devlogs.Upload(t.Context(), h.parent, append(h.uses(i*2, 2), sister.uses(i*2, 2)...))
		return err
	})
	stored := 0
	for _, err := range errs {
		if err == nil {
			stored++
		} else {
			domaintest.WantError(t, err, apperr.NotFoundUser, "")
		}
	}
	want := domaintest.Counts{Children: 1, Registered: 1, Devlogs: (stored - 1) * 2, Events: (stored - 1) * 2}
	if diff := cmp.Diff(want, h.Count(t)); diff != "" {
		t.Errorf("rows after %d uploads (-want +got):\n%s", stored-1, diff)
	}
}
