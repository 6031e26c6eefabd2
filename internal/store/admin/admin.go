// Package admin holds what an operator does with a whole database: back it up,
// restore it, copy it to PostgreSQL, and examine it. The commands of the server call
// it; it works beside a program that serves the same database, or without one. It
// imports internal/store and ent's description of the tables, and must not import
// the domain, whose rules it does not know.
package admin

import (
	"context"
	"database/sql"
	"fmt"

	"luxbff/internal/store"
)

// checkContent reads every page and every reference of an SQLite database. Its
// error says what is damaged.
func checkContent(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return fmt.Errorf("check integrity: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("it is damaged: %s", found)
	}
	return store.CheckReferences(ctx, db)
}
