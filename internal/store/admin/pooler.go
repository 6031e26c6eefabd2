package admin

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"luxbff/internal/store"
)

// identifyLimit bounds how long a database may take to say which it is.
const identifyLimit = 10 * time.Second

// examinePooler says whether the setting fits what lies before PostgreSQL. A pooler in
// transaction mode without the setting is no case of it, as Store.Open refuses that.
func examinePooler(ctx context.Context, cfg store.Config) Finding {
	const check = "pooler"
	found, err := store.FindPooling(ctx, cfg)
	switch {
	case err != nil:
		return failed(check, "what lies between the program and PostgreSQL cannot be found out: %v", err)
	case found == store.TransactionPooling:
		return passed(check, "one in transaction mode, as DATABASE_POOLER says")
	case cfg.TransactionPooling:
		return passed(check, "none in transaction mode: leave DATABASE_POOLER empty, as it makes reads slower for nothing")
	case found == store.SessionPooling:
		return passed(check, "one in session mode, which needs no setting")
	}
	return passed(check, "none")
}

// ExamineMigration says whether the two URLs lead to one database.
func ExamineMigration(ctx context.Context, serving, migrating store.Config) Finding {
	const check = "MIGRATE_DATABASE_URL"
	same, err := isSameDatabase(ctx, serving, migrating)
	switch {
	case err != nil:
		return failed(check, "it cannot be compared with DATABASE_URL: %v", err)
	case !same:
		return failed(check, "it leads to another database than DATABASE_URL, so `server migrate` would not change the one that is served: mend one of them")
	}
	return passed(check, "it leads to the database of DATABASE_URL")
}

func isSameDatabase(ctx context.Context, one, other store.Config) (bool, error) {
	first, err := identify(ctx, one)
	if err != nil {
		return false, err
	}
	second, err := identify(ctx, other)
	return first == second, err
}

// identify gives what no two databases have in common. A standby has that of its primary.
func identify(ctx context.Context, cfg store.Config) (identity string, err error) {
	ctx, cancel := context.WithTimeout(ctx, identifyLimit)
	defer cancel()
	conn, err := store.ConnectPostgres(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	const query = "SELECT format('%s/%s', system_identifier, oid) FROM pg_control_system(), pg_database WHERE datname = current_database()"
	return identity, conn.QueryRow(ctx, query, pgx.QueryExecModeSimpleProtocol).Scan(&identity)
}
