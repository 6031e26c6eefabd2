package devlog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/paging"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// copyOfPhone is what a phone keeps of one child: its logs, and how far it has read.
type copyOfPhone struct {
	logs   map[int]*ent.Devlog
	cursor string
}

// read takes one page of changes into the copy, and reports whether there are more.
func (c *copyOfPhone) read(ctx context.Context, h *domaintest.Home, size int) (more bool, err error) {
	of, err := h.Children.Get(ctx, h.Parent, h.Child.ID)
	if err != nil {
		return false, err
	}
	pages, err := h.Devlogs.Histories(ctx, []*ent.ChildUser{of}, devlog.PageParams{First: &size, UpdatedAfter: &c.cursor})
	if err != nil {
		return false, err
	}
	page := pages[0]
	switch {
	case page.Err != nil:
		return false, page.Err
	case len(page.Devlogs) > size || len(page.Cursors) != len(page.Devlogs):
		return false, fmt.Errorf("a page of %d has %d logs and %d cursors", size, len(page.Devlogs), len(page.Cursors))
	case page.HasPrevious:
		return false, fmt.Errorf("a page of changes has a previous one")
	case page.HasNext && len(page.Devlogs) < size:
		return false, fmt.Errorf("a page of %d logs has a next one, and could hold %d", len(page.Devlogs), size)
	}
	for i, l := range page.Devlogs {
		if before := c.logs[l.ID]; before != nil && before.ChangeSeq >= l.ChangeSeq {
			return false, fmt.Errorf("%v comes once more without a change", l)
		}
		c.logs[l.ID], c.cursor = l, page.Cursors[i]
	}
	return page.HasNext, nil
}

// sameLogs leaves out what a log leads to.
var sameLogs = cmp.Options{cmpopts.IgnoreUnexported(ent.Devlog{}), cmpopts.IgnoreFields(ent.Devlog{}, "Edges"), cmpopts.EquateEmpty()}

// wantWhole holds that the copy is what is stored, in every column.
func (c *copyOfPhone) wantWhole(t testing.TB, h *domaintest.Home) {
	t.Helper()
	stored := map[int]*ent.Devlog{}
	for _, l := range h.Store.Read().ChildUser.QueryDevlogs(h.Child).AllX(t.Context()) {
		stored[l.ID] = l
	}
	if diff := cmp.Diff(stored, c.logs, sameLogs); diff != "" {
		t.Errorf("the phone's copy (-stored +copy):\n%s", diff)
	}
}

// TestPhonesCatchUp has two phones, one for each child of a family, read changes now and
// then, in pages of any size, while a third uploads whatever there may be: their copies end
// up as what is stored, and each change is read once.
func TestPhonesCatchUp(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := kit.Home(t)
		homes := []*domaintest.Home{h, h.Sister(t)}
		phones := []*copyOfPhone{{logs: map[int]*ent.Devlog{}}, {logs: map[int]*ent.Devlog{}}}
		file := 0
		record := rapid.Custom(func(rt *rapid.T) devlog.Record {
			of := rapid.SampledFrom(homes).Draw(rt, "child")
			switch file++; rapid.IntRange(0, 3).Draw(rt, "record") {
			case 0:
				return of.Temporary(fmt.Sprintf("%02d:00:30", file%24))
			case 1: // one that may be a replay
				return of.CompleteSeries(rapid.IntRange(1, file).Draw(rt, "file"), 1)[0]
			default:
				return of.CompleteSeries(file, 1)[0]
			}
		})
		read := func(i int) (more bool) {
			more, err := phones[i].read(t.Context(), homes[i], rapid.IntRange(1, 5).Draw(rt, "size"))
			if err != nil {
				rt.Fatal(err)
			}
			return more
		}
		rt.Repeat(map[string]func(*rapid.T){
			"upload": func(rt *rapid.T) { h.Upload(t, rapid.SliceOfN(record, 1, 6).Draw(rt, "records")...) },
			"read":   func(rt *rapid.T) { read(rapid.IntRange(0, 1).Draw(rt, "phone")) },
		})
		for i, phone := range phones {
			for read(i) {
			}
			phone.wantWhole(t, homes[i])
			if cursor := phone.cursor; read(i) || phone.cursor != cursor {
				rt.Fatalf("there is something behind the last page: %q, %q", cursor, phone.cursor)
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// TestNoChangeIsMissedInARace reads changes while uploads of several phones are committed:
// none is committed in front of what was read.
func TestNoChangeIsMissedInARace(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	phone := &copyOfPhone{logs: map[int]*ent.Devlog{}}
	uploads := make(chan struct{})
	read := make(chan error, 1)
	go func() {
		for {
			select {
			case <-uploads:
				read <- nil
				return
			default:
			}
			if _, err := phone.read(t.Context(), h, 3); err != nil {
				read <- err
				return
			}
		}
	}()
	for _, err := range testutil.Concurrently(requests, func(i int) error {
		records := append(h.CompleteSeries(i*2, 2), sister.CompleteSeries(i, 1)...)
		if i%4 == 0 {
			records = append(records, h.Temporary("23:00:30"))
		}
		_, err := h.Devlogs.Upload(t.Context(), h.Parent, records)
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	close(uploads)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	for {
		more, err := phone.read(t.Context(), h, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	phone.wantWhole(t, h)
}

// TestChangesOfAFamily reads those of all children, from the first on, in one statement.
func TestChangesOfAFamily(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	foreign.Upload(t, foreign.CompleteSeries(1, 2)...)
	first := h.Upload(t, append(h.CompleteSeries(1, 2), sister.CompleteSeries(1, 3)...)...).Devlogs()
	second := h.Upload(t, append(sister.CompleteSeries(4, 1), h.CompleteSeries(3, 1)...)...).Devlogs()
	family, err := h.Children.List(t.Context(), h.Parent)
	if err != nil {
		t.Fatal(err)
	}
	child.MakeFamily(h.Parent.User, family)
	ctx, counter := store.CountStatements(t.Context())
	pages, err := h.Devlogs.Histories(ctx, family, devlog.PageParams{First: new(100), UpdatedAfter: new("")})
	if err != nil {
		t.Fatal(err)
	}
	if counter.N() != 1 {
		t.Errorf("the changes of two children take %d statements", counter.N())
	}
	want := [][]int{{first[0].ID, first[1].ID, second[1].ID}, {first[2].ID, first[3].ID, first[4].ID, second[0].ID}}
	if diff := cmp.Diff(want, [][]int{ids(pages[0].Devlogs), ids(pages[1].Devlogs)}); diff != "" {
		t.Errorf("all changes (-want +got):\n%s", diff)
	}
	// A cursor of one child is none of the other, which takes nothing away from the first.
	pages, err = h.Devlogs.Histories(t.Context(), family, devlog.PageParams{UpdatedAfter: &pages[0].Cursors[1]})
	if err != nil || pages[0].Err != nil || !slices.Equal(ids(pages[0].Devlogs), want[0][2:]) {
		t.Errorf("behind its second log the child has %v, %v, %v", pages, err, want[0])
	}
	domaintest.WantError(t, pages[1].Err, apperr.CursorNotValid, "updatedAfter")
}

// TestChangesOfWhatIsShownAlready: an answer shows one state of a log. Where that is older
// than the one which the page has read, the cursor stays in front of what is not shown;
// where it is newer, the cursor is that of what was read, as more may stand between the two.
func TestChangesOfWhatIsShownAlready(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	log := *h.Upload(t, h.Temporary("15:00:30")).Devlogs()[0]
	between := h.Upload(t, h.CompleteSeries(1, 1)...) // it completes the log
	next := h.Upload(t, h.Temporary("17:00:30")).Devlogs()[0]
	if between.Devlogs()[0].ID != log.ID {
		t.Fatalf("%v is not the log %v", between.Devlogs(), log)
	}
	of := func(shown ent.Devlog) devlog.Page {
		c, err := h.Children.Get(t.Context(), h.Parent, h.Child.ID)
		if err != nil {
			t.Fatal(err)
		}
		shown.Edges.ChildUser, shown.Edges.Device = c, c.Edges.Device
		c.Edges.Devlogs = []*ent.Devlog{&shown}
		pages, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{c}, devlog.PageParams{UpdatedAfter: new("")})
		if err != nil {
			t.Fatal(err)
		}
		if pages[0].Devlogs[0] != &shown {
			t.Error("the page shows a second state of the log")
		}
		return pages[0]
	}
	cursor := func(seq int64, id int) string { return paging.Cursor("change", int(seq), id) }
	completed := between.Devlogs()[0].ChangeSeq
	older := log
	if diff := cmp.Diff([]string{cursor(log.ChangeSeq, log.ID), cursor(next.ChangeSeq, next.ID)}, of(older).Cursors); diff != "" {
		t.Errorf("cursors of an older state (-want +got):\n%s", diff)
	}
	newer := log
	newer.ChangeSeq = next.ChangeSeq + 5
	if diff := cmp.Diff([]string{cursor(completed, log.ID), cursor(next.ChangeSeq, next.ID)}, of(newer).Cursors); diff != "" {
		t.Errorf("cursors of a newer state (-want +got):\n%s", diff)
	}
}

func TestArgumentsOfChanges(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	log := h.Upload(t, h.CompleteSeries(1, 1)...).Devlogs()[0]
	history, change := devlog.Cursor(log), paging.Cursor("change", int(log.ChangeSeq), log.ID)
	sister := h.Sister(t)
	ofSister := sister.Upload(t, sister.CompleteSeries(1, 1)...).Devlogs()[0]
	for name, c := range map[string]struct {
		params devlog.PageParams
		kind   apperr.Kind
		field  string
	}{
		"with after":            {devlog.PageParams{After: &history, UpdatedAfter: &change}, apperr.BadRequest, "updatedAfter"},
		"with before":           {devlog.PageParams{Before: &history, UpdatedAfter: new("")}, apperr.BadRequest, "updatedAfter"},
		"with last":             {devlog.PageParams{Last: new(1), UpdatedAfter: &change}, apperr.BadRequest, "updatedAfter"},
		"too many":              {devlog.PageParams{First: new(101), UpdatedAfter: &change}, apperr.BadRequest, "first"},
		"a negative number":     {devlog.PageParams{First: new(-1), UpdatedAfter: &change}, apperr.BadRequest, "first"},
		"of the history":        {devlog.PageParams{UpdatedAfter: &history}, apperr.CursorNotValid, "updatedAfter"},
		"no cursor":             {devlog.PageParams{UpdatedAfter: new("0")}, apperr.CursorNotValid, "updatedAfter"},
		"a number too few":      {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", 7))}, apperr.CursorNotValid, "updatedAfter"},
		"a number too many":     {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", 1, 2, 3))}, apperr.CursorNotValid, "updatedAfter"},
		"a change as after":     {devlog.PageParams{After: &change}, apperr.CursorNotValid, "after"},
		"a change as before":    {devlog.PageParams{Before: &change}, apperr.CursorNotValid, "before"},
		"nothing as after":      {devlog.PageParams{After: new("")}, apperr.CursorNotValid, "after"},
		"of a sister":           {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", int(ofSister.ChangeSeq), ofSister.ID))}, apperr.CursorNotValid, "updatedAfter"},
		"of a lost log":         {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", 1, 1000))}, apperr.CursorNotValid, "updatedAfter"},
		"of a lost change":      {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", int(log.ChangeSeq)+1, log.ID))}, apperr.CursorNotValid, "updatedAfter"},
		"a change that is none": {devlog.PageParams{UpdatedAfter: new(paging.Cursor("change", -1, 2))}, apperr.CursorNotValid, "updatedAfter"},
	} {
		pages, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, c.params)
		if err == nil {
			err = pages[0].Err
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			domaintest.WantError(t, err, c.kind, c.field)
		})
	}
}

// TestLogsFromBeforeChangesWereNumbered come first, by their ids, and a change moves one
// behind all others.
func TestLogsFromBeforeChangesWereNumbered(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	running := h.Upload(t, h.Temporary("15:00:30")).Devlogs()[0]
	old := h.Upload(t, h.CompleteSeries(1, 3)...).Devlogs() // the first completes the running one
	h.Write(t, resetNumbers)
	phone := &copyOfPhone{logs: map[int]*ent.Devlog{}}
	if more, err := phone.read(t.Context(), h, 2); err != nil || !more {
		t.Fatal(more, err)
	}
	if phone.logs[running.ID] == nil || phone.logs[old[1].ID] == nil {
		t.Errorf("the first page has %v", phone.logs)
	}
	h.Upload(t, h.Temporary("16:00:30"))
	for more, err := true, error(nil); more || err != nil; {
		if more, err = phone.read(t.Context(), h, 2); err != nil {
			t.Fatal(err)
		}
	}
	phone.wantWhole(t, h)
	if n := len(phone.logs); n != 4 || !slices.Contains(h.Rows(t), "temporary 16:00:00") {
		t.Errorf("%d logs", n)
	}
}

// TestChangesAreReadByAnIndex asks the engine how it finds the changes of several children:
// in a table that it knows nothing of, where the logs of each child are many among all, and
// where nearly all are older than the numbers of changes.
func TestChangesAreReadByAnIndex(t *testing.T) {
	t.Parallel()
	h, statements := recordStatements(t, "FROM devlogs l")
	sister := h.Sister(t)
	explain := func(logs string) {
		t.Helper()
		children, err := h.Children.List(t.Context(), h.Parent)
		if err != nil {
			t.Fatal(err)
		}
		*statements = nil
		if _, err := h.Devlogs.Histories(t.Context(), children, devlog.PageParams{First: new(20), UpdatedAfter: new("")}); err != nil {
			t.Fatal(err)
		}
		for _, after := range []int{0, 2, 1_000_000} {
			plan := storetest.Explain(t, h.Store, (*statements)[0], 21, after, 1, children[0].ID, children[1].ID)
			if strings.Count(plan, "devlog_child_user_id_") < 4 || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "SCAN l") || strings.Contains(plan, "Sort") || strings.Contains(plan, "B-TREE") {
				t.Errorf("%s, behind %d:\n%s", logs, after, plan)
			}
		}
	}
	analyze := func() {
		if storetest.IsPostgres() { // SQLite plans without statistics, as nothing gathers any
			h.Write(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, "ANALYZE devlogs")
				return err
			})
		}
	}
	explain("no logs")
	for i := range 8 {
		h.Upload(t, append(h.CompleteSeries(1+i*500, 500), sister.CompleteSeries(1+i*500, 500)...)...)
	}
	analyze()
	explain("logs of many changes")
	h.Write(t, resetNumbers)
	h.Upload(t, append(h.CompleteSeries(5000, 20), sister.CompleteSeries(5000, 20)...)...)
	analyze()
	explain("logs from before there were numbers")
}

// resetNumbers has the stored logs be as old as the column, which has no number of theirs.
// PostgreSQL would number them at once.
func resetNumbers(ctx context.Context, tx *store.Tx) error {
	if storetest.IsPostgres() {
		if _, err := tx.Exec(ctx, "ALTER TABLE devlogs DISABLE TRIGGER number_changed_devlog"); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE devlogs SET change_seq = 0"); err != nil {
		return err
	}
	if storetest.IsPostgres() {
		_, err := tx.Exec(ctx, "ALTER TABLE devlogs ENABLE TRIGGER number_changed_devlog")
		return err
	}
	return nil
}
