package admin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"luxbff/internal/store"
)

// copySource is the SQLite database that a copy reads, as it is at one moment.
type copySource struct {
	db      *sql.DB
	conn    *sql.Conn
	version int64 // of the data, when the moment began
}

func openSource(ctx context.Context, cfg store.Config) (_ *copySource, err error) {
	file, err := store.ParseSQLite(cfg.URL)
	if err != nil {
		return nil, err
	}
	s := &copySource{}
	if s.db, err = file.OpenReadOnly(ctx); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// begin checks the database and opens the read transaction in which all tables are
// as they are now.
func (s *copySource) begin(ctx context.Context, cfg store.Config) (err error) {
	_, missing, err := store.SQLiteMigrations(ctx, s.db, cfg)
	if err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%d migrations are missing: run `server migrate` on it first", missing)
	}
	if err := checkContent(ctx, s.db); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if s.version, err = s.dataVersion(ctx); err != nil {
		return err
	}
	_, err = s.conn.ExecContext(ctx, "BEGIN")
	return err
}

// checkUnchanged ends the read transaction and refuses a source that somebody wrote
// to since it began: what was stored then would be missing from the copy.
func (s *copySource) checkUnchanged(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		return err
	}
	now, err := s.dataVersion(ctx)
	if err != nil {
		return err
	}
	if now != s.version {
		return errors.New("the source was written to meanwhile: stop the program that serves it, and copy again")
	}
	return nil
}

// dataVersion is another number once another connection has committed.
func (s *copySource) dataVersion(ctx context.Context) (version int64, err error) {
	return version, s.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version)
}

func (s *copySource) close() error {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	return s.db.Close()
}
