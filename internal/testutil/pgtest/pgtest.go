// Package pgtest makes PostgreSQL databases for a while: for the tests, which
// are lent one after another, and for the command that writes migrations. It
// imports nothing of the project.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	// The driver registers itself as "pgx".
	_ "github.com/jackc/pgx/v5/stdlib"
)

// Create makes an empty database on the server that the URL names. It gives the new
// database's URL, and a function that drops it. The URL's own database must exist and
// its role be allowed to create others.
func Create(ctx context.Context, server string) (address string, drop func(context.Context) error, err error) {
	name := "luxbff_" + strings.ToLower(rand.Text())
	if address, err = WithDatabase(server, name); err != nil {
		return "", nil, err
	}
	if err := Run(ctx, server, "CREATE DATABASE "+quote(name)); err != nil {
		return "", nil, err
	}
	drop = func(ctx context.Context) error {
		return Run(ctx, server, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	}
	return address, drop, nil
}

// EnsureTemplate makes the database name and fills it, unless it is there already. It
// gets its name once it is filled, so nobody copies half of it; other processes that
// want it wait for the first.
func EnsureTemplate(ctx context.Context, server, name string, fill func(url string) error) (err error) {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return fmt.Errorf("wait for others: %w", err)
	}
	var exists bool
	query := "SELECT count(*) > 0 FROM pg_database WHERE datname = $1"
	if err := db.QueryRowContext(ctx, query, name).Scan(&exists); err != nil || exists {
		return err
	}
	address, drop, err := Create(ctx, server)
	if err != nil {
		return err
	}
	if err := fill(address); err != nil {
		return errors.Join(err, drop(ctx))
	}
	return rename(ctx, db, address, name)
}

func rename(ctx context.Context, db *sql.DB, address, name string) error {
	made, err := url.Parse(address)
	if err != nil {
		return err
	}
	from := strings.TrimPrefix(made.Path, "/")
	_, err = db.ExecContext(ctx, "ALTER DATABASE "+quote(from)+" RENAME TO "+quote(name))
	return err
}

// WithDatabase is the server's URL with another database. A URL of several hosts is an
// error, which doesn't repeat it: it may hold a password.
func WithDatabase(server, name string) (string, error) {
	address, err := url.Parse(server)
	if err != nil {
		return "", errors.New("the address of PostgreSQL must be a URL of one host")
	}
	address.Path = "/" + name
	return address.String(), nil
}

// Run runs statements in the server's own database, on one connection.
func Run(ctx context.Context, server string, statements ...string) error {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Ints gives the whole numbers of a query's one column.
func Ints(ctx context.Context, server, query string, args ...any) ([]int, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
