package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/storetest"
)

func TestDatabaseTakesWrites(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	must(t, db.CheckWritable(t.Context()))
	newUser(t, db)
	must(t, db.CheckWritable(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.CheckWritable(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up is told %v", err)
	}
}

// TestReadOnlyFileTakesNoWrites opens a database on which each write fails.
func TestReadOnlyFileTakesNoWrites(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ro.db")
	db := storetest.OpenAt(t, "file:"+file)
	must(t, db.Migrate(t.Context()))
	user := newUser(t, db)
	must(t, db.Close())
	db = storetest.OpenAt(t, "file:"+file+"?_pragma=query_only(1)")
	if err := db.CheckWritable(t.Context()); !apperr.Is(err, apperr.Unavailable) {
		t.Errorf("CheckWritable = %v, want an unavailable database", err)
	}
	if _, err := db.Read().User.Get(t.Context(), user); err != nil {
		t.Errorf("a read: %v", err)
	}
}

// TestFileThatIsMovedAway moves the database file away under the program, puts another in
// its place, and puts it back. Meanwhile no write may be acknowledged: SQLite would store
// it in a file that the next start doesn't find.
func TestFileThatIsMovedAway(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, away := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "away.db")
	db := storetest.OpenAt(t, "file:"+file)
	must(t, db.Migrate(t.Context()))
	user := newUser(t, db)
	add := func(name string) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return addPush(ctx, tx, user, name) })
	}
	wantRefused := func(how string) {
		t.Helper()
		if err := add(how); !apperr.Is(err, apperr.Unavailable) || !errors.Is(err, store.ErrFileMoved) {
			t.Errorf("a write to a file that was %s: %v", how, err)
		}
		if err := db.CheckWritable(t.Context()); !apperr.Is(err, apperr.Unavailable) || !errors.Is(err, store.ErrFileMoved) {
			t.Errorf("CheckWritable of a file that was %s: %v", how, err)
		}
		if _, err := db.Read().User.Get(t.Context(), user); err != nil {
			t.Errorf("a read of a file that was %s: %v", how, err)
		}
	}
	must(t, add("before"))
	db.Read().User.GetX(t.Context(), user) // opens the connection that goes on reading
	must(t, os.Rename(file, away))
	wantRefused("moved away")
	if _, err := os.Stat(file); err == nil {
		t.Error("the store has made another file in its place")
	}
	must(t, os.WriteFile(file, nil, 0o600))
	wantRefused("replaced")
	must(t, os.Rename(away, file))
	must(t, add("after"))
	must(t, db.CheckWritable(t.Context()))
	if diff := cmp.Diff([]string{"after", "before"}, pushNames(t, db)); diff != "" {
		t.Errorf("rows stored (-want +got):\n%s", diff)
	}
}

// TestReadersKeepToTheirFile puts another database in the place of the file while only one
// connection reads it. Those that are opened later must not read from the other.
func TestReadersKeepToTheirFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, other := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "other.db")
	empty := storetest.OpenAt(t, "file:"+other)
	must(t, empty.Migrate(t.Context()))
	must(t, empty.Close())
	db := storetest.OpenAt(t, "file:"+file)
	must(t, db.Migrate(t.Context()))
	user := newUser(t, db)
	first, err := db.Query(t.Context(), "SELECT id FROM users")
	must(t, err)
	must(t, os.Rename(other, file))
	if _, err := db.Read().User.Get(t.Context(), user); !apperr.Is(err, apperr.Unavailable) {
		t.Errorf("a read on another connection: %v, want an unavailable database", err)
	}
	must(t, first.Close())
	if _, err := db.Read().User.Get(t.Context(), user); err != nil {
		t.Errorf("a read on the connection that is there: %v", err)
	}
}

// TestLongWriteIsNoObstacle asks while a write runs that takes longer than anybody waits.
func TestLongWriteIsNoObstacle(t *testing.T) {
	t.Parallel()
	db := openFile(t)
	release := make(chan struct{})
	running := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- db.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(running)
			<-release
			return nil
		})
	}()
	<-running
	must(t, db.CheckWritable(t.Context()))
	close(release)
	must(t, testutil.Receive(t, "the end of the write", ended))
}
