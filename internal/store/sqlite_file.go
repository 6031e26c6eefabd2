package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"luxbff/internal/apperr"
)

// ErrLogWithoutIndex is the error for a write-ahead log without the index that SQLite
// keeps of it, as after a copy of both files. SQLite makes the index when a program opens
// the database for writing.
const ErrLogWithoutIndex = apperr.Text("store: the write-ahead log has no index")

// SQLiteFile is an SQLite database by its URL: the file, and the parameters that
// the operator gave.
type SQLiteFile struct {
	path  string
	query url.Values
}

// ParseSQLite reads a URL of the form file:PATH?PARAMETERS. A database in memory is
// an error: it would be lost with the process, and each connection would have one
// of its own. So is a "#", which the system takes for a part of the file's name and SQLite
// for the end of it.
func ParseSQLite(address string) (SQLiteFile, error) {
	named, found := strings.CutPrefix(address, "file:")
	if !found {
		return SQLiteFile{}, errors.New("store: the database URL must begin with file: or postgres://")
	}
	if strings.Contains(named, "#") {
		return SQLiteFile{}, errors.New("store: a # in the database URL must be written as %23")
	}
	path, query, _ := strings.Cut(named, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return SQLiteFile{}, fmt.Errorf("store: parameters of the database URL: %w", err)
	}
	if path == "" || strings.Contains(path, ":memory:") || values.Get("mode") == "memory" {
		return SQLiteFile{}, errors.New("store: the database URL must name a file; a database in memory is not supported")
	}
	return SQLiteFile{path: path, query: values}, nil
}

// SQLiteFileAt is the database in the file with this path, whatever characters it
// has.
func SQLiteFileAt(path string) SQLiteFile {
	return SQLiteFile{path: strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path), query: url.Values{}}
}

// Path is the path as the system knows it: without the host that a URL may name,
// and with characters written as "%3f" put back.
func (f SQLiteFile) Path() string {
	path := f.path
	if hosted, found := strings.CutPrefix(path, "//"); found {
		_, path, _ = strings.Cut(hosted, "/")
		path = "/" + path
	}
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

// OpenReadOnly opens a database that is there already, on one connection that
// never writes to it. A program may serve it meanwhile.
func (f SQLiteFile) OpenReadOnly(ctx context.Context) (*sql.DB, error) {
	if _, err := os.Stat(f.Path()); err != nil {
		return nil, err
	}
	db, err := openFile(f.with(readerParams, commonPragmas))
	if err != nil {
		return nil, err
	}
	if err := checkPragmas(ctx, db, commonPragmas); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// OpenImmutable opens a file that nobody writes to, on one connection. SQLite takes
// no lock then and leaves no journal beside the file.
func (f SQLiteFile) OpenImmutable() (*sql.DB, error) {
	return openFile(f.with(map[string]string{"immutable": "1"}, nil))
}

// OpenUntouched opens a database on one connection that changes neither it nor a file
// beside it, and makes none. Otherwise even a reader makes a journal and its index where
// they are missing, and these then belong to whoever read. Its ErrLogWithoutIndex is for
// a database that cannot be read in this way.
func (f SQLiteFile) OpenUntouched() (*sql.DB, error) {
	log, err := os.Stat(f.Path() + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return f.OpenImmutable()
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(f.Path() + "-shm"); err != nil {
		if log.Size() == 0 {
			return f.OpenImmutable()
		}
		return nil, ErrLogWithoutIndex
	}
	return openFile(f.with(map[string]string{"mode": "ro", "readonly_shm": "1"}, commonPragmas))
}

// CheckParameters says which parameter of the URL sets a connection up differently from
// what the program needs. It opens no file.
func (f SQLiteFile) CheckParameters(ctx context.Context) error {
	isJournalMode := isPragma("journal_mode")
	for _, set := range f.query["_pragma"] {
		if isJournalMode(set) && !strings.Contains(strings.ToUpper(set), "WAL") {
			return errors.New("pragma journal_mode must be wal")
		}
	}
	// A database in memory has a journal of its own kind and takes all other settings.
	ours := slices.DeleteFunc(slices.Concat(commonPragmas, writerPragmas), func(p pragma) bool { return p.name == "journal_mode" })
	memory := SQLiteFile{path: "parameters", query: maps.Clone(f.query)}
	memory.query["_pragma"] = slices.DeleteFunc(slices.Clone(f.query["_pragma"]), isJournalMode)
	db, err := openFile(memory.with(map[string]string{"mode": "memory", "cache": "private"}, ours))
	if err != nil {
		return err
	}
	return errors.Join(checkPragmas(ctx, db, ours), db.Close())
}

// with gives the URL with parameters and pragmas of ours. Where the operator's URL
// sets a pragma, ours is left out: if the value is another one, checkPragmas then says
// so, where otherwise the operator's would silently be ignored.
func (f SQLiteFile) with(params map[string]string, ours []pragma) string {
	query := maps.Clone(f.query)
	for key, value := range params {
		query.Set(key, value)
	}
	query["_pragma"] = slices.Clone(f.query["_pragma"])
	for _, p := range ours {
		if !slices.ContainsFunc(f.query["_pragma"], isPragma(p.name)) {
			query.Add("_pragma", p.name+"("+p.set+")")
		}
	}
	return "file:" + f.path + "?" + query.Encode()
}

// withoutForeignKeys leaves out what the URL says about foreign keys, so that a
// migration can set them off.
func (f SQLiteFile) withoutForeignKeys() SQLiteFile {
	query := maps.Clone(f.query)
	query["_pragma"] = slices.DeleteFunc(slices.Clone(query["_pragma"]), isPragma("foreign_keys"))
	query.Del("_foreign_keys")
	query.Del("_fk")
	return SQLiteFile{path: f.path, query: query}
}

// isPragma gives a condition on the value of a _pragma parameter, "name(value)" or
// "name=value": that it sets this pragma.
func isPragma(name string) func(setting string) bool {
	return func(setting string) bool {
		got, _, _ := strings.Cut(strings.ReplaceAll(setting, "=", "("), "(")
		return strings.EqualFold(strings.TrimSpace(got), name)
	}
}
