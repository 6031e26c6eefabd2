package devlog_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/devlog"
	"luxbff/internal/testutil/domaintest"
)

// TestRules shows rule 9 of the contract by calls of one phone: what they hold, and the
// rows, events and last_log_file_id after them.
func TestRules(t *testing.T) {
	t.Parallel()
	kit := domaintest.NewHome(t).Kit
	type call = []devlog.Record
	for name, c := range map[string]struct {
		calls   func(h *domaintest.Home) []call
		rows    []string
		changes string
		last    int
	}{
		"a temporary log is stored 30 seconds earlier": {
			func(h *domaintest.Home) []call { return []call{{h.Temporary("15:48:49")}} },
			[]string{"temporary 15:48:19"},
			"C", 0,
		},
		"over midnight and new year": {
			func(h *domaintest.Home) []call { return []call{{h.Temporary("2025-01-01T00:00:29")}} },
			[]string{"temporary 2024-12-31T23:59:59"},
			"C", 0,
		},
		"its update too, which replaces all of it": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:48:49", 4)}, {h.Temporary("15:50:00")}}
			},
			[]string{"temporary 15:49:30"},
			"CU", 4,
		},
		"updates within one call": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:48:49"), h.Temporary("15:48:50"), h.Temporary("15:48:51")}}
			},
			[]string{"temporary 15:48:21"},
			"CUU", 0,
		},
		"a complete log keeps its date and becomes the temporary one": {
			func(h *domaintest.Home) []call { return []call{{h.Temporary("15:48:49")}, {h.Complete("15:48:49", 1)}} },
			[]string{"complete 15:48:49 file 1"},
			"CF", 1,
		},
		"without a temporary log it is new": {
			func(h *domaintest.Home) []call { return []call{{h.Complete("15:48:49", 1)}} },
			[]string{"complete 15:48:49 file 1"},
			"F", 1,
		},
		"temporary and complete in one call are one log": {
			func(h *domaintest.Home) []call { return []call{{h.Temporary("15:48:49"), h.Complete("15:48:49", 1)}} },
			[]string{"complete 15:48:49 file 1"},
			"CF", 1,
		},
		"the order of the array counts": {
			func(h *domaintest.Home) []call { return []call{{h.Complete("15:48:49", 1), h.Temporary("16:00:30")}} },
			[]string{"complete 15:48:49 file 1", "temporary 16:00:00"},
			"FC", 1,
		},
		"only the first takes the temporary log": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30")}, {h.Complete("15:10:00", 3), h.Complete("15:20:00", 2), h.Complete("15:30:00", 1)}}
			},
			[]string{"complete 15:10:00 file 3", "complete 15:20:00 file 2", "complete 15:30:00 file 1"},
			"CFFF", 3,
		},
		"a new temporary log within the array is taken by the next": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30")}, {h.Complete("15:10:00", 1), h.Temporary("15:20:30"), h.Complete("15:30:00", 2), h.Temporary("15:40:30")}}
			},
			[]string{"complete 15:10:00 file 1", "complete 15:30:00 file 2", "temporary 15:40:00"},
			"CFCFC", 2,
		},
		"a replay by file changes nothing, whatever else it says": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:48:49", 1)}, {h.Complete("17:00:00", 1)}}
			},
			[]string{"complete 15:48:49 file 1"},
			"F", 1,
		},
		"a replay takes no temporary log": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("16:00:30")}, {h.Complete("15:00:00", 1), h.Complete("16:00:00", 2)}}
			},
			[]string{"complete 15:00:00 file 1", "complete 16:00:00 file 2"},
			"FCF", 2,
		},
		"a replay alone leaves the temporary log": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("16:00:30")}, {h.Complete("15:00:00", 1)}}
			},
			[]string{"complete 15:00:00 file 1", "temporary 16:00:00"},
			"FC", 1,
		},
		"a whole call again": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1), h.Complete("16:00:00")}, {h.Complete("15:00:00", 1), h.Complete("16:00:00")}}
			},
			[]string{"complete 15:00:00 file 1", "complete 16:00:00"},
			"FF", 1,
		},
		"a record twice in one call": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1), h.Complete("15:00:00", 1), h.Complete("16:00:00"), h.Complete("16:00:00")}}
			},
			[]string{"complete 15:00:00 file 1", "complete 16:00:00"},
			"FF", 1,
		},
		"without a file the date decides": {
			func(h *domaintest.Home) []call { return []call{{h.Complete("15:00:00", 1)}, {h.Complete("15:00:00")}} },
			[]string{"complete 15:00:00 file 1"},
			"F", 1,
		},
		"with a file the date doesn't": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00")}, {h.Complete("15:00:00", 1), h.Complete("15:00:00", 2)}}
			},
			[]string{"complete 15:00:00", "complete 15:00:00 file 1", "complete 15:00:00 file 2"},
			"FFF", 2,
		},
		"file 0 is a file": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 0)}, {h.Complete("16:00:00", 0)}}
			},
			[]string{"complete 15:00:00 file 0"},
			"F", 0,
		},
		"a late temporary log with its file": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("15:00:30", 1)}}
			},
			[]string{"complete 15:00:00 file 1"},
			"F", 1,
		},
		"a late temporary log of the same start": {
			func(h *domaintest.Home) []call { return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("15:00:30")}} },
			[]string{"complete 15:00:00 file 1"},
			"F", 1,
		},
		"up to 60 seconds before and after it is late": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("14:59:30")}, {h.Temporary("15:01:30", 7)}}
			},
			[]string{"complete 15:00:00 file 1"},
			"F", 1,
		},
		"61 seconds before it is of another treatment": {
			func(h *domaintest.Home) []call { return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("14:59:29")}} },
			[]string{"complete 15:00:00 file 1", "temporary 14:58:59"},
			"FC", 1,
		},
		"61 seconds after it as well": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("15:01:31", 2)}}
			},
			[]string{"complete 15:00:00 file 1", "temporary 15:01:01 file 2"},
			"FC", 2,
		},
		"a late one leaves the next temporary log": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 1)}, {h.Temporary("16:00:30")}, {h.Temporary("15:00:35")}, {h.Complete("16:00:00", 2)}}
			},
			[]string{"complete 15:00:00 file 1", "complete 16:00:00 file 2"},
			"FCF", 2,
		},
		"late within one call": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30"), h.Complete("15:00:02", 1), h.Temporary("15:00:30"), h.Temporary("16:00:30")}}
			},
			[]string{"complete 15:00:02 file 1", "temporary 16:00:00"},
			"CFC", 1,
		},
		"before midnight and after": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("2024-12-31T23:59:40", 1)}, {h.Temporary("2025-01-01T00:00:59")}}
			},
			[]string{"complete 2024-12-31T23:59:40 file 1"},
			"F", 1,
		},
		"at the end of time": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("9999-12-31T23:59:59", 1)}, {h.Temporary("9999-12-31T23:59:59")}}
			},
			[]string{"complete 9999-12-31T23:59:59 file 1"},
			"F", 1,
		},
		"and at its beginning": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("0001-01-01T00:00:00", 1)}, {h.Temporary("0001-01-01T00:00:30")}}
			},
			[]string{"complete 0001-01-01T00:00:00 file 1"},
			"F", 1,
		},
		"an offset is kept beside the clock and goes with the date": {
			func(h *domaintest.Home) []call {
				return []call{
					{withOffset(h.Temporary("15:00:30"), "+09:00")},
					{withOffset(h.Temporary("15:01:00"), "+01:00")},
					{h.Complete("15:00:00", 1), withOffset(h.Complete("16:00:00", 2), "+00:00")},
					{h.Temporary("17:00:30")},
				}
			},
			[]string{"complete 15:00:00 file 1", "complete 16:00:00+00:00 file 2", "temporary 17:00:00"},
			"CUFFC", 2,
		},
		"clocks are compared as they were written": {
			func(h *domaintest.Home) []call {
				return []call{
					{withOffset(h.Complete("15:00:00"), "+09:00")},
					{withOffset(h.Complete("15:00:00"), "+00:00")},
					{withOffset(h.Temporary("15:00:30"), "-03:00")},
					{withOffset(h.Complete("06:00:00"), "+00:00")},
				}
			},
			[]string{"complete 15:00:00+09:00", "complete 06:00:00+00:00"},
			"FF", 0,
		},
		"a temporary log is no replay of itself": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30", 1)}, {h.Temporary("15:00:30", 1)}}
			},
			[]string{"temporary 15:00:00 file 1"},
			"CU", 1,
		},
		"a temporary log's file may be that of another log's end": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30", 1)}, {h.Complete("15:10:00", 2), h.Complete("15:20:00", 1)}}
			},
			[]string{"complete 15:10:00 file 2", "complete 15:20:00 file 1"},
			"CFF", 2,
		},
		"last_log_file_id never falls": {
			func(h *domaintest.Home) []call {
				return []call{{h.Complete("15:00:00", 9)}, {h.Complete("16:00:00", 3)}, {h.Complete("17:00:00")}}
			},
			[]string{"complete 15:00:00 file 9", "complete 16:00:00 file 3", "complete 17:00:00"},
			"FFF", 9,
		},
		"a temporary log raises it": {
			func(h *domaintest.Home) []call {
				return []call{{h.Temporary("15:00:30", 9)}, {h.Complete("15:00:00", 4)}}
			},
			[]string{"complete 15:00:00 file 4"},
			"CF", 9,
		},
		"the greatest numbers": {
			func(h *domaintest.Home) []call {
				r := h.Complete("9999-12-31T23:59:59", math.MaxInt32)
				r.LastIntensity, r.TreatmentTime = math.MaxInt32, math.MaxInt32
				return []call{{r}, {h.Complete("0001-01-01T00:00:00", 0)}}
			},
			[]string{"complete 9999-12-31T23:59:59 file 2147483647", "complete 0001-01-01T00:00:00 file 0"},
			"FF", math.MaxInt32,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kit.Home(t)
			for _, records := range c.calls(h) {
				stored := h.Upload(t, records...)
				if want := !slices.ContainsFunc(records, func(r devlog.Record) bool { return r.FinishFlag != nil }); stored.AllTemporary != want {
					t.Errorf("all temporary is %v for %+v", stored.AllTemporary, records)
				}
			}
			if diff := cmp.Diff(c.rows, h.Rows(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(parseChanges(c.changes), h.Changes(t)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if last := h.LastLogFileID(t); last != c.last {
				t.Errorf("last_log_file_id is %d, want %d", last, c.last)
			}
		})
	}
}

// withOffset adds the offset that an app has sent with the date.
func withOffset(r devlog.Record, offset string) devlog.Record {
	r.TreatmentOffset = &offset
	return r
}

// parseChanges reads Created, Updated and Completed (F, for finished) from letters.
func parseChanges(letters string) []vocab.DevlogChange {
	changes := make([]vocab.DevlogChange, len(letters))
	for i, letter := range letters {
		changes[i] = map[rune]vocab.DevlogChange{'C': vocab.Created, 'U': vocab.Updated, 'F': vocab.Completed}[letter]
	}
	return changes
}
