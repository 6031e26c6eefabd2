package usage_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/usage"
)

func noon() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

func newService(db *store.Store, clock *testutil.Clock) *usage.Service {
	return usage.New(usage.Config{Store: db, Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
}

func flush(t *testing.T, services ...*usage.Service) {
	t.Helper()
	for _, s := range services {
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// list is what an operator sees of all days.
func list(t *testing.T, db *store.Store) []usage.Total {
	t.Helper()
	listed, err := usage.NewOperator(db).List(t.Context(), usage.Filter{Since: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return listed
}

func home(version string) usage.Use {
	return usage.Use{Surface: "GraphQL", Name: "Home", App: "lux-ios", Version: version}
}

// TestReplicasAddUp counts on two replicas at once, of which one is restarted.
func TestReplicasAddUp(t *testing.T) {
	t.Parallel()
	url, clock := storetest.URL(t), testutil.NewClock(noon())
	one, other := storetest.OpenAt(t, url), storetest.OpenAt(t, url)
	first, second := newService(one, clock), newService(other, clock)
	var counting sync.WaitGroup
	for _, s := range []*usage.Service{first, second} {
		for range 4 {
			counting.Go(func() {
				for range 250 {
					s.Count(home("2.0"), true)
					s.Count(home("2.1"), true)
				}
			})
		}
	}
	for _, s := range []*usage.Service{first, second, first} {
		counting.Go(func() {
			if err := s.Flush(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	counting.Wait()
	first.Close(t.Context())
	first = newService(one, clock)
	clock.Add(24 * time.Hour)
	first.Count(home("2.0"), true)
	first.Close(t.Context())
	second.Close(t.Context())
	flush(t, first, second) // there is nothing left
	want := []usage.Total{
		{Surface: "GraphQL", Name: "Home", App: "lux-ios", Version: "2.0", Requests: 2001, FirstDay: "2026-11-30", LastDay: "2026-12-01"},
		{Surface: "GraphQL", Name: "Home", App: "lux-ios", Version: "2.1", Requests: 2000, FirstDay: "2026-11-30", LastDay: "2026-11-30"},
	}
	if diff := cmp.Diff(want, list(t, one)); diff != "" {
		t.Error(diff)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	db, clock := storetest.Open(t), testutil.NewClock(noon())
	s := newService(db, clock)
	s.Count(home("2.0"), true)
	clock.Add(24 * time.Hour)
	s.Count(home("2.0"), true)
	s.Count(usage.Use{Surface: "LUX", Name: "GET /a", App: "Addnox", Version: "5"}, false)
	flush(t, s)
	for _, c := range []struct {
		filter usage.Filter
		want   []int
	}{
		{usage.Filter{Since: noon()}, []int{2, 1}},
		{usage.Filter{Since: clock.Now()}, []int{1, 1}},
		{usage.Filter{Since: noon(), App: "lux-ios"}, []int{2}},
		{usage.Filter{Since: noon(), App: "lux"}, nil},
		{usage.Filter{Since: clock.Now().Add(24 * time.Hour)}, nil},
	} {
		listed, err := usage.NewOperator(db).List(t.Context(), c.filter)
		var got []int
		for _, one := range listed {
			got = append(got, one.Requests)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %v; want %v", c.filter, got, err, c.want)
		}
	}
}

// TestRowsAreBounded has strangers and accounts choose names on two replicas that are
// restarted, and holds that no use is lost and no day has more rows of a surface than it may.
func TestRowsAreBounded(t *testing.T) {
	t.Parallel()
	db, clock := storetest.Open(t), testutil.NewClock(noon())
	rapid.Check(t, func(rt *rapid.T) {
		clock.Add(24 * time.Hour)
		replicas := []*usage.Service{newService(db, clock), newService(db, clock)}
		counted := 0
		for step := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			at := rapid.IntRange(0, 1).Draw(rt, "replica")
			isSignedIn := rapid.Bool().Draw(rt, "signed in")
			label := rapid.SampledFrom([]string{"a", "b", fmt.Sprint("c", step)}).Draw(rt, "label")
			for i := range rapid.IntRange(1, 700).Draw(rt, "names") {
				replicas[at].Count(usage.Use{Surface: "LUX", Name: "GET /a", App: label, Version: fmt.Sprint(i)}, isSignedIn)
				counted++
			}
			if rapid.Bool().Draw(rt, "flush") {
				flush(t, replicas[at])
			}
			if rapid.Bool().Draw(rt, "restart") {
				replicas[at].Close(t.Context())
				replicas[at] = newService(db, clock)
			}
		}
		flush(t, replicas...)
		listed, err := usage.NewOperator(db).List(t.Context(), usage.Filter{Since: clock.Now()})
		if err != nil {
			rt.Fatal(err)
		}
		sum := 0
		for _, one := range listed {
			sum += one.Requests
		}
		if sum != counted || len(listed) > usage.MostRows+1 {
			rt.Fatalf("%d rows hold %d uses of %d", len(listed), sum, counted)
		}
	})
}

// TestReplicasBoundADayTogether has two replicas write names of their own at once.
func TestReplicasBoundADayTogether(t *testing.T) {
	t.Parallel()
	url, clock := storetest.URL(t), testutil.NewClock(noon())
	db := storetest.OpenAt(t, url)
	replicas := []*usage.Service{newService(db, clock), newService(storetest.OpenAt(t, url), clock)}
	for i, s := range replicas {
		for n := range 700 {
			s.Count(usage.Use{Surface: "GraphQL", Name: fmt.Sprint("Operation", n), App: "lux-ios", Version: fmt.Sprint(i)}, true)
		}
	}
	for _, err := range testutil.Concurrently(2, func(i int) error { return replicas[i].Flush(t.Context()) }) {
		if err != nil {
			t.Error(err)
		}
	}
	if listed := list(t, db); len(listed) != usage.MostRows+1 {
		t.Errorf("a day has %d rows", len(listed))
	}
}

// TestStrangersLeaveRoom fills a day with names that nobody who is signed in has chosen.
func TestStrangersLeaveRoom(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	s := newService(db, testutil.NewClock(noon()))
	for i := range 5_000 {
		s.Count(usage.Use{Surface: "LUX", Name: "GET /a", App: fmt.Sprint("a", i), Version: "1"}, false)
	}
	s.Count(usage.Use{Surface: "LUX", Name: "GET /a", App: "lux-ios", Version: "2.0"}, true)
	s.Count(usage.Use{Surface: "SNUTT", Name: "GET /b", App: "snutt", Version: "1"}, false)
	flush(t, s)
	listed := list(t, db)
	requests := map[string]int{}
	for _, one := range listed {
		requests[one.Surface+" "+one.App] += one.Requests
	}
	if len(listed) != 503 || requests["LUX other"] != 4_500 || requests["LUX lux-ios"] != 1 || requests["SNUTT snutt"] != 1 {
		t.Errorf("%d rows, of them %v", len(listed), requests)
	}
}

// TestAFailedWriteLosesNothing writes to a database that is away for a while, over midnight.
func TestAFailedWriteLosesNothing(t *testing.T) {
	t.Parallel()
	db, clock := storetest.Open(t), testutil.NewClock(noon())
	s := newService(db, clock)
	s.Count(home("2.0"), true)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(gone); err == nil {
		t.Fatal("the write has succeeded")
	}
	clock.Add(24 * time.Hour)
	s.Count(home("2.0"), true)
	if err := s.Flush(gone); err == nil {
		t.Fatal("the write has succeeded")
	}
	flush(t, s)
	want := []usage.Total{{Surface: "GraphQL", Name: "Home", App: "lux-ios", Version: "2.0", Requests: 2, FirstDay: "2026-11-30", LastDay: "2026-12-01"}}
	if diff := cmp.Diff(want, list(t, db)); diff != "" {
		t.Error(diff)
	}
	// What is two days old is given up, and a clock that goes back loses nothing.
	s.Count(home("2.0"), true)
	clock.Add(48 * time.Hour)
	s.Count(home("3.0"), true)
	clock.Add(-24 * time.Hour)
	s.Count(home("3.0"), true)
	flush(t, s)
	if got := list(t, db); len(got) != 2 || got[0].Requests != 2 || got[1].Requests != 2 || got[1].FirstDay != "2026-12-02" || got[1].LastDay != "2026-12-03" {
		t.Errorf("%+v", got)
	}
}

func TestOldDaysAreRemoved(t *testing.T) {
	t.Parallel()
	db, clock := storetest.Open(t), testutil.NewClock(noon())
	s := newService(db, clock)
	for i := range 600 { // more than a batch
		s.Count(home(fmt.Sprint(i)), true)
	}
	flush(t, s)
	for _, c := range []struct{ days, rows int }{{1, 601}, {399, 601}, {1, 1}} {
		clock.Add(time.Duration(c.days) * 24 * time.Hour)
		if c.days == 1 && c.rows > 1 {
			s.Count(home("new"), true)
			flush(t, s)
		}
		if err := s.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := list(t, db); len(got) != c.rows {
			t.Errorf("on %s there are %d rows, want %d", clock.Now().Format(time.DateOnly), len(got), c.rows)
		}
	}
}

// TestAMinuteIsOneStatement holds what a flush of rows that are known takes, and that without
// anything new there is none.
func TestAMinuteIsOneStatement(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "usage_days")
	s := newService(db, testutil.NewClock(noon()))
	for _, want := range []int{2, 1, 0} { // the first asks for the rows of the day
		if want > 0 {
			for i := range 300 {
				s.Count(home(fmt.Sprint(i)), true)
			}
		}
		*statements = nil
		flush(t, s)
		if got := len(slices.DeleteFunc(*statements, func(s string) bool { return s[:6] != "INSERT" && s[:6] != "SELECT" })); got != want {
			t.Errorf("%d statements, want %d:\n%q", got, want, *statements)
		}
	}
}

// TestCountingAllocatesNothing holds what a request pays.
func TestCountingAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	s := newService(storetest.Open(t), testutil.NewClock(noon()))
	use := home("2.0")
	if got := testing.AllocsPerRun(100, func() { s.Count(use, true) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkCount(b *testing.B) {
	s := newService(storetest.Open(b), testutil.NewClock(noon()))
	use := home("2.0")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Count(use, true)
		}
	})
}
