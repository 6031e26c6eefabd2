package admin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"luxbff/ent/table"
	"luxbff/internal/store"
)

const (
	// oldestTested is the oldest PostgreSQL on which the tests run.
	oldestTested = 150000
	// patience is what the program itself gives a read or an attempt of a write. A limit
	// of the server below it ends what the program would wait for.
	patience = 10 * time.Second
	// longestIdle is how long a connection may lie in the pool unused.
	longestIdle = time.Minute
	// mostClockDifference is what NTP keeps far below.
	mostClockDifference = 5 * time.Second
)

func examinePostgres(ctx context.Context, cfg store.Config) []Finding {
	opened, err := store.Open(ctx, cfg)
	if err != nil {
		return []Finding{explainConnection(cfg, err)}
	}
	defer func() { _ = opened.Close() }()
	began := time.Now() //nolint:forbidigo // this machine's own clock is what is compared with the server's
	server, err := readServer(ctx, opened)
	if err != nil {
		return []Finding{failed("database", "PostgreSQL does not say how it is set: %s", plain(err))}
	}
	now := began.Add(time.Since(began) / 2) //nolint:forbidigo // as above
	pools := opened.Stats()
	findings := []Finding{
		examineVersion(server),
		examineWrites(server, opened.CheckWritable(ctx)),
		examineDurability(server),
		examineConnections(server, pools.Read.MaxOpenConnections+pools.Write.MaxOpenConnections),
		examineTimeouts(ctx, opened, server),
		examineRole(server),
		examineClock(now, server.now),
		examinePooler(ctx, cfg),
	}
	return append(findings, examineTables(ctx, opened, server)...)
}

// server is how a PostgreSQL server, the database and the role are set up.
type server struct {
	version            string
	versionNumber      int
	isStandby          bool
	fsync              string
	synchronousCommit  string
	fullPageWrites     string
	connections        int // for roles without special rights
	role               string
	isSuperuser        bool
	roleLimit          int // of connections; below 0 for none
	database           string
	databaseLimit      int // as roleLimit
	encoding           string
	schema             string
	mayCreate          bool
	now                time.Time
	defaultsToReadOnly bool
}

// readServer reads what a new connection gets. The readers' own default, to refuse
// writes, is set later and leaves reset_val as it is.
func readServer(ctx context.Context, opened *store.Store) (s server, err error) {
	rows, err := opened.Query(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::integer, pg_is_in_recovery(),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
		current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
			- COALESCE(current_setting('reserved_connections', true), '0')::integer,
		r.rolname, r.rolsuper, r.rolconnlimit, d.datname, d.datconnlimit, pg_encoding_to_char(d.encoding),
		COALESCE(current_schema(), ''), COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false), clock_timestamp(),
		(SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only')
		FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		err = rows.Scan(&s.version, &s.versionNumber, &s.isStandby, &s.fsync, &s.synchronousCommit, &s.fullPageWrites, &s.connections,
			&s.role, &s.isSuperuser, &s.roleLimit, &s.database, &s.databaseLimit, &s.encoding, &s.schema, &s.mayCreate, &s.now, &s.defaultsToReadOnly)
	}
	return s, errors.Join(err, rows.Err())
}

// alterRole is the statement that sets something for this role in this database alone.
// Nothing that is set elsewhere goes before it, but what stands in the URL.
func (s server) alterRole(name, value string) string {
	return fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET %s = %s", quote(s.role), quote(s.database), name, value)
}

func examineVersion(s server) Finding {
	switch {
	case s.encoding != "UTF8":
		return failed("database", "PostgreSQL %s, but database %s has the encoding %s, in which most names cannot be stored: make another with CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0, and move into it with pg_dump and pg_restore", s.version, s.database, s.encoding)
	case s.versionNumber < oldestTested:
		return warned("database", "PostgreSQL %s is older than what luxbff is tested on, which is 15 and later: upgrade it", s.version)
	}
	return passed("database", "PostgreSQL %s, database %s", s.version, s.database)
}

// examineWrites says first why the server would refuse writes, where its settings tell.
func examineWrites(s server, refused error) Finding {
	const check = "writes"
	switch {
	case s.isStandby:
		return failed(check, "this server is a standby and takes no writes: name the primary in DATABASE_URL, or promote this one if the primary is lost (SELECT pg_promote())")
	case s.defaultsToReadOnly:
		return failed(check, "the database is set read-only, as providers do when its disk is full: if it is, make room first. Then connect to another database of this server, such as postgres, since this one refuses it too, and run %s", s.alterRole("default_transaction_read_only", "off"))
	case refused != nil:
		return failed(check, "the server refuses them: %s", plain(refused))
	}
	return passed(check, "the server takes them")
}

func examineDurability(s server) Finding {
	const check = "durability"
	switch {
	case s.fsync == "off" || s.fullPageWrites == "off":
		return failed(check, "fsync or full_page_writes is off: after a loss of power the whole database can be damaged. Set both to on in postgresql.conf and restart PostgreSQL")
	case s.synchronousCommit == "off":
		return failed(check, "synchronous_commit is off: what was acknowledged can be lost. Run %s, and restart the program", s.alterRole("synchronous_commit", "on"))
	}
	return passed(check, "a commit is on disk")
}

// examineConnections compares what one replica may take with the lowest of the limits. Only
// that of the server counts for superusers.
func examineConnections(s server, perReplica int) Finding {
	const check = "connections"
	lowest := s.connections
	mend := fmt.Sprintf("raise max_connections in postgresql.conf and restart PostgreSQL, or set DATABASE_POOL to %d", max(1, lowest/2))
	whose := "the server"
	if !s.isSuperuser && s.databaseLimit >= 0 && s.databaseLimit < lowest {
		lowest, whose = s.databaseLimit, "database "+s.database
		mend = fmt.Sprintf("run ALTER DATABASE %s CONNECTION LIMIT -1, or set DATABASE_POOL to %d", quote(s.database), max(1, lowest/2))
	}
	if !s.isSuperuser && s.roleLimit >= 0 && s.roleLimit < lowest {
		lowest, whose = s.roleLimit, "role "+s.role
		mend = fmt.Sprintf("run ALTER ROLE %s CONNECTION LIMIT -1, or set DATABASE_POOL to %d", quote(s.role), max(1, lowest/2))
	}
	if lowest < perReplica {
		return warned(check, "a replica takes up to %d, twice DATABASE_POOL, and %s allows %d: under load requests are refused. %s", perReplica, whose, lowest, upperFirst(mend))
	}
	return passed(check, "%s allows %d, enough for %d replicas of up to %d each", whose, lowest, lowest/perReplica, perReplica)
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// serverTimeout is a limit of the server after which it ends a statement or a connection.
type serverTimeout struct {
	name   string
	least  time.Duration
	reason string
}

func serverTimeouts() []serverTimeout {
	return []serverTimeout{
		{"statement_timeout", patience, "statements that the program would wait for are ended, and `server migrate` may fail"},
		{"lock_timeout", patience, "writes that wait for one of the same account are refused"},
		{"transaction_timeout", patience, "writes that the program would wait for are ended"},
		{"idle_in_transaction_session_timeout", patience, "writes lose their connection when the program is busy"},
		{"idle_session_timeout", longestIdle, "connections are ended that wait in the pool for the next request"},
	}
}

func examineTimeouts(ctx context.Context, opened *store.Store, s server) (finding Finding) {
	const check = "time-outs"
	limits := serverTimeouts()
	var names []string
	for _, limit := range limits {
		names = append(names, limit.name)
	}
	set, err := readMilliseconds(ctx, opened, names)
	if err != nil {
		return failed(check, "PostgreSQL does not say them: %s", plain(err))
	}
	var low []string
	for _, limit := range limits {
		if is := set[limit.name]; is > 0 && is < limit.least {
			low = append(low, fmt.Sprintf("%s is %v, less than the %v of the program: %s. Run %s, and restart the program",
				limit.name, is, limit.least, limit.reason, s.alterRole(limit.name, fmt.Sprintf("'%ds'", int(2*limit.least/time.Second)))))
		}
	}
	if len(low) > 0 {
		return warned(check, "%s", strings.Join(low, "; "))
	}
	return passed(check, "none of the server is shorter than the program's own")
}

// readMilliseconds reads settings that are times. A server that does not know one has no
// such limit.
func readMilliseconds(ctx context.Context, opened *store.Store, names []string) (set map[string]time.Duration, err error) {
	rows, err := opened.Query(ctx, "SELECT name, setting::bigint FROM pg_settings WHERE name = ANY (string_to_array($1, ','))", strings.Join(names, ","))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	set = map[string]time.Duration{}
	for rows.Next() {
		var name string
		var milliseconds int64
		if err := rows.Scan(&name, &milliseconds); err != nil {
			return nil, err
		}
		set[name] = time.Duration(milliseconds) * time.Millisecond
	}
	return set, rows.Err()
}

func examineRole(s server) Finding {
	if s.isSuperuser {
		return warned("role", "%s is a superuser: whoever gets its password has the whole server. Make a role for the program (CREATE ROLE luxbff LOGIN PASSWORD '…'), give it the database (ALTER DATABASE %s OWNER TO luxbff) and its tables, and name it in DATABASE_URL", s.role, quote(s.database))
	}
	return passed("role", "%s has no special rights", s.role)
}

// examineClock compares two clocks, as they were at one moment.
func examineClock(here, there time.Time) Finding {
	difference := here.Sub(there).Round(time.Second)
	switch {
	case difference > mostClockDifference:
		return warned("clock", "this machine is %v ahead of the database's: set both by NTP, as chrony does; until then codes and sessions end too early or too late", difference)
	case difference < -mostClockDifference:
		return warned("clock", "this machine is %v behind the database's: set both by NTP, as chrony does; until then codes and sessions end too early or too late", -difference)
	}
	return passed("clock", "it agrees with the database's")
}

// examineTables says whether the role may use the tables, and may make those to come.
func examineTables(ctx context.Context, opened *store.Store, s server) []Finding {
	const check = "rights of the tables"
	refused, foreign, err := readRights(ctx, opened)
	if err != nil {
		return []Finding{failed(check, "PostgreSQL does not say them: %s", plain(err))}
	}
	if len(refused) > 0 {
		return []Finding{failed(check, "role %s may not read and write %s: as the owner of the tables run GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s",
			s.role, strings.Join(refused, ", "), quote(s.schema), quote(s.role))}
	}
	pending, err := opened.Pending(ctx)
	migrations := examineMigrations(pending, err)
	switch {
	case pending > 0 && foreign:
		return []Finding{migrations, failed(check, "role %s owns not all tables and cannot change them: run `server migrate` with the role that does in DATABASE_URL", s.role)}
	case pending > 0 && s.schema == "":
		return []Finding{migrations, failed(check, "role %s finds no schema to make tables in: run CREATE SCHEMA public in database %s as its owner", s.role, s.database)}
	case pending > 0 && !s.mayCreate:
		return []Finding{failed(check, "role %s may not make tables: as the owner of the database run GRANT CREATE ON SCHEMA %s TO %s", s.role, quote(s.schema), quote(s.role)), migrations}
	}
	return []Finding{passed(check, "role %s may do what it needs", s.role), migrations}
}

// readRights gives the tables of the program that the role may not use, and whether one
// belongs to a role that it is not.
func readRights(ctx context.Context, opened *store.Store) (refused []string, foreign bool, err error) {
	names := []string{"goose_db_version"}
	for _, stored := range table.All() {
		names = append(names, stored.Name)
	}
	rows, err := opened.Query(ctx, `SELECT relname, NOT pg_has_role(relowner, 'USAGE'), has_table_privilege(oid, 'SELECT') AND (relname = 'goose_db_version'
			OR has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
		FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ANY (string_to_array($1, ','))
		ORDER BY relname`, strings.Join(names, ","))
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		var isForeign, mayUse bool
		if err := rows.Scan(&name, &isForeign, &mayUse); err != nil {
			return nil, false, err
		}
		foreign = foreign || isForeign
		if !mayUse {
			refused = append(refused, name)
		}
	}
	return refused, foreign, rows.Err()
}

// explainConnection says why no connection was made, and what mends it.
func explainConnection(cfg store.Config, err error) Finding {
	const check = "database"
	where := store.Location(cfg.URL)
	if errors.Is(err, pgconn.ErrReadOnlyConnection) || errors.Is(err, pgconn.ErrStandbyConnection) {
		// The other hosts may have failed for other reasons, but one answers.
		return failed(check, "%s: no host takes writes, and one that answers only reads. Start the primary, or promote the standby: SELECT pg_promote()", where)
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return failed(check, "%s refuses: %s. %s", where, refused.Message, adviceFor(refused.Code))
	}
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &unknown):
		return failed(check, "cannot connect to %s: no machine is known by the name %s. Mend the host in DATABASE_URL", where, unknown.Name)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return failed(check, "cannot connect to %s: nothing listens there. Start PostgreSQL, or mend host and port in DATABASE_URL", where)
	case errors.As(err, &certificate):
		return failed(check, "cannot connect to %s: its certificate is not accepted, because %v. Name the authority's certificate with sslrootcert=FILE in DATABASE_URL, and the host as the certificate does", where, certificate.Err)
	case errors.As(err, &network) && network.Timeout():
		return failed(check, "cannot connect to %s: it does not answer. Look whether its machine runs and a firewall lets this one through", where)
	}
	return failed(check, "cannot connect: %s", plain(err))
}

// adviceFor gives what mends a refusal, by its SQLSTATE.
func adviceFor(code string) string {
	advice := map[string]string{
		"28P01": "Mend the password in DATABASE_URL (a / in it is written %2F, an @ %40, a % %25), or give the role another: ALTER ROLE name PASSWORD '…'",
		"28000": "Mend the name of the role in DATABASE_URL, make it (CREATE ROLE name LOGIN PASSWORD '…'), or let it in by a line in pg_hba.conf",
		"3D000": "Mend the name of the database in DATABASE_URL, or make it: CREATE DATABASE name OWNER role",
		"42501": "Give the role the right: GRANT CONNECT ON DATABASE name TO role",
		"53300": "End what uses the connections (SELECT * FROM pg_stat_activity shows it), or raise the limit that is named: of the role, the database or the server (max_connections)",
		"55000": "Somebody has closed the database: ALTER DATABASE name ALLOW_CONNECTIONS true opens it",
		"57P03": "It is starting or stopping: wait, and look into its log if that takes minutes",
	}
	return cmp.Or(advice[code], "The log of PostgreSQL says more")
}
