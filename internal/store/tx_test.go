package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	broken := errors.New("broken")
	for _, value := range []any{broken, "in words"} {
		err := db.Write(t.Context(), func(context.Context, *store.Tx) error { panic(value) })
		if err == nil || !strings.Contains(err.Error(), "tx_test.go") {
			t.Errorf("panic(%v): Write = %v, want an error with the stack", value, err)
		}
		if value == any(broken) && !errors.Is(err, broken) {
			t.Errorf("the error that was thrown is lost: %v", err)
		}
	}
	newUser(t, db)
}

func TestAfterCommitRunsOnceTheWriteIsThere(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	ran := 0
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { panic("a hook") })
		tx.AfterCommit(func() {
			ran++
			if n := db.Read().User.Query().CountX(t.Context()); n != 1 {
				t.Errorf("the hook sees %d users, want 1", n)
			}
		})
		_, err := addUser(ctx, tx)
		if ran != 0 {
			t.Error("the hook ran before the commit")
		}
		return err
	})
	if err != nil || ran != 1 {
		t.Errorf("Write = %v, the hook ran %d times; want nil and once", err, ran)
	}
}

// TestBeforeCommitIsLastAndInOrder: what comes last changes rows as what comes before does,
// and is rolled back with it.
func TestBeforeCommitIsLastAndInOrder(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	var order string
	last := func(place string, err error) func(context.Context, *store.Tx) {
		return func(_ context.Context, tx *store.Tx) {
			tx.BeforeCommit(place, func(ctx context.Context) error {
				order += place
				if _, addErr := addUser(ctx, tx); addErr != nil {
					return addErr
				}
				return err
			})
		}
	}
	write := func(steps ...func(context.Context, *store.Tx)) error {
		order = ""
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, step := range steps {
				step(ctx, tx)
			}
			order += "first "
			return nil
		})
	}
	if err := write(last("c", nil), last("a", nil), last("b", nil)); err != nil || order != "first abc" {
		t.Errorf("order %q, %v", order, err)
	}
	if err := write(last("b", errRefused), last("a", nil), last("c", nil)); !errors.Is(err, errRefused) || order != "first ab" {
		t.Errorf("order %q, %v", order, err)
	}
	if n := db.Read().User.Query().CountX(t.Context()); n != 3 {
		t.Errorf("%d users are stored, want those of the first write", n)
	}
}

func TestAfterCommitNeedsACommit(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { t.Error("the hook ran after a rollback") })
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("Write = %v", err)
	}
}

func TestWriteInsideWriteIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	err := db.Write(t.Context(), func(ctx context.Context, _ *store.Tx) error {
		return db.Write(ctx, func(context.Context, *store.Tx) error { return nil })
	})
	if err == nil || !strings.Contains(err.Error(), "inside") {
		t.Errorf("Write inside Write = %v", err)
	}
}

func TestWriteFromAHookIsAllowed(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	must(t, db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { newUser(t, db) })
		return nil
	}))
	if n := db.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d users, want 1", n)
	}
}

func TestWriteOfADeadContextIsNotRun(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Write(ctx, func(context.Context, *store.Tx) error {
		t.Error("the function ran")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want canceled", err)
	}
}

func TestTxEndsWithItsFunction(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	var leaked *store.Tx
	must(t, db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		leaked = tx
		return nil
	}))
	if _, err := leaked.User.Query().Count(t.Context()); err == nil {
		t.Error("a transaction that ended runs ent")
	}
	if _, err := leaked.Exec(t.Context(), "DELETE FROM users"); err == nil {
		t.Error("a transaction that ended runs SQL")
	}
}

func TestRowsAreClosedBeforeTheNextStatement(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	newUser(t, db)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Query(ctx, "SELECT id FROM users")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		rows.Next()
		_, err = addUser(ctx, tx)
		return errors.Join(err, rows.Err())
	})
	if err == nil || !strings.Contains(err.Error(), "still open") {
		t.Errorf("Write = %v", err)
	}
	if n := db.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d users, want 1", n)
	}
}

// The same text may run again and again in a transaction, with its rows read.
func TestStatementsRunAgain(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range 10 {
			if n := tx.PushDevice.Query().CountX(ctx); n != i {
				t.Errorf("%d rows after %d inserts", n, i)
			}
			if err := addPush(ctx, tx, user, writeName(i)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// An edge written together with its row needs no transaction of ent's own.
func TestEntWritesEdgesInTheTransaction(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		device, err := tx.PushDevice.Create().SetRootUserID(user).SetRegistrationID("phone").SetCreatedAt(moment).Save(ctx)
		if err != nil {
			return err
		}
		other, err := addUser(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.User.UpdateOneID(other.ID).SetEmail("a@b.c").Save(ctx); err != nil {
			return err
		}
		_, err = tx.PushDevice.Query().Where(pushdevice.ID(device.ID)).QueryRootUser().Only(ctx)
		return err
	})
	must(t, err)
}

func TestInsertGivesTheIDsOfItsRows(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	names := []string{"first", "second", "third"}
	var ids []int
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		must(t, addPush(ctx, tx, user, "before"))
		if _, err := tx.Exec(ctx, "DELETE FROM push_devices"); err != nil {
			return err
		}
		args := make([]any, 0, 3*len(names))
		for _, name := range names {
			args = append(args, user, name, moment)
		}
		var err error
		ids, err = tx.Insert(ctx, len(names), "INSERT INTO push_devices (root_user_id, registration_id, created_at) VALUES "+
			store.ValueRows(1, len(names), 3), args...)
		return err
	}))
	if len(ids) != len(names) {
		t.Fatalf("ids %v of %d rows", ids, len(names))
	}
	for i, name := range names {
		if got := db.Read().PushDevice.GetX(t.Context(), ids[i]).RegistrationID; got != name {
			t.Errorf("the row %d is %q, want %q", ids[i], got, name)
		}
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Insert(ctx, 1, insertPush, user, "second", moment)
		return err
	})
	if err == nil {
		t.Error("a name was stored twice")
	}
}

// Check first, then insert: of many at once one inserts, and the others find
// its row instead of an error.
func TestRacingInsertsFindTheWinner(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	const racers = 16
	var inserted [racers]bool
	var running sync.WaitGroup
	for i := range racers {
		running.Go(func() {
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				inserted[i] = false
				found, err := tx.PushDevice.Query().Where(pushdevice.RegistrationID("phone")).Exist(ctx)
				if err != nil || found {
					return err
				}
				inserted[i] = true
				return addPush(ctx, tx, user, "phone")
			}))
		})
	}
	running.Wait()
	winners := 0
	for _, won := range inserted {
		if won {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d inserted the row, want one", winners)
	}
}

// A unique violation that does not go away is an error that says so.
func TestLastingViolationIsAConstraintError(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		create := func() *ent.PushDeviceCreate {
			return tx.PushDevice.Create().SetRootUserID(user).SetRegistrationID("phone").SetCreatedAt(moment)
		}
		if err := create().Exec(ctx); err != nil {
			return err
		}
		return create().Exec(ctx)
	})
	if !ent.IsConstraintError(err) {
		t.Errorf("Write = %v, want a constraint error", err)
	}
}

// Under Lock a value is read and written as if alone.
func TestLockedRowsLoseNoUpdate(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	first, second := newUser(t, db), newUser(t, db)
	const writers = 24
	var running sync.WaitGroup
	for i := range writers {
		ids := []int{first, second}
		if i%2 == 0 {
			ids = []int{second, first}
		}
		running.Go(func() {
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.Lock(ctx, "users", ids...); err != nil {
					return err
				}
				return raiseBoth(ctx, tx, ids)
			}))
		})
	}
	running.Wait()
	for _, id := range []int{first, second} {
		if seq := db.Read().User.GetX(t.Context(), id).EventSeq; seq != writers {
			t.Errorf("event_seq of user %d = %d, want %d", id, seq, writers)
		}
	}
}

func raiseBoth(ctx context.Context, tx *store.Tx, ids []int) error {
	for _, id := range ids {
		user, err := tx.User.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := user.Update().SetEventSeq(user.EventSeq + 1).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestLockOfNothing(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.Lock(ctx, "users"), tx.Lock(ctx, "users", 7, 7, 9))
	}))
}

// References hold, and what hangs on a row goes with it.
func TestForeignKeysHold(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	add := func(owner int) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.PushDevice.Create().SetRootUserID(owner).SetRegistrationID("phone").SetCreatedAt(moment).Exec(ctx)
		})
	}
	if err := add(user + 1); !ent.IsConstraintError(err) {
		t.Errorf("a push device of nobody: %v, want a constraint error", err)
	}
	must(t, add(user))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.User.DeleteOneID(user).Exec(ctx)
	}))
	if names := pushNames(t, db); len(names) != 0 {
		t.Errorf("push devices of a user who is gone: %v", names)
	}
}
