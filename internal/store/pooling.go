package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Pooling is what lies between the program and PostgreSQL.
type Pooling int

// A pooler gives a connection of the server to each connection of a client, or to each
// transaction.
const (
	NoPooler Pooling = iota
	SessionPooling
	TransactionPooling
)

// poolingRounds is how often two connections are compared. Where others use the pooler
// as well, chance may make those of the server look as if they stayed.
const poolingRounds = 5

// errTransactionPooling is for a URL whose pooler would have every second write fail.
var errTransactionPooling = errors.New("it leads through a pooler in transaction mode: set DATABASE_POOLER=transaction")

// FindPooling finds out what lies on the way to the PostgreSQL that the Config names.
func FindPooling(ctx context.Context, cfg Config) (Pooling, error) {
	config, err := postgresConfig(cfg.withDefaults())
	if err != nil {
		return NoPooler, err
	}
	return findPooling(ctx, config)
}

func findPooling(ctx context.Context, config *pgx.ConnConfig) (_ Pooling, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*connectTimeout)
	defer cancel()
	one, err := connectPostgres(ctx, config)
	if err != nil {
		return NoPooler, err
	}
	defer func() { _ = one.Close(context.WithoutCancel(ctx)) }()
	if isServer, err := isServerItself(ctx, one); err != nil || isServer {
		return NoPooler, err
	}
	two, err := connectPostgres(ctx, config)
	if err != nil {
		return NoPooler, err
	}
	defer func() { _ = two.Close(context.WithoutCancel(ctx)) }()
	return comparePooling(ctx, one, two)
}

// isServerItself reports whether the process that serves the connection is the one that
// accepted it. A pooler gives a number of its own.
func isServerItself(ctx context.Context, conn *pgx.Conn) (bool, error) {
	serving, err := servingProcess(ctx, conn)
	return serving == conn.PgConn().PID(), err
}

// servingProcess asks in the simple protocol, which keeps nothing on the connection.
func servingProcess(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	return pid, conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
}

// comparePooling tells transactions that are pooled by a process of the server that
// serves two connections which are both open, or by two that serve one. Each is asked
// twice in a row: a pooler that takes its connections in turn would otherwise give each
// of the two the same one each time.
func comparePooling(ctx context.Context, one, two *pgx.Conn) (Pooling, error) {
	servedBy := map[uint32]*pgx.Conn{}
	serving := map[*pgx.Conn]uint32{}
	for range poolingRounds {
		for _, conn := range []*pgx.Conn{one, one, two, two} {
			pid, err := servingProcess(ctx, conn)
			if err != nil {
				return NoPooler, err
			}
			if other := servedBy[pid]; other != nil && other != conn || serving[conn] != 0 && serving[conn] != pid {
				return TransactionPooling, nil
			}
			servedBy[pid], serving[conn] = conn, pid
		}
	}
	return SessionPooling, nil
}

// refuseUnknownPooling gives an error where the Config doesn't say that transactions are
// pooled though they are. It must come before the first statement that pgx would prepare.
func (p *postgres) refuseUnknownPooling(ctx context.Context) error {
	conn, err := p.writers.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	isServer := false
	err = conn.Raw(func(made any) (err error) {
		if made, ok := made.(*stdlib.Conn); ok {
			isServer, err = isServerItself(ctx, made.Conn())
		}
		return err
	})
	if err != nil || isServer {
		return err
	}
	found, err := findPooling(ctx, p.config)
	if err == nil && found == TransactionPooling {
		return errTransactionPooling
	}
	return err
}
