package admin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"luxbff/internal/store"
)

// leastFree is how many bytes the disk of an SQLite file needs: a large upload
// and its journal, many times over.
const leastFree = 512 << 20

// examineSQLite opens the file only for reading: a command that an operator runs beside
// the program must leave nothing behind that the program cannot open.
func examineSQLite(ctx context.Context, cfg store.Config) []Finding {
	file, err := store.ParseSQLite(cfg.URL)
	if err != nil {
		return []Finding{failed("database", "%s", plain(err))}
	}
	path := file.Path()
	if err := store.CheckPlace(path); err != nil {
		return []Finding{failed("database", "%s: %v", path, err)}
	}
	found, err := os.Stat(path)
	if err != nil {
		none := failed("database", "there is none at %s: `server migrate` makes a new one, `server restore FILE` brings a backup back", path)
		if err := store.CheckWritable(path); err != nil {
			return []Finding{failed("owner of the files", "%v", err), none}
		}
		return []Finding{none}
	}
	findings := []Finding{examineOwner(path)}
	if readable, err := os.Open(path); err != nil { //nolint:gosec // the operator names it
		return append(findings, failed("database", "%s cannot be read: see above", path))
	} else if err := readable.Close(); err != nil {
		return append(findings, failed("database", "%s: %v", path, err))
	}
	findings = append(findings, examineRights(path), examineDisk(path), examineParameters(ctx, file))
	if unfit := store.UnfitFileSystem(filepath.Dir(path)); unfit != "" {
		findings = append(findings, warned("file system", "%s", unfit))
	}
	if found.Size() == 0 {
		return append(findings, failed("database", "%s is empty: `server migrate` makes its tables. If it should have held data, move it away instead and run `server restore FILE` with the last backup", path))
	}
	return append(findings, examineContent(ctx, cfg, file, found.Size())...)
}

// examineContent reads every page. A program that starts meanwhile makes a journal, so
// what was read without one is then read again.
func examineContent(ctx context.Context, cfg store.Config, file store.SQLiteFile, size int64) []Finding {
	path := file.Path()
	if journal, err := os.Stat(path + "-journal"); err == nil && journal.Size() > 0 {
		return []Finding{failed("database", "%s-journal is of a write that another program has not ended: end that program, or, if none runs, start luxbff, which undoes the write", path)}
	}
	if finding, isLocked := examineLocks(ctx, path); isLocked {
		return []Finding{finding}
	}
	hadLog := exists(path + "-wal")
	findings := readContent(ctx, cfg, file, size)
	if !hadLog && exists(path+"-wal") {
		return readContent(ctx, cfg, file, size)
	}
	return findings
}

func readContent(ctx context.Context, cfg store.Config, file store.SQLiteFile, size int64) []Finding {
	path := file.Path()
	db, err := file.OpenUntouched()
	if errors.Is(err, store.ErrLogWithoutIndex) {
		return []Finding{warned("database", "%s was not read, because SQLite has to take in its write-ahead log first, as after a copy of both files: start the program, then run this again", path)}
	}
	if err != nil {
		return []Finding{failed("database", "%s cannot be opened: %v", path, err)}
	}
	err = checkContent(ctx, db)
	_, pending, versionErr := store.SQLiteMigrations(ctx, db, cfg)
	_ = db.Close()
	if err != nil {
		return []Finding{explainContent(path, err)}
	}
	return []Finding{
		passed("database", "SQLite, %s, %d MB, every page and reference is sound", path, size>>20),
		examineMigrations(pending, versionErr),
	}
}

// explainContent tells what is no database from one that is damaged and one that cannot
// be read now: only the second is a reason to restore a backup.
func explainContent(path string, err error) Finding {
	const primary = 0xff // the bits above it only say more about the same error
	var ofSQLite *sqlitedriver.Error
	if errors.As(err, &ofSQLite) {
		switch ofSQLite.Code() & primary {
		case sqlite3.SQLITE_NOTADB:
			return failed("database", "%s is no SQLite database: look whether DATABASE_URL names the right file. If it does, stop the program, move the file away with what lies beside it (%[1]s-*), and run `server restore FILE` with the last backup", path)
		case sqlite3.SQLITE_BUSY:
			return failed("database", "another program keeps %s locked: `fuser -v %[1]s` shows it; end it. The file itself may be sound", path)
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
			return failed("database", "%s cannot be read now: %v. That does not mean that it is damaged: look at its disk and its rights first", path, err)
		}
	}
	return failed("database", "%s: %s. Stop the program, move the file away with what lies beside it (%[1]s-*) and keep them, then run `server restore FILE` with the last backup", path, plain(err))
}

// examineOwner says whether the program can write. Root can always, so for root it looks
// whether all files belong to one user.
func examineOwner(path string) Finding {
	const check = "owner of the files"
	if err := store.CheckWritable(path); err != nil {
		return failed(check, "%v", err)
	}
	owner, err := store.OwnerName(path)
	if err != nil {
		return warned(check, "it cannot be found out: %v", err)
	}
	for _, file := range []string{path + "-wal", path + "-shm"} {
		if other, err := store.OwnerName(file); err == nil && other != owner {
			return failed(check, "%s belongs to %s and the database to %s, so a program of one of them cannot write: stop it, then as root chown %[3]s %[1]s", file, other, owner)
		}
	}
	if os.Geteuid() == 0 && owner != "root" {
		return warned(check, "they belong to %s, and this runs as root, who may do everything: run it as %[1]s, with runuser -u %[1]s, to see whether the program may", owner)
	}
	return passed(check, "this user can write")
}

func examineParameters(ctx context.Context, file store.SQLiteFile) Finding {
	if err := file.CheckParameters(ctx); err != nil {
		return failed("settings of the database", "%v: take it out of DATABASE_URL", err)
	}
	return passed("settings of the database", "the program sets WAL, synchronous=FULL and foreign_keys=on")
}

func examineDisk(path string) Finding {
	free, err := freeSpace(filepath.Dir(path))
	if err != nil {
		return failed("disk", "its free space cannot be read: %v", err)
	}
	if free < leastFree {
		return failed("disk", "%d MB are free, less than %d MB: make room before uploads are refused", free>>20, leastFree>>20)
	}
	return passed("disk", "%d MB are free", free>>20)
}

// examineRights looks at the database and its journal, which holds the same rows.
func examineRights(path string) Finding {
	var open []string
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if found, err := os.Stat(file); err == nil && found.Mode().Perm()&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s (%04o)", file, found.Mode().Perm()))
		}
	}
	if len(open) > 0 {
		return failed("rights of the files", "others than the program's user can read %s: `chmod 600` them, and the backups as well", strings.Join(open, ", "))
	}
	return passed("rights of the files", "only the program's user can read the database")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
