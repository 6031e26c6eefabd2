package tracing

import "testing"

func TestSummarizeKeepsVerbAndTable(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][2]string{
		"":          {"", ""},
		"SELECT 1":  {"SELECT", ""},
		"  select ": {"SELECT", ""},
		"SELECT `users`.`id` FROM `users` WHERE `users`.`id` = ?":                  {"SELECT", "users"},
		`SELECT "id" FROM "devlogs" WHERE "id" IN (SELECT "x" FROM "y")`:           {"SELECT", "devlogs"},
		"INSERT INTO `devlogs` (`a`) VALUES (?) ON CONFLICT DO UPDATE SET `a` = ?": {"INSERT", "devlogs"},
		"UPDATE users SET event_seq = event_seq + $1 WHERE id = $2":                {"UPDATE", "users"},
		"DELETE FROM messages":                                   {"DELETE", "messages"},
		"SELECT id FROM \"users\" WHERE id = $1 FOR UPDATE":      {"SELECT", "users"},
		"SELECT * FROM (SELECT id FROM child_users) AS c":        {"SELECT", "child_users"},
		"SELECT\n\tc.id\nFROM child_users c JOIN devices d ON 1": {"SELECT", "child_users"},
	} {
		if verb, table := summarize(query); [2]string{verb, table} != want {
			t.Errorf("%q is %q %q, want %q", query, verb, table, want)
		}
	}
}
