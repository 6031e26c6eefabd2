package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"
)

// pragma is a setting of an SQLite connection: the value that is set, and how
// SQLite then reads it back.
type pragma struct{ name, set, want string }

// With synchronous=FULL a commit is on disk when it returns, so what was
// acknowledged survives a loss of power. WAL lets reads go on during a write. The
// limit of the journal gives its disk space back after a long read has made it grow. What a
// savepoint may have to restore stays in memory: past 64 KiB, which is an upload, SQLite
// would write it to a temporary file, a quarter of the writer's time. It restores writes
// within a transaction, so a loss of power needs none of it.
var (
	commonPragmas = []pragma{
		{"busy_timeout", "5000", "5000"},
		{"foreign_keys", "1", "1"},
	}
	writerPragmas = []pragma{
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"journal_size_limit", "67108864", "67108864"},
		{"temp_store", "MEMORY", "2"},
	}
	readerPragmas = []pragma{
		{"query_only", "1", "1"},
	}
	// readerDefaults are set where the operator's URL does not set another. The pages that
	// a reader keeps are also in the system's cache, and each takes 8 KB of the program's
	// memory: with SQLite's own 2,000 KiB the phones that connect fill 9 MB, with 512 some
	// 2 MB. A query on a busy machine takes 24 µs longer of 50 where its pages fit into the
	// one and not into the other, and as long as before where they fit into neither, as
	// with 100,000 accounts.
	readerDefaults = []pragma{
		{"cache_size", "-512", "-512"}, // KiB
	}
)

// Times are written as UTC in the one format that SQLite's own functions and
// comparisons understand. mode=ro keeps a reader from making the file.
var (
	writerParams = map[string]string{"_time_format": "sqlite", "_timezone": "UTC"}
	readerParams = map[string]string{"_time_format": "sqlite", "_timezone": "UTC", "mode": "ro"}
)

// sqlite is one connection that writes and a pool of connections that read, on one
// file: SQLite lets one write at a time, whoever asks, and a pool that wrote would
// only meet its own locks.
type sqlite struct {
	cfg     Config
	file    SQLiteFile
	opened  fs.FileInfo // the file that the connections hold open
	writers *sql.DB
	readers *preparedPool
	reading inFlight
	writer  *groupCommitter
}

func openSQLite(ctx context.Context, cfg Config) (engine, error) {
	file, err := ParseSQLite(cfg.URL)
	if err != nil {
		return nil, err
	}
	if err := CheckPlace(file.Path()); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", file.path, err)
	}
	s := &sqlite{cfg: cfg, file: file}
	if err := s.open(ctx); err != nil {
		_ = s.closeFiles()
		// SQLite itself says of what may not be written "unable to open database file".
		return nil, fmt.Errorf("store: open %s: %w", file.path, cmp.Or(CheckWritable(file.Path()), err))
	}
	s.writer = newGroupCommitter(s.writers, cfg, s.checkFile) //nolint:contextcheck // it outlives the call that opens it
	return s, nil
}

// open opens the connection that writes first: it makes the file and its journal,
// without which those that only read cannot open it.
func (s *sqlite) open(ctx context.Context) (err error) {
	if err := createPrivate(s.file.Path()); err != nil {
		return err
	}
	write, read := slices.Concat(commonPragmas, writerPragmas), slices.Concat(commonPragmas, readerPragmas)
	if s.writers, err = openFile(s.file.with(writerParams, write)); err != nil {
		return err
	}
	if err := checkPragmas(ctx, s.writers, write); err != nil {
		return err
	}
	if s.opened, err = os.Stat(s.file.Path()); err != nil {
		return err
	}
	address := s.file.with(readerParams, slices.Concat(read, readerDefaults))
	if err := checkReader(ctx, address, read); err != nil {
		return err
	}
	readers := sql.OpenDB(&sqliteConnector{s.writers.Driver(), address, s.checkFile, &s.reading})
	limitConnections(readers, s.cfg.Connections)
	s.readers = newPreparedPool(readers)
	return nil
}

// checkReader checks the pragmas on a connection of its own and closes it: one that stays
// open has read the file by then, and would keep the migrations from being written out of
// the log when they are done.
func checkReader(ctx context.Context, address string, pragmas []pragma) error {
	db, err := openFile(address)
	if err != nil {
		return err
	}
	return errors.Join(checkPragmas(ctx, db, pragmas), db.Close())
}

// createPrivate makes a database file that is not there yet, readable and writable for
// the program's user alone: SQLite would leave that to the umask. The journal gets the
// rights of the file. A file that is there keeps its rights, which may be an operator's
// choice; the doctor reports them.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), GiveToOwnerOfFolder(file), file.Close())
}

// openFile opens a file on one connection.
func openFile(address string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return nil, err
	}
	limitConnections(db, 1)
	return db, nil
}

func limitConnections(db *sql.DB, connections int) {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
}

// checkFile finds that the file which the connections hold open is no longer at its path.
func (s *sqlite) checkFile() error {
	found, err := os.Stat(s.file.Path())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFileMoved, err)
	}
	if !os.SameFile(found, s.opened) {
		return ErrFileMoved
	}
	return nil
}

// checkPragmas reads the settings back, as SQLite silently ignores a pragma that it
// does not know or cannot follow.
func checkPragmas(ctx context.Context, db *sql.DB, pragmas []pragma) error {
	for _, p := range pragmas {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			return fmt.Errorf("read pragma %s: %w", p.name, err)
		}
		if !strings.EqualFold(got, p.want) {
			return fmt.Errorf("pragma %s is %s, must be %s", p.name, got, p.want)
		}
	}
	return nil
}

func (s *sqlite) reader() *readConn {
	return &readConn{engine: dialect.SQLite, conn: s.readers, hooks: &s.cfg.Hooks}
}

func (s *sqlite) selectIDs() string { return "SELECT value FROM json_each($1)" }

func (s *sqlite) write(ctx context.Context, fn Func) (*Tx, error) { return s.writer.write(ctx, fn) }

// probe writes the page with the user_version as it is. What others write in the same
// commit is not harmed.
func (s *sqlite) probe(ctx context.Context) error {
	tx, err := s.write(ctx, func(ctx context.Context, tx *Tx) error {
		version, err := readUserVersion(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
	if tx != nil && tx.conn.failed != nil {
		return tx.conn.failed
	}
	return err
}

func readUserVersion(ctx context.Context, tx *Tx) (version int, err error) {
	rows, err := tx.Query(ctx, "PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		err = rows.Scan(&version)
	}
	return version, errors.Join(err, rows.Err())
}

func (s *sqlite) stats() Stats { return Stats{Read: s.readers.db.Stats(), Write: s.writers.Stats()} }

// close closes the readers first. The last connection to close folds the journal
// back into the file, which only one that writes can do.
func (s *sqlite) close() error {
	s.writer.close()
	return s.closeFiles()
}

func (s *sqlite) closeFiles() error {
	var readers, writers error
	if s.readers != nil {
		readers = s.readers.close()
		s.reading.close()
	}
	if s.writers != nil {
		writers = s.writers.Close()
	}
	return errors.Join(readers, writers)
}
