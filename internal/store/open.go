package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// openEngine opens the engine that the address names.
func openEngine(ctx context.Context, cfg Config) (engine, error) {
	scheme, _, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "file":
		return openSQLite(ctx, cfg)
	case "postgres", "postgresql":
		return openPostgres(ctx, cfg)
	}
	return nil, errors.New("store: the database URL must begin with file: or postgres://")
}

// sqliteURL is the address of an SQLite file: what the user gave, and what the
// program adds to it.
type sqliteURL struct {
	path  string
	query url.Values
}

func parseSQLite(address string) (sqliteURL, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(address, "file:"), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return sqliteURL{}, fmt.Errorf("store: parameters of the database URL: %w", err)
	}
	if path == "" || strings.Contains(path, ":memory:") || values.Get("mode") == "memory" {
		return sqliteURL{}, errors.New("store: the database URL must name a file; a database in memory is not supported")
	}
	return sqliteURL{path: path, query: values}, nil
}

// with adds parameters and pragmas. The user's own pragmas run after ours: one
// that takes ours back is found when they are read back, and not passed over.
func (u sqliteURL) with(params map[string]string, pragmas ...string) string {
	query := url.Values{}
	for key, values := range u.query {
		query[key] = values
	}
	for key, value := range params {
		query.Set(key, value)
	}
	query["_pragma"] = append(pragmas, u.query["_pragma"]...)
	return "file:" + u.path + "?" + query.Encode()
}
