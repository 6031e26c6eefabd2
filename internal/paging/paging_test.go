package paging_test

import (
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/paging"
)

// FuzzCursor holds that a place has one spelling: a cursor that is taken is the one that a
// page gave.
func FuzzCursor(f *testing.F) {
	const kind = "devlog"
	for _, cursor := range []string{
		paging.Cursor(kind, 1), paging.Cursor(kind, 1<<40), "", "ZGV2bG9nOjE=", "ZGV2bG9nOisx", "ZGV2bG9nOjAx", "MQ", "devlog:1",
	} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		id, err := paging.ParseCursor(kind, "after", &cursor)
		if err == nil && (id < 1 || paging.Cursor(kind, id) != cursor) {
			t.Errorf("%q is taken as the place of %d, whose cursor is %q", cursor, id, paging.Cursor(kind, id))
		}
	})
}

func TestParseCursor(t *testing.T) {
	t.Parallel()
	of := func(text string) *string { return &text }
	for name, c := range map[string]struct {
		cursor *string
		want   int
		isBad  bool
	}{
		"none":            {nil, 0, false},
		"its own":         {of(paging.Cursor("message", 7)), 7, false},
		"of another kind": {of(paging.Cursor("devlog", 7)), 0, true},
		"no id":           {of(paging.Cursor("message", 0)), 0, true},
		"no cursor":       {of("7"), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := paging.ParseCursor("message", "after", c.cursor)
			if id != c.want || apperr.Is(err, apperr.CursorNotValid) != c.isBad {
				t.Errorf("%d, %v; want %d", id, err, c.want)
			}
		})
	}
}
