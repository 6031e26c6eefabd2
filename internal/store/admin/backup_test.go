package admin_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/store"
	"luxbff/internal/store/admin"
	"luxbff/internal/testutil/storetest"
)

// A backup is whole, whatever is written meanwhile, and becomes a database again.
func TestBackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	db := storetest.OpenAt(t, url)
	user := newUser(t, db)
	folder := t.TempDir()
	path := filepath.Join(folder, "it's a 100% copy?.db")
	begun := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		close(begun)
		writePairs(t, db, user, 100)
	})
	<-begun
	must(t, admin.Backup(t.Context(), store.Config{URL: url}, path))
	writing.Wait()
	restored := store.Config{URL: "file:" + filepath.Join(t.TempDir(), "restored.db")}
	must(t, admin.Restore(t.Context(), restored, path))
	copied := storetest.OpenAt(t, restored.URL)
	if pending, err := copied.Pending(t.Context()); err != nil || pending != 0 {
		t.Errorf("the copy: Pending = %d, %v", pending, err)
	}
	if n := copied.Read().PushDevice.Query().CountX(t.Context()); n%2 != 0 || copied.Read().User.GetX(t.Context(), user) == nil {
		t.Errorf("the copy has %d rows of pairs", n)
	}
	wantFiles(t, folder, filepath.Base(path))
}

// Neither command writes over a file, and a refused one leaves none.
func TestBackupAndRestoreOverwriteNothing(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	running := storetest.OpenAt(t, url)
	newUser(t, running)
	folder := t.TempDir()
	backup := filepath.Join(folder, "backup.db")
	must(t, admin.Backup(t.Context(), store.Config{URL: url}, backup))
	if err := admin.Backup(t.Context(), store.Config{URL: url}, backup); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a second backup: %v", err)
	}
	if err := admin.Restore(t.Context(), store.Config{URL: url}, backup); err == nil || !strings.Contains(err.Error(), "stop the program") {
		t.Errorf("restored over a running program: %v", err)
	}
	left := filepath.Join(folder, "left.db")
	must(t, os.WriteFile(left+"-wal", []byte("a journal"), 0o600))
	if err := admin.Restore(t.Context(), store.Config{URL: "file:" + left}, backup); err == nil || !strings.Contains(err.Error(), "left.db-wal") {
		t.Errorf("restored beside the journal of another database: %v", err)
	}
	wantFiles(t, folder, "backup.db", "left.db-wal")
}

func TestBackupRefusesWhatItCannotVouchFor(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		source func(t *testing.T) string
		want   string
	}{
		"no database":      {func(t *testing.T) string { return filepath.Join(t.TempDir(), "none.db") }, "no such file"},
		"no database file": {func(t *testing.T) string { return written(t, strings.Repeat("text ", 2000)) }, "not a database"},
		"another program's": {func(t *testing.T) string {
			return written(t, "")
		}, "not a database of this program"},
		"a damaged one": {damaged, "damaged"},
		"a newer one":   {newer, "newer than this program"},
		"a dangling reference": {func(t *testing.T) string {
			return changed(t, "INSERT INTO push_devices (root_user_id, registration_id, created_at) VALUES (99, 'x', '2026-01-01')")
		}, "push_devices"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, folder := test.source(t), t.TempDir()
			err := admin.Backup(t.Context(), store.Config{URL: "file:" + source}, filepath.Join(folder, "copy.db"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Backup = %v, want an error with %q", err, test.want)
			}
			err = admin.Restore(t.Context(), store.Config{URL: "file:" + filepath.Join(folder, "live.db")}, source)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Restore = %v, want an error with %q", err, test.want)
			}
			wantFiles(t, folder)
		})
	}
}

func TestBackupOfPostgresNamesTheTool(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: "postgres://luxbff:secret@127.0.0.1:1/db"}
	if err := admin.Backup(t.Context(), cfg, "copy.db"); err == nil || !strings.Contains(err.Error(), "pg_dump") || strings.Contains(err.Error(), "secret") {
		t.Errorf("Backup = %v", err)
	}
	if err := admin.Restore(t.Context(), cfg, "copy.db"); err == nil || !strings.Contains(err.Error(), "pg_restore") || strings.Contains(err.Error(), "secret") {
		t.Errorf("Restore = %v", err)
	}
}

// wantFiles fails unless the folder holds these files and no other.
func wantFiles(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	found := []string{}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if diff := cmp.Diff(append([]string{}, names...), found); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// changed is the path of a migrated database after a statement that no foreign
// key hindered.
func changed(t *testing.T, statement string) string {
	t.Helper()
	path := strings.TrimPrefix(storetest.SQLiteURL(t), "file:")
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), statement)
	must(t, err)
	must(t, db.Close())
	return path
}

func newer(t *testing.T) string {
	t.Helper()
	return changed(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, 1)")
}

// damaged is a database with a row that its table does not allow.
func damaged(t *testing.T) string {
	t.Helper()
	return changed(t, "INSERT INTO users (register_type, created_at) VALUES ('E', '2026-01-01');"+
		"PRAGMA writable_schema = ON;"+
		"UPDATE sqlite_master SET sql = replace(sql, '`email` text NULL', '`email` text NOT NULL') WHERE name = 'users'")
}
