package store

import "testing"

func TestUnnamedPlaceholders(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT 1":                                  "SELECT 1",
		"SELECT ?, ?":                               "SELECT ?, ?",
		"UPDATE t SET a = $1 WHERE id = $2":         "UPDATE t SET a = ? WHERE id = ?",
		"VALUES ($1, '$2 isn''t one'), ($2, $3)":    "VALUES (?, '$2 isn''t one'), (?, ?)",
		"SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9": "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?",
		"SELECT $2, $1":                             "SELECT $2, $1",
		"SELECT $1, $1":                             "SELECT $1, $1",
		"SELECT $1, $2, $1":                         "SELECT $1, $2, $1",
		"SELECT $1, $name":                          "SELECT $1, $name",
		"SELECT $01":                                "SELECT $01",
	} {
		if got := unnamed(query); got != want {
			t.Errorf("%s becomes %s, want %s", query, got, want)
		}
	}
}
