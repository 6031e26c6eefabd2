package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
)

// migrationLock is the number that goose's own lock has, so that this program also
// waits for one of an older release, which took that.
const migrationLock = lock.DefaultLockID

const (
	// migrationPause is the time between two attempts to get the lock.
	migrationPause = time.Second
	// attemptsPerLog is how many attempts pass between two lines in the log.
	attemptsPerLog = 5
	// secondConnectionWait is how long the connection that migrates may take to be there
	// while another holds the lock.
	secondConnectionWait = 10 * time.Second
)

// lockMigrations waits until no other program migrates the database, and keeps others
// from it until unlock is called. A transaction on a connection of its own holds the
// lock: it ends with that transaction, even where a pooler keeps the server's connection
// for somebody else, which a lock of the session would survive. Whoever waits holds no
// connection of the server meanwhile, because those of a pooler may be few.
func (p *postgres) lockMigrations(ctx context.Context) (unlock func(), err error) {
	conn, err := connectPostgres(ctx, p.config)
	if err != nil {
		return nil, err
	}
	tx, err := p.waitForMigrationLock(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitGrace)
		defer cancel()
		// What fails here ends the transaction, too.
		_ = tx.Rollback(ctx)
		_ = conn.Close(ctx)
	}, nil
}

// waitForMigrationLock gives the transaction that has the lock.
func (p *postgres) waitForMigrationLock(ctx context.Context, conn *pgx.Conn) (pgx.Tx, error) {
	waiting, cancel := context.WithTimeout(ctx, p.cfg.MigrateWait)
	defer cancel()
	for attempt := 0; ; attempt++ {
		tx, holder, err := tryMigrationLock(ctx, conn)
		if err != nil || tx != nil {
			return tx, err
		}
		if attempt%attemptsPerLog == 0 {
			p.cfg.Log.WarnContext(ctx, "waiting for another migrate to end", "lock_held_by", holder, "wait", p.cfg.MigrateWait)
		}
		if pauseAtMost(waiting, migrationPause) != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("another migrate did not end within %s; its lock is held by %s", p.cfg.MigrateWait, holder))
		}
	}
}

// tryMigrationLock gives a transaction that has the lock, or who else has it.
func tryMigrationLock(ctx context.Context, conn *pgx.Conn) (_ pgx.Tx, holder string, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, "", err
	}
	locked, err := lockInTransaction(ctx, tx)
	if err == nil && locked {
		return tx, "", nil
	}
	if err == nil {
		holder, err = migrationLockHolder(ctx, tx)
	}
	return nil, holder, errors.Join(err, tx.Rollback(ctx))
}

func lockInTransaction(ctx context.Context, tx pgx.Tx) (locked bool, err error) {
	// The transaction does nothing more while another connection migrates.
	if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return false, err
	}
	// In the simple protocol, which leaves no portal open: that would keep the snapshot of
	// the statement, and CREATE INDEX CONCURRENTLY waits for whoever has an old one.
	return locked, tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", pgx.QueryExecModeSimpleProtocol, migrationLock).Scan(&locked)
}

// migrationLockHolder names the process of the server that has the lock, in the words of
// an operator who may have to end it.
func migrationLockHolder(ctx context.Context, tx pgx.Tx) (holder string, err error) {
	const query = `SELECT format('process %s of the server, for %s at %s since %s; if no migrate is running, end it: SELECT pg_terminate_backend(%s)',
			pid, coalesce(usename, 'another role'), coalesce(host(client_addr), 'an unknown address'),
			coalesce(to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'an unknown time'), pid)
		FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
		WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) | objid::bigint = $1
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	err = tx.QueryRow(ctx, query, migrationLock).Scan(&holder)
	if errors.Is(err, pgx.ErrNoRows) {
		return "nobody any more", nil // it was released meanwhile
	}
	return holder, err
}

// checkSecondConnection makes sure that a connection is left to migrate on while
// another has the lock. A pooler with a single one would let it wait for itself.
func (p *postgres) checkSecondConnection(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, secondConnectionWait)
	defer cancel()
	err := p.writers.PingContext(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("no second connection within %s: migrate needs one for its lock and one for its work, so give the pooler's pool two at least (PgBouncer's default_pool_size), or name a way around it as MIGRATE_DATABASE_URL", secondConnectionWait)
	}
	return err
}
