package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

func isPostgres(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme == "postgres" || scheme == "postgresql"
}

// openEngine opens the engine that the address names.
func openEngine(ctx context.Context, cfg Config) (engine, error) {
	if !isPostgres(cfg.URL) {
		return openSQLite(ctx, cfg)
	}
	opened, err := openPostgres(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// sqliteURL is the address of an SQLite file: what the user gave, and what the
// program adds to it.
type sqliteURL struct {
	path  string
	query url.Values
}

func parseSQLite(address string) (sqliteURL, error) {
	named, found := strings.CutPrefix(address, "file:")
	if !found {
		return sqliteURL{}, errors.New("store: the database URL must begin with file: or postgres://")
	}
	path, query, _ := strings.Cut(named, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return sqliteURL{}, fmt.Errorf("store: parameters of the database URL: %w", err)
	}
	if path == "" || strings.Contains(path, ":memory:") || values.Get("mode") == "memory" {
		return sqliteURL{}, errors.New("store: the database URL must name a file; a database in memory is not supported")
	}
	return sqliteURL{path: path, query: values}, nil
}

// sqliteFile is the address of a file by its path, whatever characters it has.
func sqliteFile(path string) sqliteURL {
	return sqliteURL{path: strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path), query: url.Values{}}
}

// file is the path as the system knows it: without the host that a URL may name,
// and with what stands behind a "%" put back.
func (u sqliteURL) file() string {
	path := u.path
	if hosted, found := strings.CutPrefix(path, "//"); found {
		_, path, _ = strings.Cut(hosted, "/")
		path = "/" + path
	}
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

// with adds parameters and pragmas. Where the user names a pragma of ours, theirs
// takes its place: if it is another value that is found when it is read back, and
// not passed over in silence.
func (u sqliteURL) with(params map[string]string, ours []pragma) string {
	query := maps.Clone(u.query)
	for key, value := range params {
		query.Set(key, value)
	}
	query["_pragma"] = slices.Clone(u.query["_pragma"])
	for _, p := range ours {
		if !slices.ContainsFunc(u.query["_pragma"], isPragma(p.name)) {
			query.Add("_pragma", p.name+"("+p.set+")")
		}
	}
	return "file:" + u.path + "?" + query.Encode()
}

// withoutForeignKeys is the address with nothing said about them.
func (u sqliteURL) withoutForeignKeys() sqliteURL {
	query := maps.Clone(u.query)
	query["_pragma"] = slices.DeleteFunc(slices.Clone(query["_pragma"]), isPragma("foreign_keys"))
	query.Del("_foreign_keys")
	query.Del("_fk")
	return sqliteURL{path: u.path, query: query}
}

func isPragma(name string) func(setting string) bool {
	return func(setting string) bool {
		got, _, _ := strings.Cut(strings.ReplaceAll(setting, "=", "("), "(")
		return strings.EqualFold(strings.TrimSpace(got), name)
	}
}
