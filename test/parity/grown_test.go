package parity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"luxbff/ent/migrate"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
)

// grownMark begins the statements of grow, which are none of the program's.
const grownMark = "WITH RECURSIVE n(i) AS"

// grow adds rows to each table that grows, n for each of the newest there: what the accounts
// of the world have gathered over the years, and as much of others. The added rows are
// older than the world's own where that is to be seen, so that its answers stay what they
// are.
func grow(t *testing.T, s *apptest.Server, n int) {
	t.Helper()
	numbers := fmt.Sprintf("%s (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", grownMark, n)
	for _, statement := range growth() {
		// Each in a write of its own: under the race detector, where SQLite is some forty
		// times slower, all of them take longer than a write may.
		err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, numbers+statement)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// growth are the statements of grow behind their list of numbers n(i).
func growth() []string {
	// A date of its own for each number.
	const date = `'2001-' || (10 + n.i % 3) || '-' || (10 + n.i / 3 % 18) || 'T' || (10 + n.i / 54 % 14) || ':' || (10 + n.i / 756) || ':00'`
	return []string{
		copied("users", map[string]string{
			"push_token": "o.push_token || n.i", "previous_verified_email": "o.previous_verified_email || n.i",
		}),
		copied("child_users", map[string]string{"root_user_id": "(SELECT max(id) FROM users)"}),
		copied("devices", map[string]string{
			"serial_code": "o.serial_code || '-' || n.i", "mac_id": "o.mac_id || '-' || n.i", "unique_id": "o.unique_id || '-' || n.i",
			"root_user_id": "CAST(NULL AS integer)", "child_user_id": "CAST(NULL AS integer)",
		}),
		`INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status, finish_flag, treatment_date, last_intensity, treatment_time, log_file_id, change_seq, created_at, updated_at)
			SELECT d.root_user_id, d.child_user_id, d.id, d.registration, 'COMPLETE', 1, ` + date + `, 1, 60, 100000 + n.i, n.i, u.created_at, u.created_at
			FROM devices d JOIN users u ON u.id = d.root_user_id CROSS JOIN n WHERE d.child_user_id IS NOT NULL`,
		`INSERT INTO devlog_events (root_user_id, child_user_id, device_id, devlog_id, seq, change, status, finish_flag, treatment_date, last_intensity, treatment_time, log_file_id, last_log_file_id, devlog_created_at, occurred_at)
			SELECT l.root_user_id, l.child_user_id, l.device_id, l.id, l.id + 100000, 'COMPLETED', l.status, l.finish_flag, l.treatment_date, 1, 60, l.log_file_id, 0, l.created_at, l.created_at
			FROM devlogs l WHERE l.log_file_id > 100000`,
		`UPDATE users SET event_seq = (SELECT max(e.seq) FROM devlog_events e WHERE e.root_user_id = users.id)
			WHERE id IN (SELECT root_user_id FROM devlog_events)`,
		copied("rejected_devlogs", map[string]string{"digest": "o.digest || '-' || n.i"}),
		copied("sessions", map[string]string{"refresh_hash": "o.refresh_hash || n.i", "ended_at": "o.created_at"}),
		copied("verification_codes", map[string]string{"grant_hash": "o.grant_hash || n.i", "closed_at": "o.created_at"}),
		copied("identities", map[string]string{"deleted_at": "o.created_at", "root_user_id": "(SELECT max(id) FROM users)"}),
		copied("messages", map[string]string{
			"dedup_key": "o.dedup_key || n.i", "state": "'sent'", "is_deleted_once_sent": "(1 = 0)",
			"check_at": "NULL", "leased_until": "NULL", "provider_id": "NULL",
		}),
		copied("installations", map[string]string{"digest": "o.digest || '-' || o.id || '-' || n.i", "root_user_id": "(SELECT max(id) FROM users)"}),
		copied("feed_positions", map[string]string{"installation_id": "o.installation_id || '-' || n.i"}),
		copied("push_devices", map[string]string{"registration_id": "o.registration_id || '-' || n.i", "root_user_id": "(SELECT max(id) FROM users)"}),
		copied("idempotency_keys", map[string]string{"key_hash": "o.key_hash || '-' || n.i"}),
		copied("message_quota", map[string]string{"subject": "o.subject || '-' || n.i"}),
		copied("usage_days", map[string]string{"name": "o.name || '-' || n.i"}),
	}
}

// copied copies the newest two rows of a table, but for the columns that are given by an
// expression of the row o and the number n.i.
func copied(table string, given map[string]string) string {
	var names, values []string
	for _, of := range migrate.Tables {
		if of.Name != table {
			continue
		}
		for _, column := range of.Columns {
			if column.Name == "id" {
				continue
			}
			value, isGiven := given[column.Name]
			if !isGiven {
				value = "o." + column.Name
			}
			names, values = append(names, column.Name), append(values, value)
		}
	}
	return fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM (SELECT * FROM %[1]s ORDER BY id DESC LIMIT 2) o CROSS JOIN n",
		table, strings.Join(names, ", "), strings.Join(values, ", "))
}
