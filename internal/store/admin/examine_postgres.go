package admin

import (
	"context"
	"errors"

	"luxbff/internal/store"
)

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
		examineMigrations(opened.Pending(ctx)),
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
