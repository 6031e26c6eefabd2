package devlog_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/ent/migrate"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// history reads a page of the child's logs, after loading the child as a resolver does.
func history(t testing.TB, h *domaintest.Home, p devlog.PageParams) devlog.Page {
	t.Helper()
	c, err := h.Children.Get(t.Context(), h.Parent, h.Child.ID)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{c}, p)
	if err != nil {
		t.Fatalf("history: %v", err)
	}
	return pages[0]
}

func ids(logs []*ent.Devlog) []int {
	found := make([]int, len(logs))
	for i, l := range logs {
		found[i] = l.ID
	}
	return found
}

// newestFirst are the ids of uploaded logs in the order of a history.
func newestFirst(stored devlog.Stored) []int {
	found := ids(stored.Devlogs())
	slices.Reverse(found)
	return found
}

func TestHistoryOfNothing(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	if page := history(t, h, devlog.PageParams{}); len(page.Devlogs) != 0 || page.HasNext || page.HasPrevious {
		t.Errorf("got %+v", page)
	}
}

func TestHistoryWithoutArgumentsIsTwentyNewest(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	want := newestFirst(h.Upload(t, h.CompleteSeries(1, 150)...))
	page := history(t, h, devlog.PageParams{})
	if diff := cmp.Diff(want[:20], ids(page.Devlogs)); diff != "" || !page.HasNext || page.HasPrevious {
		t.Errorf("next %v, previous %v, logs (-want +got):\n%s", page.HasNext, page.HasPrevious, diff)
	}
	if page = history(t, h, devlog.PageParams{First: new(100)}); len(page.Devlogs) != 100 {
		t.Errorf("first: 100 gives %d", len(page.Devlogs))
	}
	if page = history(t, h, devlog.PageParams{First: new(0)}); len(page.Devlogs) != 0 || !page.HasNext || page.HasPrevious {
		t.Errorf("first: 0 gives %+v", page)
	}
	if page = history(t, h, devlog.PageParams{Last: new(0)}); len(page.Devlogs) != 0 || page.HasNext || !page.HasPrevious {
		t.Errorf("last: 0 gives %+v", page)
	}
}

func TestHistoryIsOfOneChild(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	h.Upload(t, append(h.CompleteSeries(1, 3), sister.CompleteSeries(1, 4)...)...)
	foreign.Upload(t, foreign.CompleteSeries(1, 5)...)
	for _, c := range []struct {
		of *domaintest.Home
		n  int
	}{{h, 3}, {sister, 4}, {foreign, 5}} {
		page := history(t, c.of, devlog.PageParams{})
		if len(page.Devlogs) != c.n {
			t.Errorf("%d logs, want %d", len(page.Devlogs), c.n)
		}
		for _, l := range page.Devlogs {
			if l.ChildUserID != c.of.Child.ID || l.Edges.ChildUser.ID != c.of.Child.ID || l.Edges.Device.ID != c.of.Device.ID {
				t.Errorf("a foreign log: %v", l)
			}
		}
	}
	// A cursor of another child is taken as an id like any other and shows no foreign log.
	after := devlog.Cursor(history(t, foreign, devlog.PageParams{}).Devlogs[0])
	if page := history(t, h, devlog.PageParams{After: &after}); len(page.Devlogs) != 3 {
		t.Errorf("after a foreign cursor there are %d logs", len(page.Devlogs))
	}
}

// TestHistoryPages walks random histories in pages of random sizes from both
// ends, while a phone adds and changes logs.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	kit := domaintest.New(storetest.Open(t))
	rapid.Check(t, func(rt *rapid.T) {
		h := kit.Home(t)
		n := rapid.IntRange(0, 30).Draw(rt, "logs")
		var want []int
		if n > 0 {
			want = newestFirst(h.Upload(t, h.CompleteSeries(1, n)...))
		}
		if rapid.Bool().Draw(rt, "one runs") {
			want = append(newestFirst(h.Upload(t, h.Temporary("15:00:30"))), want...)
		}
		w := walk{home: h, next: n + 1}
		if diff := cmp.Diff(want, w.down(t, rt), equateEmpty); diff != "" {
			rt.Fatalf("forward (-want +got):\n%s", diff)
		}
		up := w.up(t, rt)
		all, err := kit.Store.Read().ChildUser.QueryDevlogs(h.Child).Order(ent.Desc("id")).IDs(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(all, up, equateEmpty); diff != "" {
			rt.Fatalf("backward (-want +got):\n%s", diff)
		}
	})
}

var equateEmpty = cmp.FilterValues(
	func(x, y []int) bool { return len(x) == 0 && len(y) == 0 }, cmp.Comparer(func(_, _ []int) bool { return true }))

// walk reads one history while a phone continues to upload.
type walk struct {
	home *domaintest.Home
	next int // the file of the phone's next log
}

// disturb adds a complete or a temporary log between two pages.
func (w *walk) disturb(t *testing.T, rt *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(rt, "meanwhile") {
	case 0:
		w.home.Upload(t, w.home.CompleteSeries(w.next, 1)...)
		w.next++
	case 1:
		w.home.Upload(t, w.home.Temporary("16:00:30"))
	}
}

// down walks from the newest log to the oldest.
func (w *walk) down(t *testing.T, rt *rapid.T) (seen []int) {
	var after *string
	for {
		page := history(t, w.home, devlog.PageParams{First: new(rapid.IntRange(1, 12).Draw(rt, "first")), After: after})
		if page.HasPrevious != (after != nil) {
			rt.Fatalf("a page after %v has a previous one: %v", after, page.HasPrevious)
		}
		seen = append(seen, ids(page.Devlogs)...)
		if !page.HasNext {
			return seen
		}
		if len(page.Devlogs) == 0 {
			rt.Fatal("an empty page has a next one")
		}
		after = new(devlog.Cursor(page.Devlogs[len(page.Devlogs)-1]))
		w.disturb(t, rt)
	}
}

// up walks from the oldest log to the newest.
func (w *walk) up(t *testing.T, rt *rapid.T) (seen []int) {
	var before *string
	for {
		page := history(t, w.home, devlog.PageParams{Last: new(rapid.IntRange(1, 12).Draw(rt, "last")), Before: before})
		if page.HasNext != (before != nil) {
			rt.Fatalf("a page before %v has a next one: %v", before, page.HasNext)
		}
		seen = append(ids(page.Devlogs), seen...)
		if !page.HasPrevious {
			return seen
		}
		if len(page.Devlogs) == 0 {
			rt.Fatal("an empty page has a previous one")
		}
		before = new(devlog.Cursor(page.Devlogs[0]))
		w.disturb(t, rt)
	}
}

// TestHistoryBetweenCursors compares any arguments with the algorithm of the Relay
// specification on the whole list. Cursors may name another child's log. Whether other
// logs are on either side of the page is asked of the list, whatever was sent.
func TestHistoryBetweenCursors(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister := h.Sister(t)
	var all, named []*ent.Devlog // of the child, and of both: newest first
	for i := range 15 {
		stored := h.Upload(t, append(sister.CompleteSeries(i, 1), h.CompleteSeries(i, 1)...)...).Devlogs()
		all, named = append(all, stored[1]), append(named, stored...)
	}
	named = append(named, sister.Upload(t, sister.CompleteSeries(15, 1)...).Devlogs()...)
	slices.Reverse(all)
	rapid.Check(t, func(rt *rapid.T) {
		after, before := math.MaxInt, 0 // the ids between which the page lies
		p := devlog.PageParams{}
		if rapid.Bool().Draw(rt, "has after") {
			l := rapid.SampledFrom(named).Draw(rt, "after")
			p.After, after = new(devlog.Cursor(l)), l.ID
		}
		if rapid.Bool().Draw(rt, "has before") {
			l := rapid.SampledFrom(named).Draw(rt, "before")
			p.Before, before = new(devlog.Cursor(l)), l.ID
		}
		var want []int
		for _, l := range all {
			if l.ID < after && l.ID > before {
				want = append(want, l.ID)
			}
		}
		size := rapid.IntRange(0, 16).Draw(rt, "size")
		// An empty page lies where reading began.
		newest, oldest := after-1, after
		if rapid.Bool().Draw(rt, "forward") {
			p.First, want = &size, want[:min(size, len(want))]
		} else {
			newest, oldest = before, before+1
			p.Last, want = &size, want[max(0, len(want)-size):]
		}
		if len(want) > 0 {
			newest, oldest = want[0], want[len(want)-1]
		}
		page := history(t, h, p)
		if diff := cmp.Diff(want, ids(page.Devlogs), equateEmpty); diff != "" {
			rt.Errorf("%+v (-want +got):\n%s", p, diff)
		}
		older := slices.ContainsFunc(all, func(l *ent.Devlog) bool { return l.ID < oldest })
		newer := slices.ContainsFunc(all, func(l *ent.Devlog) bool { return l.ID > newest })
		if page.HasNext != older || page.HasPrevious != newer {
			rt.Errorf("%+v: next %v, want %v; previous %v, want %v", p, page.HasNext, older, page.HasPrevious, newer)
		}
	})
}

func TestHistoryRefusesArguments(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	h.Upload(t, h.CompleteSeries(1, 3)...)
	encode := func(text string) *string { return new(base64.RawURLEncoding.EncodeToString([]byte(text))) }
	params := map[string]devlog.PageParams{
		"first below 0": {First: new(-1)}, "first of 101": {First: new(101)}, "the least first": {First: new(math.MinInt64)},
	}
	for name, p := range params {
		_, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, p)
		domaintest.WantError(t, err, apperr.BadRequest, "first")
		p.First, p.Last = nil, p.First
		_, err = h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, p)
		domaintest.WantError(t, err, apperr.BadRequest, "last")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	_, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, devlog.PageParams{First: new(1), Last: new(1)})
	domaintest.WantError(t, err, apperr.BadRequest, "last")
	for _, text := range []*string{
		new(""), new("1"), new("ZGV2bG9nOjE="), new("§"), encode(""), encode("devlog:"), encode("1"), encode("devlog:0"),
		encode("devlog:-1"), encode("devlog:+1"), encode("devlog:01"), encode("devlog:1 "), encode("devlog:99999999999999999999"),
		encode("feed:1:1:1"), encode("Devlog:1"),
	} {
		_, err := h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, devlog.PageParams{After: text})
		domaintest.WantError(t, err, apperr.CursorNotValid, "after")
		_, err = h.Devlogs.Histories(t.Context(), []*ent.ChildUser{h.Child}, devlog.PageParams{Before: text})
		domaintest.WantError(t, err, apperr.CursorNotValid, "before")
	}
}

// TestHistoryCostsTheSameForAnyPage: one statement, and one more where a device
// has moved to another child.
func TestHistoryCostsTheSameForAnyPage(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	all := h.Upload(t, h.CompleteSeries(1, 120)...).Devlogs()
	cost := func(p devlog.PageParams, size int) int {
		t.Helper()
		c, err := h.Children.Get(t.Context(), h.Parent, h.Child.ID)
		if err != nil {
			t.Fatal(err)
		}
		ctx, counter := store.CountStatements(t.Context())
		pages, err := h.Devlogs.Histories(ctx, []*ent.ChildUser{c}, p)
		if err != nil || len(pages[0].Devlogs) != size {
			t.Fatalf("%v, %v", pages, err)
		}
		return counter.N()
	}
	newer, older := new(devlog.Cursor(all[110])), new(devlog.Cursor(all[5]))
	for _, size := range []int{0, 1, 10, 100} {
		for name, p := range map[string]devlog.PageParams{
			"first": {First: &size}, "first after": {First: &size, After: newer}, "last": {Last: &size},
			"last before": {Last: &size, Before: older},
			"between":     {First: &size, After: newer, Before: older}, "between, backwards": {Last: &size, After: newer, Before: older},
		} {
			if n := cost(p, size); n != 1 {
				t.Errorf("%s, a page of %d costs %d statements", name, size, n)
			}
		}
	}
	h.UnregisterDevice(t, h.Parent, h.Child.ID)
	for _, size := range []int{1, 10, 100} {
		if n := cost(devlog.PageParams{First: &size}, size); n != 2 {
			t.Errorf("a page of %d, whose device has moved, costs %d statements", size, n)
		}
	}
}

// TestHistoryOfMovedDevice moves a device to nobody, to a sister and to another account,
// which gives it a name, a unique id and logs.
func TestHistoryOfMovedDevice(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	sister, foreign := h.Sister(t), h.Kit.Home(t)
	h.Upload(t, h.Complete("15:00:00", 41))
	look := func() *ent.Device {
		t.Helper()
		d := history(t, h, devlog.PageParams{}).Devlogs[0].Edges.Device
		if d.ID != h.Device.ID || d.SerialCode != h.Device.SerialCode || d.FirmwareVersion != h.Device.FirmwareVersion {
			t.Errorf("the log is of %v", d)
		}
		return d
	}
	if d := look(); d.LastLogFileID != 41 || d.Edges.ChildUser == nil {
		t.Errorf("at home the device is %v", d)
	}
	h.MoveDevice(t, sister)
	sister.With(h).Upload(t, sister.With(h).Complete("15:00:00", 3))
	if d := look(); d.LastLogFileID != 3 || d.Edges.ChildUser == nil || d.Edges.ChildUser.ID != sister.Child.ID || d.Edges.ChildUser.Edges.Device != d {
		t.Errorf("with the sister the device is %v of %v", d, d.Edges.ChildUser)
	}
	h.UnregisterDevice(t, h.Parent, sister.Child.ID)
	domaintest.WantCatalogueOnly(t, look(), h.Device.UniqueID)

	h.UnregisterDevice(t, foreign.Parent, foreign.Child.ID)
	p := child.DeviceParams{SerialCode: h.Device.SerialCode, MacID: h.Device.MACID, UniqueID: new("of the other family")}
	if _, err := h.Children.RegisterDevice(t.Context(), foreign.Parent, foreign.Child.ID, p); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Children.UpdateDeviceAlias(t.Context(), foreign.Parent, foreign.Child.ID, h.Device.ID, "theirs"); err != nil {
		t.Fatal(err)
	}
	d := look()
	domaintest.WantCatalogueOnly(t, d, nil)
	if d.LastLogFileID != 0 {
		t.Errorf("the number of another family: %d", d.LastLogFileID)
	}
}

// TestHistoriesAreThoseOfEachChildAlone: pages that are read together, in one statement,
// are the same as one by one, whatever is asked.
func TestHistoriesAreThoseOfEachChildAlone(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	homes := []*domaintest.Home{h, h.Sister(t), h.Sister(t), h.Sister(t)} // the last has no logs
	var named []*ent.Devlog
	for i := range 12 {
		for _, one := range homes[:1+i%3] {
			named = append(named, one.Upload(t, one.CompleteSeries(i, 1)...).Devlogs()...)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := devlog.PageParams{}
		for name, cursor := range map[string]**string{"after": &p.After, "before": &p.Before} {
			if rapid.Bool().Draw(rt, "has "+name) {
				*cursor = new(devlog.Cursor(rapid.SampledFrom(named).Draw(rt, name)))
			}
		}
		size := new(rapid.IntRange(0, 14).Draw(rt, "size"))
		if rapid.Bool().Draw(rt, "forward") {
			p.First = size
		} else {
			p.Last = size
		}
		children, err := h.Children.List(t.Context(), h.Parent)
		if err != nil {
			rt.Fatal(err)
		}
		pages, err := h.Devlogs.Histories(t.Context(), children, p)
		if err != nil || len(pages) != len(homes) {
			rt.Fatalf("%d pages, %v", len(pages), err)
		}
		for i, one := range homes {
			alone := history(t, one, p)
			if diff := cmp.Diff(ids(alone.Devlogs), ids(pages[i].Devlogs), equateEmpty); diff != "" {
				rt.Errorf("child %d alone (-) and with the others (+):\n%s", i, diff)
			}
			if alone.HasNext != pages[i].HasNext || alone.HasPrevious != pages[i].HasPrevious {
				rt.Errorf("child %d alone is %+v, and with the others %+v", i, alone, pages[i])
			}
		}
	})
}

// TestHistoryReadsEveryColumn holds that the statement written by hand reads what ent
// reads, also of a column that the schema gets one day.
func TestHistoryReadsEveryColumn(t *testing.T) {
	t.Parallel()
	h := domaintest.NewHome(t)
	id := h.Upload(t, h.Complete("15:00:00", 1)).Devlogs()[0].ID
	domaintest.FillColumns(t, h.Store, migrate.DevlogsTable, id)
	want := h.Store.Read().Devlog.GetX(t.Context(), id)
	domaintest.WantEveryColumn(t, want, history(t, h, devlog.PageParams{}).Devlogs[0])
}

// TestPagesAreReadByAnIndex asks the engine how it finds a page of several children, and
// what lies beside one.
func TestPagesAreReadByAnIndex(t *testing.T) {
	t.Parallel()
	h, statements := recordStatements(t, "FROM devlogs l")
	sister := h.Sister(t)
	all := slices.Concat(h.Upload(t, h.CompleteSeries(1, 40)...).Devlogs(), sister.Upload(t, sister.CompleteSeries(1, 40)...).Devlogs())
	children, err := h.Children.List(t.Context(), h.Parent)
	if err != nil {
		t.Fatal(err)
	}
	// The cursors name a log of one child alone, so the other is looked for beside them.
	for _, p := range []devlog.PageParams{
		{First: new(10), After: new(devlog.Cursor(all[30])), Before: new(devlog.Cursor(all[5]))},
		{Last: new(10), After: new(devlog.Cursor(all[70])), Before: new(devlog.Cursor(all[50]))},
	} {
		if _, err := h.Devlogs.Histories(t.Context(), children, p); err != nil {
			t.Fatal(err)
		}
	}
	read := slices.Clone(*statements)
	if len(read) != 4 {
		t.Fatalf("the statements are %q", read)
	}
	for _, statement := range read {
		args := []any{12, all[0].ID, children[0].ID, children[1].ID}
		if strings.HasPrefix(statement, "WITH ") {
			args = []any{fmt.Sprintf("[%d, %d]", children[0].ID, children[1].ID), all[0].ID}
		}
		plan := storetest.Explain(t, h.Store, statement, args...)
		if strings.Contains(plan, "Seq Scan on devlogs") || strings.Contains(plan, "SCAN l") || strings.Contains(plan, "Sort") || !strings.Contains(plan, "devlog_child_user_id_id") {
			t.Errorf("the plan of\n%s\nis\n%s", statement, plan)
		}
	}
}

// TestHistoryReadsLogsOfItsChildAlone: where the logs of a child are many among all, those
// of all children by the newest look like a short way to a page. But it leads through all
// that others have uploaded since.
func TestHistoryReadsLogsOfItsChildAlone(t *testing.T) {
	t.Parallel()
	h, statements := recordStatements(t, "FROM devlogs l")
	sister := h.Sister(t)
	for i := range 4 {
		h.Upload(t, h.CompleteSeries(1+i*devlog.MaxRecords, devlog.MaxRecords)...)
		sister.Upload(t, sister.CompleteSeries(1+i*devlog.MaxRecords, devlog.MaxRecords)...)
	}
	if storetest.IsPostgres() { // SQLite plans without statistics, as nothing gathers any
		h.Write(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "ANALYZE devlogs")
			return err
		})
	}
	for _, p := range []devlog.PageParams{{First: new(20)}, {Last: new(20)}} {
		*statements = nil
		history(t, h, p)
		plan := storetest.Explain(t, h.Store, (*statements)[0], 22, h.Child.ID)
		if !strings.Contains(plan, "devlog_child_user_id_id") {
			t.Errorf("logs of others are read:\n%s", plan)
		}
		if strings.Contains(plan, "Sort") || strings.Contains(plan, "B-TREE") {
			t.Errorf("a page is sorted:\n%s", plan)
		}
	}
}
