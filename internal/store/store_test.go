package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/ent/vocab"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var moment = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// addUser writes a user in tx.
func addUser(ctx context.Context, tx *store.Tx) (*ent.User, error) {
	return tx.User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(moment).Save(ctx)
}

// newUser writes a user and gives its id.
func newUser(t testing.TB, db *store.Store) int {
	t.Helper()
	var id int
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		user, err := addUser(ctx, tx)
		if err == nil {
			id = user.ID
		}
		return err
	})
	if err != nil {
		t.Fatalf("write a user: %v", err)
	}
	return id
}

// addPush writes a push device by hand.
func addPush(ctx context.Context, tx *store.Tx, user int, name string) error {
	_, err := tx.Exec(ctx,
		"INSERT INTO push_devices (root_user_id, registration_id, created_at) VALUES ($1, $2, $3)",
		user, name, moment)
	return err
}

// pushNames are the push devices stored, in order.
func pushNames(t testing.TB, db *store.Store) []string {
	t.Helper()
	names, err := db.Read().PushDevice.Query().Order(ent.Asc(pushdevice.FieldRegistrationID)).
		Select(pushdevice.FieldRegistrationID).Strings(context.Background())
	if err != nil {
		t.Fatalf("read the push devices: %v", err)
	}
	return names
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	id := newUser(t, db)
	user, err := db.Read().User.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !user.CreatedAt.Equal(moment) || user.CreatedAt.Location() != time.UTC {
		t.Errorf("created_at = %v, want %v in UTC", user.CreatedAt, moment)
	}
	if _, err := db.Read().User.Get(t.Context(), id+1); !ent.IsNotFound(err) {
		t.Errorf("an unknown user: %v, want not found", err)
	}
}

func TestFailedWriteStoresNothing(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	refused := errors.New("refused")
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := addUser(ctx, tx); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("Write = %v, want the error of its function", err)
	}
	if n := db.Read().User.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d users are stored, want none", n)
	}
}

// Arguments go by their number, not by where they first appear.
func TestQueryTakesNumberedArguments(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	text := "SELECT CAST($2 AS TEXT) || CAST($1 AS TEXT) || CAST($2 AS TEXT)"
	if got := only(t.Context(), t, db.Query, text, "one", "two"); got != "twoonetwo" {
		t.Errorf("got %s, want two, one, two", got)
	}
}

// A list may be longer than any engine takes arguments.
func TestQueryWithIDsTakesAnyNumberOfIDs(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	known := newUser(t, db)
	long := make([]int, 100_000)
	for i := range long {
		long[i] = known + i
	}
	for name, test := range map[string]struct {
		ids  []int
		want string
	}{
		"none": {nil, "0 of 0"}, "an unknown one": {[]int{-1}, "0 of 1"}, "100,000": {long, "1 of 100000"},
	} {
		among := func(ctx context.Context, query string, _ ...any) (*store.Rows, error) {
			return db.QueryWithIDs(ctx, test.ids, query)
		}
		text := "SELECT CAST(count(u.id) AS TEXT) || ' of ' || CAST(count(*) AS TEXT) FROM ids LEFT JOIN users u ON u.id = ids.id"
		if got := only(t.Context(), t, among, text); got != test.want {
			t.Errorf("%s: found %s, want %s", name, got, test.want)
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	if _, err := db.Read().User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(moment).
		Save(t.Context()); err == nil {
		t.Error("a reader wrote a row")
	}
	if _, err := db.Read().Tx(t.Context()); err == nil {
		t.Error("a reader began a transaction")
	}
}

func TestStatementsAreCounted(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	ctx, counter := store.CountStatements(t.Context())
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := addUser(ctx, tx)
		if err != nil {
			return err
		}
		return addPush(ctx, tx, user.ID, "phone")
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := counter.N(); n != 2 {
		t.Errorf("%d statements in the write, want 2", n)
	}
	db.Read().User.Query().WithPushDevices().AllX(ctx)
	if n := counter.N(); n != 4 {
		t.Errorf("%d statements after a read of two tables, want 4", n)
	}
	only(ctx, t, db.Query, "SELECT id FROM users")
	db.Read().User.Query().AllX(t.Context())
	if n := counter.N(); n != 5 {
		t.Errorf("%d statements after a read by hand, want 5", n)
	}
}
