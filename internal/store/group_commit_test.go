package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

// outcome is what becomes of one write of the property test.
type outcome struct {
	name string
	// stored says whether its two rows must be there.
	stored bool
	run    func(ctx context.Context, cancel func(), tx *store.Tx, user int, name string) error
}

var errRefused = errors.New("refused")

func pair(ctx context.Context, tx *store.Tx, user int, name string) error {
	if err := addPush(ctx, tx, user, name+"/1"); err != nil {
		return err
	}
	return addPush(ctx, tx, user, name+"/2")
}

var outcomes = []outcome{
	{"succeeds", true, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		return pair(ctx, tx, user, name)
	}},
	{"is refused", false, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		return errors.Join(errRefused, pair(ctx, tx, user, name))
	}},
	{"panics", false, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		panic(pair(ctx, tx, user, name))
	}},
	{"is refused before it changes anything", false, func(ctx context.Context, _ func(), tx *store.Tx, _ int, _ string) error {
		_, err := tx.PushDevice.Query().Count(ctx)
		return errors.Join(errRefused, err)
	}},
	{"breaks a rule", false, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		return errors.Join(pair(ctx, tx, user, name), addPush(ctx, tx, user, name+"/1"))
	}},
	{"passes over a failed statement", false, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		_ = addPush(ctx, tx, -1, name+"/0")
		_ = pair(ctx, tx, user, name)
		return nil
	}},
	{"runs out of time", false, func(ctx context.Context, cancel func(), tx *store.Tx, user int, name string) error {
		if err := addPush(ctx, tx, user, name+"/1"); err != nil {
			return err
		}
		cancel()
		return addPush(ctx, tx, user, name+"/2")
	}},
	{"runs out of time at the end", true, func(ctx context.Context, cancel func(), tx *store.Tx, user int, name string) error {
		err := pair(ctx, tx, user, name)
		cancel()
		return err
	}},
	{"leaves rows open", true, func(ctx context.Context, _ func(), tx *store.Tx, user int, name string) error {
		if err := pair(ctx, tx, user, name); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT id FROM push_devices")
		if err == nil {
			rows.Next()
		}
		return err
	}},
}

// Whatever its neighbours do, a write that succeeds is stored whole, and one
// that fails is not stored at all.
func TestAcknowledgedRowsAreTheRows(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	rapid.Check(t, func(r *rapid.T) {
		plan := rapid.SliceOfN(rapid.IntRange(0, len(outcomes)-1), 1, 100).Draw(r, "outcomes")
		clearPush(t, db)
		acknowledged := runAll(t, db, user, plan)
		var want []string
		for i, kind := range plan {
			if outcomes[kind].stored != acknowledged[i] {
				r.Errorf("write %d, which %s: acknowledged = %v", i, outcomes[kind].name, acknowledged[i])
			}
			if acknowledged[i] {
				want = append(want, writeName(i)+"/1", writeName(i)+"/2")
			}
		}
		if diff := cmp.Diff(want, pushNames(t, db)); diff != "" {
			r.Errorf("rows stored (-acknowledged +stored):\n%s", diff)
		}
	})
}

func writeName(i int) string { return fmt.Sprintf("%03d", i) }

func clearPush(t *testing.T, db *store.Store) {
	t.Helper()
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PushDevice.Delete().Exec(ctx)
		return err
	}))
}

// runAll runs the writes at once and says which were acknowledged.
func runAll(t *testing.T, db *store.Store, user int, plan []int) []bool {
	acknowledged := make([]bool, len(plan))
	var running sync.WaitGroup
	for i, kind := range plan {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				return outcomes[kind].run(ctx, cancel, tx, user, writeName(i))
			})
			acknowledged[i] = err == nil
		})
	}
	running.Wait()
	return acknowledged
}

// Writes that wait share a transaction: one sees the row of another that no
// reader can see yet.
func TestWaitingWritesShareACommit(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	user := newUser(t, db)
	deadline := time.Now().Add(30 * time.Second)
	for round := 0; ; round++ {
		if shared(t, db, user, fmt.Sprint(round)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no two of the writes that waited shared a commit")
		}
	}
}

func shared(t *testing.T, db *store.Store, user int, name string) (found bool) {
	var running sync.WaitGroup
	second := make(chan struct{})
	running.Go(func() {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			<-second
			return addPush(ctx, tx, user, name)
		}))
	})
	running.Go(func() {
		close(second)
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			mine, err := tx.PushDevice.Query().Count(ctx)
			found = err == nil && mine > len(pushNames(t, db))
			return err
		}))
	})
	running.Wait()
	return found
}

// A write that shares its transaction with one that fails after it has changed something
// runs again, is stored once, and is acknowledged once: also where its caller has left
// between the two runs.
func TestWriteRunsAgainAfterTheFailureOfAnother(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	user := newUser(t, db)
	deadline := time.Now().Add(30 * time.Second)
	for round := 0; ; round++ {
		if runs := besideFailure(t, db, user, fmt.Sprint(round)); runs == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no two of the writes that waited shared a transaction")
		}
	}
}

// besideFailure has a write fail that may share the transaction of another, and counts how
// often the other runs.
func besideFailure(t *testing.T, db *store.Store, user int, name string) (runs int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	second := make(chan struct{})
	acknowledged := 0
	running.Go(func() {
		must(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			<-second
			runs++
			tx.AfterCommit(func() { acknowledged++ })
			err := addPush(ctx, tx, user, name)
			cancel()
			return err
		}))
	})
	running.Go(func() {
		close(second)
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(addPush(ctx, tx, user, name+"/failed"), errRefused)
		})
		if !errors.Is(err, errRefused) {
			t.Errorf("Write = %v, want its own error", err)
		}
	})
	running.Wait()
	if acknowledged != 1 {
		t.Errorf("what follows the commit ran %d times", acknowledged)
	}
	stored := pushNames(t, db)
	if !slices.Contains(stored, name) || slices.Contains(stored, name+"/failed") {
		t.Errorf("stored are %v", stored)
	}
	return runs
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// A write whose caller left before its turn is not run, and its caller does not
// wait for the turn.
func TestWaitingWriteEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	begun, release := make(chan struct{}), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		must(t, db.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(begun)
			<-release
			return nil
		}))
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	var got error
	var waiter sync.WaitGroup
	waiter.Go(func() {
		got = db.Write(ctx, func(context.Context, *store.Tx) error {
			ran = true
			return nil
		})
	})
	cancel()
	waiter.Wait()
	close(release)
	running.Wait()
	if !errors.Is(got, context.Canceled) || ran {
		t.Errorf("Write = %v, its function ran: %v; want canceled and not run", got, ran)
	}
}

// A function that ends its goroutine, as FailNow of a test does, takes no
// writer with it.
func TestWriterOutlivesItsGoroutine(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := addUser(ctx, tx)
		if err == nil {
			runtime.Goexit()
		}
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
		t.Errorf("Write = %v", err)
	}
	newUser(t, db)
	if n := db.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d users, want the second alone", n)
	}
}

// A full disk is an error of the writes that meet it. Those that fit are
// stored, before and after.
func TestFullDiskIsAnError(t *testing.T) {
	t.Parallel()
	db := openFile(t, "_pragma=max_page_count(150)")
	user := newUser(t, db)
	fill := func(name string) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return addPush(ctx, tx, user, name+strings.Repeat("x", 4000))
		})
	}
	var acknowledged []string
	for i := range 300 {
		switch err := fill(writeName(i)); {
		case err == nil:
			acknowledged = append(acknowledged, writeName(i))
		case !apperr.Is(err, apperr.Unavailable):
			t.Fatalf("Write = %v, want an unavailable database", err)
		}
	}
	if len(acknowledged) == 300 || len(acknowledged) == 0 {
		t.Fatalf("%d of 300 large rows fit, want some", len(acknowledged))
	}
	stored := pushNames(t, db)
	for i := range stored {
		stored[i] = stored[i][:3]
	}
	if diff := cmp.Diff(acknowledged, stored); diff != "" {
		t.Errorf("rows stored (-acknowledged +stored):\n%s", diff)
	}
	clearPush(t, db)
	must(t, fill("again"))
}

// A failed statement with which SQLite ends the transaction by itself, as a full
// disk may do and "OR ROLLBACK" does, fails all who share it, and what its
// function does afterwards is not stored on its own.
func TestEndedTransactionFailsItsGroup(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	user := newUser(t, db)
	name := "INSERT OR ROLLBACK INTO push_devices (root_user_id, registration_id, created_at) VALUES ($1, 'lost', $2)"
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		must(t, addPush(ctx, tx, user, "lost"))
		if _, err := tx.Exec(ctx, name, user, moment); err == nil {
			t.Error("a name was stored twice")
		}
		_ = addPush(ctx, tx, user, "outside")
		return nil
	})
	if err == nil {
		t.Error("a write whose transaction was gone was acknowledged")
	}
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return addPush(ctx, tx, user, "later")
	}))
	if diff := cmp.Diff([]string{"later"}, pushNames(t, db)); diff != "" {
		t.Errorf("rows stored (-want +got):\n%s", diff)
	}
}

func TestReadOnlyDatabaseIsAnError(t *testing.T) {
	t.Parallel()
	db := openFile(t, "_pragma=query_only(1)")
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := addUser(ctx, tx)
		return err
	})
	if !apperr.Is(err, apperr.Unavailable) || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("Write = %v, want readonly", err)
	}
	if _, err := db.Read().User.Query().Count(t.Context()); err != nil {
		t.Errorf("reads work no more: %v", err)
	}
}

// Close lets the writes that wait run: each is stored or refused, and nothing
// of the store stays behind.
func TestCloseDrainsWaitingWrites(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	db := storetest.OpenAt(t, url)
	user := newUser(t, db)
	const writers = 100
	errs := make([]error, writers)
	var running sync.WaitGroup
	started := make(chan struct{}, writers)
	for i := range writers {
		running.Go(func() {
			errs[i] = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				started <- struct{}{}
				return addPush(ctx, tx, user, writeName(i))
			})
		})
	}
	<-started
	must(t, db.Close())
	running.Wait()
	if err := db.Write(t.Context(), func(context.Context, *store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Write after Close = %v, want ErrClosed", err)
	}
	var acknowledged []string
	for i, err := range errs {
		switch {
		case err == nil:
			acknowledged = append(acknowledged, writeName(i))
		case !errors.Is(err, store.ErrClosed):
			t.Errorf("write %d: %v, want nil or ErrClosed", i, err)
		}
	}
	if diff := cmp.Diff(acknowledged, pushNames(t, storetest.OpenAt(t, url))); diff != "" {
		t.Errorf("rows stored (-acknowledged +stored):\n%s", diff)
	}
}

// Readers see whole writes alone, and are not kept waiting by them.
func TestReadersSeeWholeWrites(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	done := make(chan struct{})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				if n := len(pushNames(t, db)); n%2 != 0 {
					t.Errorf("a reader sees %d rows of pairs", n)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	runAll(t, db, user, make([]int, 100))
	close(done)
	running.Wait()
}

// openFile opens a migrated SQLite file, whatever the engine of the other tests.
func openFile(t testing.TB, params ...string) *store.Store {
	t.Helper()
	return storetest.OpenAt(t, storetest.SQLiteURL(t)+"?"+strings.Join(params, "&"))
}

// A caller that is gone does not wait for ever for a write that has begun; what
// was to follow the commit follows it all the same.
func TestStuckWriteIsOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		hooked := false
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
			tx.AfterCommit(func() { hooked = true })
			<-release
			return nil
		})
		if !errors.Is(err, store.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) || hooked {
			t.Errorf("Write = %v, hooked %v; want ErrOutcomeUnknown for a deadline", err, hooked)
		}
		close(release)
		must(t, db.Close())
		if !hooked {
			t.Error("the hook did not run after the commit")
		}
	})
}

// The limit of one write is seen between its statements.
func TestWriteLimit(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{URL: url, WriteLimit: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			<-ctx.Done()
			_, err := addUser(context.WithoutCancel(ctx), tx)
			must(t, err)
			_, err = addUser(ctx, tx)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Write = %v, want its limit", err)
		}
		must(t, db.Close())
	})
}

// endsWithin is a context that ends while a statement runs: it is alive when
// asked before, and done when watched.
type endsWithin struct{ context.Context }

func (endsWithin) Err() error { return nil }

func (c endsWithin) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// A statement that has begun is not broken off: SQLite would roll back the
// transaction, and with it the writes of others.
func TestStatementIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	user := newUser(t, db)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return pair(endsWithin{ctx}, tx, user, "a")
	}))
	if diff := cmp.Diff([]string{"a/1", "a/2"}, pushNames(t, db)); diff != "" {
		t.Errorf("rows stored (-want +got):\n%s", diff)
	}
}

// A file that another program keeps locked is waited for once, by all who wait,
// and not by each after the other.
func TestLockedFileIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	db := storetest.OpenAt(t, url)
	other, err := sql.Open("sqlite", url+"?_txlock=immediate")
	must(t, err)
	defer func() { must(t, other.Close()) }()
	lock, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	const writes = 20
	answers := make(chan error, writes)
	for range writes {
		go func() {
			answers <- db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				_, err := addUser(ctx, tx)
				return err
			})
		}()
	}
	first := <-answers
	must(t, lock.Rollback())
	if !apperr.Is(first, apperr.Unavailable) {
		t.Errorf("Write = %v, want an unavailable database", first)
	}
	for range writes - 1 {
		if err := <-answers; !apperr.Is(err, apperr.Unavailable) {
			t.Errorf("a write that waited as well: %v", err)
		}
	}
	newUser(t, db)
}
