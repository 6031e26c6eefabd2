package bench_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"luxbff/internal/testutil/storetest"
)

// fillStep is how many logs one statement stores.
const fillStep = 100_000

// filler stores what would take the program hours to upload, on a connection of its own
// while no program has the database open.
type filler struct {
	*sql.Conn

	b *testing.B
}

// fill adds families, complete logs and the events of a tenth of them. SQLite need not be able
// to undo it, as a file that was half filled is of no use: nothing is written twice or synced.
func fill(b *testing.B, url string, accounts []*grownAccount, logs int) {
	b.Helper()
	name, before, after := "sqlite", []string{
		`PRAGMA journal_mode = OFF`, `PRAGMA synchronous = OFF`, `PRAGMA locking_mode = EXCLUSIVE`,
		`PRAGMA cache_size = -400000`, `PRAGMA temp_store = MEMORY`,
	}, `PRAGMA journal_mode = WAL`
	if storetest.IsPostgres() {
		name, before, after = "pgx", nil, `VACUUM ANALYZE`
	}
	db, err := sql.Open(name, strings.TrimPrefix(url, "file:"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	f := &filler{conn, b}
	for _, setting := range before {
		f.execute(setting)
	}
	f.addFamilies(accounts[0], logs/1000)
	f.withoutIndexes(func() {
		f.addLogs(accounts, logs)
		f.addEvents()
	})
	f.execute(`UPDATE users SET event_seq = (SELECT COALESCE(max(e.seq), 0) FROM devlog_events e WHERE e.root_user_id = users.id)`)
	f.execute(`UPDATE devices SET last_log_file_id = (SELECT COALESCE(max(l.log_file_id), 0) FROM devlogs l WHERE l.device_id = devices.id AND l.registration = devices.registration)`)
	f.execute(after)
}

// addFamilies copies the account with its one child so many times, with all that signing up
// and registering a device has stored.
func (f *filler) addFamilies(of *grownAccount, families int) {
	f.b.Helper()
	f.execute(fmt.Sprintf(`CREATE TEMPORARY TABLE families AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT 1000 + i AS id, 'family' || i AS name, 'family' || i || '@example.com' AS email, '+8211' || CAST(10000000 + i AS TEXT) AS phone FROM n`, families))
	f.copyRows(of, "users", "id", map[string]string{"id": "f.id", "email": "f.email", "phone": "f.phone"})
	for table, changed := range map[string]map[string]string{
		"identities":    {"subject": "CASE r.provider WHEN 'email' THEN f.email ELSE f.phone END"},
		"sessions":      {"refresh_hash": "f.name"},
		"consents":      {},
		"installations": {},
	} {
		changed["root_user_id"] = "f.id"
		f.copyRows(of, table, "root_user_id", changed)
	}
	f.copyRows(of, "child_users", "root_user_id", map[string]string{"id": "f.id", "root_user_id": "f.id"})
	f.copyRows(of, "devices", "root_user_id", map[string]string{
		"id": "f.id", "root_user_id": "f.id", "child_user_id": "f.id", "last_child_user_id": "f.id",
		"serial_code": "f.name", "mac_id": "f.name", "unique_id": "f.name",
	})
}

// copyRows copies the account's rows of a table to each of the families, with other values
// in some columns and a new id.
func (f *filler) copyRows(of *grownAccount, table, owner string, changed map[string]string) {
	f.b.Helper()
	rows, err := f.QueryContext(f.b.Context(), "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		f.b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		f.b.Fatal(err, rows.Err())
	}
	_ = rows.Close() // the connection is wanted for the next statement
	var columns, values []string
	for _, name := range all {
		if changed[name] != "" || name != "id" {
			columns, values = append(columns, name), append(values, cmp.Or(changed[name], "r."+name))
		}
	}
	f.execute(fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM %s r CROSS JOIN families f WHERE r.%s = %d`,
		table, strings.Join(columns, ", "), strings.Join(values, ", "), table, owner, of.id))
}

// withoutIndexes fills the tables of logs and events while they have no index but that of
// their ids: sorted at the end, the entries take a fraction of the time.
func (f *filler) withoutIndexes(fill func()) {
	f.b.Helper()
	query := `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('devlogs', 'devlog_events')`
	if storetest.IsPostgres() {
		query = `SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('devlogs', 'devlog_events') AND indexname NOT LIKE '%_pkey'`
	}
	rows, err := f.QueryContext(f.b.Context(), query)
	if err != nil {
		f.b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	definitions := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			f.b.Fatal(err)
		}
		definitions[name] = definition
	}
	if err := rows.Err(); err != nil || len(definitions) == 0 {
		f.b.Fatal("no indexes", err)
	}
	for name := range definitions {
		f.execute("DROP INDEX " + name)
	}
	fill()
	for _, definition := range definitions {
		f.execute(definition)
	}
}

// addLogs stores logs in the order of their upload, a minute apart on each device. Of ten
// in a row three are of the children that are asked for, and seven of others.
func (f *filler) addLogs(accounts []*grownAccount, logs int) {
	f.b.Helper()
	asked := make([]string, len(accounts))
	for i, a := range accounts {
		asked[i] = fmt.Sprintf("(%d, %d)", i, a.child.DeviceID)
	}
	devices := strings.Join(asked, ", ")
	f.execute(`CREATE TEMPORARY TABLE asked AS WITH a(slot, id) AS (VALUES ` + devices + `) SELECT slot, id FROM a`)
	f.execute(`CREATE TEMPORARY TABLE others AS SELECT row_number() OVER (ORDER BY id) - 1 AS slot, id FROM devices WHERE id NOT IN (SELECT id FROM asked)`)
	f.execute(`CREATE UNIQUE INDEX others_slot ON others (slot)`)
	others := 0
	if err := f.QueryRowContext(f.b.Context(), `SELECT count(*) FROM others`).Scan(&others); err != nil {
		f.b.Fatal(err)
	}
	date := `strftime('%Y-%m-%dT%H:%M:%S', 1000000000 + n.file * 60, 'unixepoch')`
	if storetest.IsPostgres() {
		date = `to_char(to_timestamp(1000000000 + n.file * 60::bigint) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')`
	}
	for first := 0; first < logs; first += fillStep {
		f.execute(fmt.Sprintf(`WITH RECURSIVE i(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM i WHERE i < %d),
			n(i, slot, other, file) AS (SELECT i, i %% 10, (i / 10 * 7 + i %% 10 - 3) %% %d, CASE WHEN i %% 10 < 3 THEN i / 10 ELSE (i / 10 * 7 + i %% 10 - 3) / %d END + 1 FROM i)
			INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status, finish_flag, treatment_date, last_intensity, treatment_time, log_file_id, change_seq, created_at, updated_at)
			SELECT d.root_user_id, d.child_user_id, d.id, d.registration, 'COMPLETE', 1, %s, 2, 600, n.file, n.file, d.registered_at, d.registered_at
			FROM n JOIN devices d ON d.id = CASE WHEN n.slot < 3 THEN (SELECT a.id FROM asked a WHERE a.slot = n.slot) ELSE (SELECT o.id FROM others o WHERE o.slot = n.other) END
			ORDER BY n.i`, first, min(logs, first+fillStep)-1, others, others, date))
	}
}

// addEvents stores an event of each tenth log of a device.
func (f *filler) addEvents() {
	f.b.Helper()
	f.execute(`INSERT INTO devlog_events (root_user_id, child_user_id, device_id, devlog_id, seq, change, status, finish_flag, treatment_date, last_intensity, treatment_time, log_file_id, last_log_file_id, devlog_created_at, occurred_at)
		SELECT l.root_user_id, l.child_user_id, l.device_id, l.id, row_number() OVER (PARTITION BY l.root_user_id ORDER BY l.id),
			'COMPLETED', l.status, l.finish_flag, l.treatment_date, l.last_intensity, l.treatment_time, l.log_file_id, l.log_file_id, l.created_at, l.created_at
		FROM devlogs l WHERE l.log_file_id % 10 = 0 ORDER BY l.id`)
}

func (f *filler) execute(statement string) {
	f.b.Helper()
	if _, err := f.ExecContext(f.b.Context(), statement); err != nil {
		f.b.Fatalf("%s: %v", statement, err)
	}
}
