package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectPostgres makes one connection, without a pool, to the server that takes writes.
// The caller closes it.
func ConnectPostgres(ctx context.Context, cfg Config) (*pgx.Conn, error) {
	config, err := postgresConfig(cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	return connectPostgres(ctx, config)
}

// connectPostgres makes every connection that isn't of a pool.
func connectPostgres(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	return pgx.ConnectConfig(asConnecting(ctx), config)
}

// postgresConfig is how each connection to the database is made.
func postgresConfig(cfg Config) (*pgx.ConnConfig, error) {
	config, err := parsePostgres(cfg.URL)
	if err != nil {
		return nil, err
	}
	if err := findPrimary(config, cfg.WriteLimit); err != nil {
		return nil, fmt.Errorf("store: the database URL: %w", err)
	}
	config.RuntimeParams["timezone"] = "UTC"
	// A database of another encoding is for the doctor to report, which has to connect first.
	config.RuntimeParams["client_encoding"] = "UTF8"
	if cfg.TransactionPooling {
		// What one connection of the server has prepared would be missing from the next, so
		// pgx prepares nothing and only remembers the types of a statement's parameters.
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		config.DialFunc = refuseCancels(config.DialFunc)
	}
	return config, nil
}

// findPrimary makes connections lead to the one of several servers that takes writes. It
// refuses what could lead to a standby for good. Readers ask for the same server as
// writers: a standby would not show a phone what it has just written.
//
// Each server has its part of the connect timeout, because one that was lost answers
// nothing and the others have to be asked within the limit of a request.
func findPrimary(config *pgx.ConnConfig, limit time.Duration) error {
	servers := len(hosts(config))
	switch {
	case asksForStandby(config.ValidateConnect):
		return errors.New("target_session_attrs (or PGTARGETSESSIONATTRS) asks for a standby, which takes no writes: say read-write")
	case servers > 1 && config.ValidateConnect == nil:
		return errors.New("it names several hosts, and one of them may be a standby, which takes no writes: add target_session_attrs=read-write")
	case config.ConnectTimeout == 0:
		config.ConnectTimeout = connectTimeout / time.Duration(servers)
	case config.ConnectTimeout*time.Duration(servers-1) >= limit:
		return fmt.Errorf("connect_timeout (or PGCONNECT_TIMEOUT) applies to each host, and nobody waits for longer than %s: say %d seconds or less, or leave it out",
			limit, int(connectTimeout.Seconds())/servers)
	}
	return nil
}

// asksForStandby compares functions of pgx, by which it remembers the value, whether that
// stood in the URL, in a variable or in a service file. Each is a function of its own, so
// they have addresses to compare.
func asksForStandby(validate pgconn.ValidateConnectFunc) bool {
	pointer := func(f pgconn.ValidateConnectFunc) uintptr { return reflect.ValueOf(f).Pointer() }
	return slices.Contains([]uintptr{
		pointer(pgconn.ValidateConnectTargetSessionAttrsStandby),
		pointer(pgconn.ValidateConnectTargetSessionAttrsPreferStandby),
		pointer(pgconn.ValidateConnectTargetSessionAttrsReadOnly),
	}, pointer(validate))
}
