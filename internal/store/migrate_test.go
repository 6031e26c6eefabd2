package store_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/google/go-cmp/cmp"

	"luxbff/ent/migrate"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

func TestMigrateIsDoneOnce(t *testing.T) {
	t.Parallel()
	db := storetest.OpenAt(t, storetest.EmptyURL(t))
	pending, err := db.Pending(t.Context())
	if err != nil || pending == 0 {
		t.Errorf("an empty database: Pending = %d, %v; want some", pending, err)
	}
	for range 2 {
		must(t, db.Migrate(t.Context()))
	}
	if pending, err := db.Pending(t.Context()); err != nil || pending != 0 {
		t.Errorf("a migrated database: Pending = %d, %v; want none", pending, err)
	}
	newUser(t, db)
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)", 99990101000000, true)
		return err
	}))
	if err := db.Migrate(t.Context()); !errors.Is(err, store.ErrNewerDatabase) || !strings.Contains(err.Error(), "99990101000000") {
		t.Errorf("Migrate = %v, want ErrNewerDatabase with the version", err)
	}
	if _, err := db.Pending(t.Context()); !errors.Is(err, store.ErrNewerDatabase) {
		t.Errorf("Pending = %v, want ErrNewerDatabase", err)
	}
}

// Several programs that start at once on an empty database migrate it once.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyURL(t)
	var running sync.WaitGroup
	for range 3 {
		db := storetest.OpenAt(t, url)
		running.Go(func() { must(t, db.Migrate(t.Context())) })
	}
	running.Wait()
	newUser(t, storetest.OpenAt(t, url))
}

// A distributed engine shards by the account: every table carries its id but that of
// accounts, and those of quotas and of usage, which hold across accounts.
func TestTablesCarryTheirAccount(t *testing.T) {
	t.Parallel()
	for _, table := range migrate.Tables {
		carries := slices.ContainsFunc(table.Columns, func(c *schema.Column) bool { return c.Name == "root_user_id" })
		if !carries && table != migrate.UsersTable && table != migrate.MessageQuotaTable && table != migrate.UsageDaysTable {
			t.Errorf("%s has no root_user_id", table.Name)
		}
	}
}

// The unique keys over a part of the rows are there on both engines.
func TestPartialUniqueKeysHold(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	user := newUser(t, db)
	identity := func(user, deleted any) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO identities (root_user_id, provider, subject, created_at, deleted_at)
				VALUES ($1, 'email', 'a@b.c', $2, $3)`, user, moment, deleted)
			return err
		})
	}
	must(t, identity(user, moment))
	must(t, identity(user, moment))
	must(t, identity(nil, nil)) // begun sign-ups, which may have one e-mail
	must(t, identity(nil, nil))
	must(t, identity(user, nil))
	if identity(user, nil) == nil {
		t.Error("two live identities have one subject")
	}
	child, device := newChild(t, db, user)
	devlog := func(status string) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status,
				treatment_date, last_intensity, treatment_time, created_at, updated_at)
				VALUES ($1, $2, $3, 1, $4, '2026-01-02T03:04:05', 1, 1, $5, $5)`, user, child, device, status, moment)
			return err
		})
	}
	must(t, devlog("COMPLETE"))
	must(t, devlog("COMPLETE"))
	must(t, devlog("TEMPORARY"))
	if devlog("TEMPORARY") == nil {
		t.Error("two temporary logs stand for one child and device")
	}
}

// newChild writes a child with its device.
func newChild(t testing.TB, db *store.Store, user int) (child, device int) {
	t.Helper()
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		one, err := tx.ChildUser.Create().SetRootUserID(user).SetFirstName("A").SetLastName("B").
			SetBirthdate("2020-01-01").SetGender("M").SetCreatedAt(moment).Save(ctx)
		if err != nil {
			return err
		}
		two, err := tx.Device.Create().SetSerialCode("SERIAL1").SetMACID("00:80:E1:27:4C:84").
			SetProjectID(1).SetHardwareID(1).SetNowFirmwareID(1).SetFirmwareVersion("1").
			SetRootUserID(user).SetChildUserID(one.ID).SetCreatedAt(moment).Save(ctx)
		if err != nil {
			return err
		}
		child, device = one.ID, two.ID
		return nil
	}))
	return child, device
}

// rebuild changes a column of users as the generator has SQLite do it: by
// building the table anew and dropping the old one.
const rebuild = `-- +goose Up
PRAGMA foreign_keys = off;
CREATE TABLE new_users (COLUMNS;
INSERT INTO new_users SELECT * FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
PRAGMA foreign_keys = on;
`

// SQLite changes a table by building it anew; rows that refer to it must not
// notice. With foreign keys on, the drop in between clears or deletes them, and
// the PRAGMA in the file does nothing inside a transaction.
func TestRebuiltTableKeepsItsReferences(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	db := storetest.OpenAt(t, url)
	user := newUser(t, db)
	child, device := newChild(t, db, user)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return addPush(ctx, tx, user, "phone")
	}))
	upgraded := openWith(t, url, usersTable(t, db))
	if pending, err := upgraded.Pending(t.Context()); err != nil || pending != 1 {
		t.Fatalf("Pending = %d, %v; want 1", pending, err)
	}
	must(t, upgraded.Migrate(t.Context()))
	for _, reader := range []*store.Store{db, upgraded} {
		got := reader.Read().Device.GetX(t.Context(), device)
		if got.RootUserID == nil || *got.RootUserID != user || got.ChildUserID == nil || *got.ChildUserID != child {
			t.Errorf("the device belongs to user %v, child %v; want %d, %d", got.RootUserID, got.ChildUserID, user, child)
		}
		if diff := cmp.Diff([]string{"phone"}, pushNames(t, reader)); diff != "" {
			t.Errorf("push devices (-want +got):\n%s", diff)
		}
	}
}

// A migration that leaves a reference dangling is found out.
func TestDanglingReferenceIsAnError(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	db := storetest.OpenAt(t, url)
	user := newUser(t, db)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return addPush(ctx, tx, user, "phone")
	}))
	err := openWith(t, url, "-- +goose Up\nDELETE FROM users;\n").Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "push_devices") {
		t.Errorf("Migrate = %v, want an error that names push_devices", err)
	}
}

// usersTable is a rebuild of users as it stands.
func usersTable(t *testing.T, db *store.Store) string {
	t.Helper()
	made := only(t.Context(), t, db.Query, "SELECT sql FROM sqlite_master WHERE name = 'users'")
	_, columns, found := strings.Cut(made, "(")
	if !found {
		t.Fatal("users has no columns")
	}
	return strings.Replace(rebuild, "COLUMNS", columns, 1)
}

// openWith opens the file with a program that knows one migration more.
func openWith(t *testing.T, url, migration string) *store.Store {
	t.Helper()
	files := before(t, "sqlite", "9")
	files["99990101000000_later.sql"] = &fstest.MapFile{Data: []byte(migration)}
	db, err := store.Open(t.Context(), store.Config{URL: url, Migrations: files})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// before gives the program's migrations of an engine but those from a version on.
func before(t *testing.T, folder, version string) fstest.MapFS {
	t.Helper()
	entries, err := os.ReadDir("migrations/" + folder)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, entry := range entries {
		content, err := os.ReadFile("migrations/" + folder + "/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if entry.Name() < version {
			files[entry.Name()] = &fstest.MapFile{Data: content}
		}
	}
	return files
}

// TestAccountsMadeThroughFacebookAreOfTheirType upgrades a database in which they have
// the type of accounts that began with a local id.
func TestAccountsMadeThroughFacebookAreOfTheirType(t *testing.T) {
	t.Parallel()
	url, folder := storetest.EmptyURL(t), "sqlite"
	if store.IsPostgres(url) {
		folder = "postgres"
	}
	cfg := storetest.Config(url)
	cfg.Migrations = before(t, folder, "20261129105400")
	old, err := store.Open(t.Context(), cfg)
	must(t, err)
	must(t, old.Migrate(t.Context()))
	want := map[int]string{}
	must(t, old.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for id, account := range []struct {
			stored, want string
			identities   map[string]time.Duration // after the account was made
		}{
			{"L", "S", map[string]time.Duration{"facebook": 0}},
			{"L", "S", map[string]time.Duration{"facebook": 3 * time.Millisecond}},
			{"L", "L", map[string]time.Duration{"facebook": time.Minute}}, // a temporary account that was linked
			{"L", "L", map[string]time.Duration{"local": 0}},
			{"L", "L", nil},
			{"E", "E", map[string]time.Duration{"facebook": 0}},
		} {
			id++
			want[id] = account.want
			if _, err := tx.Exec(ctx, "INSERT INTO users (id, register_type, created_at) VALUES ($1, $2, $3)", id, account.stored, moment); err != nil {
				return err
			}
			for provider, after := range account.identities {
				if _, err := tx.Exec(ctx, "INSERT INTO identities (root_user_id, provider, subject, created_at) VALUES ($1, $2, $3, $4)",
					id, provider, strconv.Itoa(id), moment.Add(after)); err != nil {
					return err
				}
			}
		}
		// A local id came first, and Facebook within the same second.
		_, err := tx.Exec(ctx, "INSERT INTO identities (root_user_id, provider, subject, created_at) VALUES (4, 'facebook', '44', $1)", moment)
		return err
	}))
	must(t, old.Close())
	upgraded := storetest.OpenAt(t, url)
	must(t, upgraded.Migrate(t.Context()))
	got := map[int]string{}
	for _, u := range upgraded.Read().User.Query().AllX(t.Context()) {
		got[u.ID] = string(u.RegisterType)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types of the accounts (-want +got):\n%s", diff)
	}
}
