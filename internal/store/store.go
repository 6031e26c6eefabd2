// Package store opens the database, migrates it and runs reads and writes. One
// address picks the engine, SQLite or PostgreSQL, and nothing above the package
// needs to know which it is. It holds no rule of the domain and imports ent,
// internal/apperr and the database drivers alone.
package store

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"luxbff/ent"
	"luxbff/internal/apperr"
)

// ErrClosed is what a write gets once Close was called.
var ErrClosed = apperr.Text("store: closed")

// ErrOutcomeUnknown is what a write gets whose caller gave up while the
// database had not answered: it may be stored or not.
var ErrOutcomeUnknown = apperr.Text("store: outcome of the write is unknown")

var errNested = apperr.Text("store: Write inside a Write")

// Config says which database to open and how. Only URL is needed.
type Config struct {
	// URL is file:PATH for SQLite, with SQLite's own parameters after a "?", or
	// postgres://… for PostgreSQL. A database in memory is refused.
	URL string
	// Log gets the errors that no caller receives; nil means slog.Default().
	Log *slog.Logger
	// Connections is the size of the pool of readers and, on PostgreSQL, of the
	// pool of writers as well; 0 means 8. On SQLite 2, 4 and 8 readers were equally
	// fast on two cores: more than the cores only help while some wait for the disk.
	Connections int
	// WriteLimit bounds the time one function given to Write may take; 0 means
	// 10 seconds. On SQLite it is checked between statements and interrupts none.
	WriteLimit time.Duration
	// ReadLimit bounds the time of one read on PostgreSQL, from the wait for a
	// connection to the last row; 0 means 10 seconds. Without it a server whose machine
	// was lost would hold its callers until TCP gives up, which takes a quarter of an
	// hour. SQLite's reads have no limit, as they wait for nothing.
	ReadLimit time.Duration
	// Wait is for how long Open tries again where PostgreSQL is not up yet; 0 means
	// not at all. An error that waiting does not mend, as a wrong password, is given at
	// once.
	Wait time.Duration
	// ConnLifetime is the age at which a connection to PostgreSQL is replaced, so that none
	// keeps to a server, a login or settings that have changed since; 0 means 30 minutes.
	ConnLifetime time.Duration
	// MigrateWait is for how long Migrate waits for another program that migrates the same
	// PostgreSQL; 0 means 5 minutes.
	MigrateWait time.Duration
	// TransactionPooling says that the URL leads through a pooler that gives a connection of
	// the server to each transaction, as PgBouncer does with pool_mode=transaction. Then
	// nothing is kept on a connection from one transaction to the next.
	TransactionPooling bool
	// Hooks are called with what the store does.
	Hooks Hooks
	// Migrations takes the place of the program's own migrations of the engine,
	// for the tests of an upgrade.
	Migrations fs.FS
}

// Store is an open database. Its methods may be called from many goroutines.
type Store struct {
	engine   engine
	read     *ent.Client
	log      *slog.Logger
	hooks    *Hooks
	writes   atomic.Int64
	writable *writability
}

// Func is the work of one write. It may be called more than once, and must
// begin by resetting whatever it hands out; what it does besides tx must bear
// being rolled back. Its context ends with the caller's and with tx.
type Func = func(ctx context.Context, tx *Tx) error

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	// reader runs reads alone.
	reader() *readConn
	// selectIDs is a query for the numbers of a JSON array, $1.
	selectIDs() string
	// write runs fn in a transaction and returns once its outcome is known. The Tx is
	// nil where fn did not run.
	write(ctx context.Context, fn Func) (*Tx, error)
	// probe asks whether the database takes writes.
	probe(ctx context.Context) error
	// stats are those of the connections alone.
	stats() Stats
	// migrate brings the database to the newest version.
	migrate(ctx context.Context) error
	// pending counts the migrations to come.
	pending(ctx context.Context) (int, error)
	// close lets the writes that wait run, and then ends every connection.
	close() error
}

type insideKey struct{}

// Open opens the database and checks that it is set up as the program needs
// it; it creates a missing SQLite file but no table. An error names what is wrong.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	opened, err := openEngine(ctx, cfg)
	if err != nil {
		return nil, err
	}
	client := ent.NewClient(ent.Driver(opened.reader().driver()))
	return &Store{engine: opened, read: client, log: cfg.Log, hooks: &cfg.Hooks, writable: newWritability()}, nil
}

// Read is a client over the pool of readers. The database refuses writes
// through it, and it begins no transaction. It must not be used inside Write,
// where it would not see what that wrote.
func (s *Store) Read() *ent.Client { return s.read }

// Query runs a read written by hand on the pool of readers and keeps it
// prepared. $1, $2, … stand for the arguments on both engines. The caller must
// close the rows, and must do so before its next read: open rows keep a connection of
// the pool, and callers that each hold one and ask for another wait for ever.
func (s *Store) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	reader := s.engine.reader()
	ctx, end := withReadLimit(ctx, reader.limit)
	rows, err := reader.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller does
	if err != nil {
		end()
		return nil, err
	}
	return &Rows{rows, end}, nil
}

// QueryWithIDs is Query for a list of ids of any length, which the query finds as
// the table ids(id). The list is one argument, so the text is one whatever the length,
// and stays prepared. $2, $3, … stand for the arguments.
func (s *Store) QueryWithIDs(ctx context.Context, ids []int, query string, args ...any) (*Rows, error) {
	list, err := json.Marshal(append([]int{}, ids...)) // nil would be null
	if err != nil {
		return nil, err
	}
	return s.Query(ctx, "WITH ids(id) AS ("+s.engine.selectIDs()+") "+query, append([]any{string(list)}, args...)...)
}

// Write runs fn in a transaction. When it returns nil, what fn wrote is on
// disk; with any error nothing of it is stored, ErrOutcomeUnknown aside. An
// error of fn comes back as it is, a panic as an error with the stack. But where
// the database cannot serve, Write gives that error as an apperr.Unavailable, whatever
// fn made of it.
//
// A context that ends before fn has begun gives its error. Once fn has begun, Write
// waits for the outcome. On SQLite waiting writes share one commit, and no other fn
// runs at the same time; on PostgreSQL fn runs beside others, and again after a
// conflict. A Write inside fn is an error, as on SQLite it would wait for itself; fn
// must not wait for another Write in any other way.
func (s *Store) Write(ctx context.Context, fn Func) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Value(insideKey{}) == s {
		return errNested
	}
	s.writes.Add(1)
	defer s.writes.Add(-1)
	ctx, ended := s.hooks.write(ctx)
	tx, err := s.engine.write(context.WithValue(ctx, insideKey{}, s), fn)
	ended(err)
	if err != nil {
		err = failedWrite(tx, err)
	}
	s.writable.note(tx, err)
	if err != nil {
		return err
	}
	tx.runAfterCommit(ctx, s.log)
	return nil
}

// Migrate brings the database to the newest version the program knows. It
// refuses one that is newer, with ErrNewerDatabase. On SQLite it fails if a row then
// refers to none.
func (s *Store) Migrate(ctx context.Context) error { return s.engine.migrate(ctx) }

// Pending counts the migrations that were not applied yet. A database that is
// newer than the program is ErrNewerDatabase.
func (s *Store) Pending(ctx context.Context) (int, error) { return s.engine.pending(ctx) }

// Close refuses new writes, lets those that wait run, and closes the database.
func (s *Store) Close() error {
	s.writable.close()
	return s.engine.close()
}

// IsPostgres reports whether the URL is of a PostgreSQL database. Any other should be
// that of an SQLite file.
func IsPostgres(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme == "postgres" || scheme == "postgresql"
}

// openEngine opens the engine that the address names.
func openEngine(ctx context.Context, cfg Config) (engine, error) {
	if !IsPostgres(cfg.URL) {
		return openSQLite(ctx, cfg)
	}
	opened, err := openPostgres(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Connections == 0 {
		cfg.Connections = 8
	}
	if cfg.ConnLifetime == 0 {
		cfg.ConnLifetime = 30 * time.Minute
	}
	if cfg.WriteLimit == 0 {
		cfg.WriteLimit = 10 * time.Second
	}
	if cfg.MigrateWait == 0 {
		cfg.MigrateWait = 5 * time.Minute
	}
	if cfg.ReadLimit == 0 {
		cfg.ReadLimit = 10 * time.Second
	}
	return cfg
}
