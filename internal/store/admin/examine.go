package admin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"luxbff/internal/store"
)

// leastFree is how many bytes the disk of an SQLite file needs: a large upload
// and its journal, many times over.
const leastFree = 512 << 20

// Finding is the result of one check: what it looked at, in the operator's words
// what it found there, and whether something must be done about it.
type Finding struct {
	Check  string
	Detail string
	Failed bool
}

func passed(check, format string, values ...any) Finding {
	return Finding{Check: check, Detail: fmt.Sprintf(format, values...)}
}

func failed(check, format string, values ...any) Finding {
	return Finding{Check: check, Detail: fmt.Sprintf(format, values...), Failed: true}
}

// Examine checks a database as the doctor command does and gives what it found,
// in an order in which the first failed check explains those after it. It
// makes no database and changes no row; of an SQLite file it reads every page.
func Examine(ctx context.Context, cfg store.Config) []Finding {
	if store.IsPostgres(cfg.URL) {
		return examinePostgres(ctx, cfg)
	}
	return examineSQLite(ctx, cfg)
}

func examineSQLite(ctx context.Context, cfg store.Config) []Finding {
	file, err := store.ParseSQLite(cfg.URL)
	if err != nil {
		return []Finding{failed("database", "%v", err)}
	}
	// Store.Open would make the file.
	found, err := os.Stat(file.Path())
	if err != nil {
		return []Finding{failed("database", "there is none at %s: `server migrate` makes it, `server restore` brings one back", file.Path())}
	}
	findings := []Finding{examineContent(ctx, file, found.Size()), examineRights(file.Path()), examineDisk(file.Path())}
	opened, err := store.Open(ctx, cfg)
	if err != nil {
		return append(findings, failed("settings of the database", "%v", err))
	}
	defer func() { _ = opened.Close() }()
	return append(findings,
		passed("settings of the database", "it has WAL, synchronous=FULL and foreign_keys=on"),
		examineMigrations(ctx, opened))
}

func examineContent(ctx context.Context, file store.SQLiteFile, size int64) Finding {
	db, err := file.OpenReadOnly(ctx)
	if err != nil {
		return failed("database", "%s cannot be opened: %v", file.Path(), err)
	}
	defer func() { _ = db.Close() }()
	if err := checkContent(ctx, db); err != nil {
		return failed("database", "%s: %v; stop the program and restore the last backup", file.Path(), err)
	}
	return passed("database", "SQLite, %s, %d MB, every page and reference is sound", file.Path(), size>>20)
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

// ExamineTransport says whether strangers on the way to the database could read or change
// what goes over the connection. Nothing goes over a network to a file or to this machine.
// A name without a dot is known to one network alone, as those of containers side by side
// are, and may be as good as the machine itself.
func ExamineTransport(cfg store.Config) Finding {
	const check = "way to the database"
	if !store.IsPostgres(cfg.URL) {
		return passed(check, "it is a file")
	}
	hosts, err := store.UnverifiedHosts(cfg.URL)
	if err != nil {
		return failed(check, "%v", err)
	}
	isRemote := func(host string) bool { return strings.ContainsAny(host, ".:") }
	const advice = "add sslmode=verify-full and sslrootcert=FILE to DATABASE_URL"
	switch {
	case slices.ContainsFunc(hosts, isRemote):
		return failed(check, "%s is not asked to prove who it is, so others can read and change what is sent to it: %s", strings.Join(hosts, ", "), advice)
	case len(hosts) > 0:
		return passed(check, "%s is not asked to prove who it is: right on one machine; over a network, %s", strings.Join(hosts, ", "), advice)
	}
	return passed(check, "nobody can read or change what is sent")
}

func examineMigrations(ctx context.Context, opened *store.Store) Finding {
	pending, err := opened.Pending(ctx)
	switch {
	case err != nil:
		return failed("migrations", "%v", err)
	case pending > 0:
		return failed("migrations", "%d are missing: run `server migrate`", pending)
	}
	return passed("migrations", "all are applied")
}

func examinePostgres(ctx context.Context, cfg store.Config) []Finding {
	opened, err := store.Open(ctx, cfg)
	if err != nil {
		return []Finding{failed("database", "%v", err)}
	}
	defer func() { _ = opened.Close() }()
	server, err := readServerSettings(ctx, opened)
	if err != nil {
		return []Finding{failed("database", "PostgreSQL does not say how it is set: %v", err)}
	}
	pools := opened.Stats()
	return []Finding{
		passed("database", "PostgreSQL %s, %d connections, of which each replica takes up to %d",
			server.version, server.maxConnections, pools.Read.MaxOpenConnections+pools.Write.MaxOpenConnections),
		examineDurability(server),
		passed("settings of the database", "writers and readers connect"),
		examineMigrations(ctx, opened),
	}
}

// serverSettings is how a PostgreSQL server is set up.
type serverSettings struct {
	version           string
	isStandby         bool
	fsync             string
	synchronousCommit string
	maxConnections    int
}

func readServerSettings(ctx context.Context, opened *store.Store) (s serverSettings, err error) {
	rows, err := opened.Query(ctx, `SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('max_connections')::integer`)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		err = rows.Scan(&s.version, &s.isStandby, &s.fsync, &s.synchronousCommit, &s.maxConnections)
	}
	return s, errors.Join(err, rows.Err())
}

func examineDurability(server serverSettings) Finding {
	switch {
	case server.isStandby:
		return failed("durability", "it is a standby and takes no writes: name the primary in the database URL")
	case server.fsync == "off" || server.synchronousCommit == "off":
		return failed("durability", "fsync or synchronous_commit is off: what was acknowledged can be lost; set both on")
	}
	return passed("durability", "a commit is on disk")
}
