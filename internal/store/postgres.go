package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"luxbff/internal/store/migrations"
)

// SQLSTATE codes that the program tells from others of their class.
const (
	uniqueViolation     = "23505"
	readOnlyTransaction = "25006"
	deadlockDetected    = "40P01"
)

const (
	// maxAttempts bounds how often one write is tried.
	maxAttempts = 8
	// minPause and maxPause bound the pause before another attempt.
	minPause = 2 * time.Millisecond
	maxPause = 200 * time.Millisecond
	// commitGrace is what a transaction may take to begin and commit, beyond the limit
	// of its function.
	commitGrace = 10 * time.Second
	// connectTimeout bounds one attempt to connect, at all hosts of the URL together, unless
	// the URL says another for each.
	connectTimeout = 5 * time.Second
	// maxConnectPause bounds the pause before another attempt to connect.
	maxConnectPause = time.Second
	// minReadOnlyAge is how old a connection must be that is dropped because it takes no
	// writes. What a younger one says holds for a new one, too: while a database is
	// read-only, it isn't connected to anew for each write.
	minReadOnlyAge = time.Second
	// maxIdleTime closes connections that a quiet replica does not need, and leaves
	// them to the others.
	maxIdleTime = time.Minute
)

// postgres is a pool of connections that write and one of connections that cannot:
// reads never wait behind writes, and a write that came into a read by mistake is
// refused as it is on SQLite. Statements need no cache of ours, as pgx keeps them
// prepared on each connection.
type postgres struct {
	cfg     Config
	config  *pgx.ConnConfig // of a connection that writes
	writers *sql.DB
	readers *sql.DB
	writes  inFlight
}

func openPostgres(ctx context.Context, cfg Config) (*postgres, error) {
	config, err := postgresConfig(cfg)
	if err != nil {
		return nil, err
	}
	p := &postgres{cfg: cfg, config: config}
	p.writers = openPool(connector(config), cfg)
	if cfg.TransactionPooling {
		p.readers = openPool(pooledReaders{connector(config)}, cfg)
	} else {
		p.readers = openPool(connector(refusingWrites(config)), cfg)
	}
	if err := p.connect(ctx); err != nil {
		_ = p.closePools()
		return nil, fmt.Errorf("store: connect to PostgreSQL: %w", err)
	}
	return p, nil
}

// refusingWrites has the server refuse writes on each connection of the config. That is
// said once pgx has accepted the server: for target_session_attrs=read-write it refuses
// one that says it only reads, as it would if this were a parameter of the connection.
func refusingWrites(config *pgx.ConnConfig) *pgx.ConnConfig {
	reading := config.Copy()
	reading.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
		defer cancel()
		return conn.Exec(ctx, "SET default_transaction_read_only = on").Close()
	}
	return reading
}

// connect makes the first connection of each pool. It tries again, for as long as
// the Config says, where the server is not up yet.
func (p *postgres) connect(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, p.cfg.Wait)
	defer cancel()
	for {
		err := p.writers.PingContext(ctx)
		if err == nil && !p.cfg.TransactionPooling {
			err = p.refuseUnknownPooling(ctx)
		}
		if err == nil {
			return p.readers.PingContext(ctx)
		}
		if meaningOf(err) != temporary || p.cfg.Wait == 0 {
			return err
		}
		p.cfg.Log.WarnContext(ctx, "PostgreSQL is not there yet", "wait", p.cfg.Wait, "error", err)
		if pauseAtMost(waiting, maxConnectPause) != nil {
			return err
		}
	}
}

// UnverifiedHosts gives the hosts of a PostgreSQL URL that are neither this machine nor
// made to prove by a certificate who they are, as sslmode=verify-full does. The variables
// of libpq, as PGSSLMODE, count as they do for the connection itself. Its error holds no
// password.
func UnverifiedHosts(address string) ([]string, error) {
	config, err := parsePostgres(address)
	if err != nil {
		return nil, err
	}
	var unverified []string
	check := func(host string, encryption *tls.Config) {
		ip, err := netip.ParseAddr(host)
		isHere := strings.HasPrefix(host, "/") || host == "localhost" || err == nil && ip.IsLoopback()
		// The other modes, verify-ca among them, accept any name in the certificate.
		isVerified := encryption != nil && !encryption.InsecureSkipVerify
		if !isHere && !isVerified && !slices.Contains(unverified, host) {
			unverified = append(unverified, host)
		}
	}
	check(config.Host, config.TLSConfig)
	for _, fallback := range config.Fallbacks {
		check(fallback.Host, fallback.TLSConfig)
	}
	return unverified, nil
}

func connector(config *pgx.ConnConfig) driver.Connector {
	return connecting{stdlib.GetConnector(*config, stdlib.OptionAfterConnect(prepareConn))}
}

func openPool(connector driver.Connector, cfg Config) *sql.DB {
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(cfg.Connections)
	db.SetMaxIdleConns(cfg.Connections)
	db.SetConnMaxIdleTime(maxIdleTime)
	// Replicas that were started together don't connect anew together.
	db.SetConnMaxLifetime(cfg.ConnLifetime - rand.N(cfg.ConnLifetime/10+1))
	return db
}

// prepareConn notes when the connection was made, and has times come back as they do
// from SQLite: pgx would give them in the zone of the machine.
func prepareConn(_ context.Context, conn *pgx.Conn) error {
	conn.PgConn().CustomData()[connectedAt] = now()
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name:  "timestamptz",
		OID:   pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

func (p *postgres) reader() *readConn {
	return &readConn{engine: dialect.Postgres, conn: p.readers, hooks: &p.cfg.Hooks, limit: p.cfg.ReadLimit}
}

func (p *postgres) selectIDs() string {
	return "SELECT value::bigint FROM json_array_elements_text($1::json)"
}

// write tries fn until it succeeds, fails for a reason of its own, or has met
// too many conflicts with other transactions. A unique violation is such a conflict
// the first time: fn runs again and sees the row that was written meanwhile, and so
// can answer as it would on SQLite, where writes come one after the other. The same
// violation twice in a row is fn's own.
func (p *postgres) write(ctx context.Context, fn Func) (*Tx, error) {
	if !p.writes.begin() {
		return nil, ErrClosed
	}
	defer p.writes.end()
	var before *pgconn.PgError
	for attempt := 1; ; attempt++ {
		tx, dropped, err := p.attempt(ctx, fn)
		now := retryable(tx, err)
		if !dropped && now == nil || attempt == maxAttempts || isSameViolation(before, now) {
			return tx, err
		}
		before = now
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// attempt runs fn in one transaction on one connection. It reports whether it has
// dropped the connection, because that takes no writes and another may.
func (p *postgres) attempt(ctx context.Context, fn Func) (tx *Tx, dropped bool, err error) {
	queuedAt := p.cfg.Hooks.now()
	waiting, stop := context.WithTimeout(ctx, p.cfg.WriteLimit)
	defer stop()
	conn, err := p.writers.Conn(waiting)
	if err != nil {
		return nil, false, fmt.Errorf("store: connect to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close() }()
	p.cfg.Hooks.writeBegun(queuedAt)
	tx, err = p.transact(ctx, conn, fn)
	if failed := serverError(tx, err); failed != nil && failed.Code == readOnlyTransaction {
		dropped = dropReadOnly(conn)
	}
	return tx, dropped, err
}

// transact runs fn in a transaction. The statements end with the caller's context. Begin
// and commit do not, but have a limit of their own: a commit that was cancelled could be
// stored or not.
func (p *postgres) transact(ctx context.Context, conn *sql.Conn, fn Func) (*Tx, error) {
	hooks := &p.cfg.Hooks
	outer, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.cfg.WriteLimit+commitGrace)
	defer cancel()
	inner, err := conn.BeginTx(outer, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, fmt.Errorf("store: begin: %w", err)
	}
	// After a commit this does nothing.
	defer func() { _ = inner.Rollback() }()
	tx := newTx(dialect.Postgres, inner, hooks)
	if err := tx.run(ctx, p.cfg.WriteLimit, fn); err != nil {
		return tx, err
	}
	began := hooks.now()
	if err := commit(inner); err != nil {
		return tx, err
	}
	hooks.committed(1, began)
	return tx, nil
}

// connectedAt is the key of the time at which a connection was made, in its custom data.
const connectedAt = "luxbff: connected at"

// dropReadOnly closes a connection that takes no writes, unless it was made just now. It
// may be to a server that was the primary once, or have begun while the database was
// read-only, and would stay as it is when the database is repaired.
func dropReadOnly(conn *sql.Conn) (dropped bool) {
	_ = conn.Raw(func(driverConn any) error {
		ofPostgres, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return nil
		}
		since, known := ofPostgres.Conn().PgConn().CustomData()[connectedAt].(time.Time)
		if known && now().Sub(since) < minReadOnlyAge {
			return nil
		}
		dropped = true
		return driver.ErrBadConn // has database/sql close it
	})
	return dropped
}

// probe asks a connection of the writers whether its transactions can write. Those of a
// standby never can.
func (p *postgres) probe(ctx context.Context) error {
	for {
		readOnly, dropped, err := p.isReadOnly(ctx)
		if err != nil || !readOnly {
			return err
		}
		if !dropped {
			return ErrReadOnly
		}
	}
}

func (p *postgres) isReadOnly(ctx context.Context) (readOnly, dropped bool, err error) {
	conn, err := p.writers.Conn(ctx)
	if err != nil {
		return false, false, err
	}
	defer func() { _ = conn.Close() }()
	err = conn.QueryRowContext(ctx, "SELECT current_setting('transaction_read_only')::boolean").Scan(&readOnly)
	if readOnly {
		dropped = dropReadOnly(conn)
	}
	return readOnly, dropped, err
}

// commit distinguishes a commit that the server refused from one whose answer got
// lost, which may be stored.
func commit(tx *sql.Tx) error {
	err := tx.Commit()
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused), errors.Is(err, pgx.ErrTxCommitRollback):
		return fmt.Errorf("store: commit: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// serverError is the error of PostgreSQL for which a transaction failed, nil where it
// was none. The error of the statement that failed counts, not what fn made of it.
func serverError(tx *Tx, err error) *pgconn.PgError {
	if tx != nil && tx.conn.failed != nil {
		err = tx.conn.failed
	}
	var found *pgconn.PgError
	errors.As(err, &found)
	return found
}

// retryable finds the error after which another attempt may succeed, nil without one.
func retryable(tx *Tx, err error) *pgconn.PgError {
	found := serverError(tx, err)
	if found == nil || !findPostgresCode(found).again {
		return nil
	}
	return found
}

func isSameViolation(before, now *pgconn.PgError) bool {
	return before != nil && now != nil && now.Code == uniqueViolation &&
		before.Code == uniqueViolation && before.ConstraintName == now.ConstraintName
}

// pause waits before another attempt, longer each time. A part of it is random, so
// that transactions which met do not meet again.
func pause(ctx context.Context, attempt int) error {
	return pauseAtMost(ctx, min(minPause<<attempt, maxPause))
}

// pauseAtMost waits for a random time, up to longest.
func pauseAtMost(ctx context.Context, longest time.Duration) error {
	timer := time.NewTimer(rand.N(longest) + minPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *postgres) stats() Stats { return Stats{Read: p.readers.Stats(), Write: p.writers.Stats()} }

func postgresMigrations(cfg Config) fs.FS {
	if cfg.Migrations != nil {
		return cfg.Migrations
	}
	return migrations.Postgres()
}

// migrate takes a lock of the server, so that of several programs that migrate at
// once one does the work and the others wait for it. Should the lock be lost meanwhile
// with its connection, applyPending has each migration applied once all the same.
func (p *postgres) migrate(ctx context.Context) error {
	unlock, err := p.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	defer unlock()
	if err := p.checkSecondConnection(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	provider, err := newProvider(ctx, goose.DialectPostgres, p.writers, postgresMigrations(p.cfg))
	if err != nil {
		return err
	}
	// Whoever finds nothing to do needs no right to change tables.
	isPending, err := provider.HasPending(ctx)
	if err == nil && isPending {
		err = applyPending(ctx, p.writers, provider, upDespiteDeadlocks)
	}
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// upDespiteDeadlocks applies the pending migrations. Replicas serve meanwhile: one of their
// transactions may have locked what a migration waits for, and wait for what the migration
// has locked. PostgreSQL then undoes one of the two. Where it is the migration, it is run
// again; a transaction of a replica is run again by write.
func upDespiteDeadlocks(ctx context.Context, provider *goose.Provider) error {
	for attempt := 1; ; attempt++ {
		_, err := provider.Up(ctx)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != deadlockDetected || attempt == maxAttempts {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (p *postgres) pending(ctx context.Context) (int, error) {
	ctx, end := withReadLimit(ctx, p.cfg.ReadLimit)
	defer end()
	countVersionTables := "SELECT CASE WHEN to_regclass('" + versionTable + "') IS NULL THEN 0 ELSE 1 END"
	_, pending, err := migrationStatus(ctx, p.readers, goose.DialectPostgres, countVersionTables, postgresMigrations(p.cfg))
	return pending, err
}

func (p *postgres) close() error {
	p.writes.close()
	return p.closePools()
}

func (p *postgres) closePools() error { return errors.Join(p.readers.Close(), p.writers.Close()) }
