package devlog

import "testing"

// FuzzHistoryCursor holds that a place in the history has one spelling: a cursor that is
// taken is the one that a page gave.
func FuzzHistoryCursor(f *testing.F) {
	for _, cursor := range []string{encodeCursor(1), encodeCursor(1 << 40), "", "ZGV2bG9nOjE=", "ZGV2bG9nOisx", "ZGV2bG9nOjAx", "MQ", "devlog:1"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		id, err := parseCursor("after", &cursor)
		if err == nil && (id < 1 || encodeCursor(id) != cursor) {
			t.Errorf("%q is taken as the place of the log %d, whose cursor is %q", cursor, id, encodeCursor(id))
		}
	})
}
