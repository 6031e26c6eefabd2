package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// leastFree is how much space the disk of an SQLite file needs: a large upload
// and its journal, many times over.
const leastFree = 512 << 20

// Finding is what was found of one side of a database, and whether something
// must be done about it.
type Finding struct {
	About string
	Said  string
	Wrong bool
}

func well(about, format string, values ...any) Finding {
	return Finding{About: about, Said: fmt.Sprintf(format, values...)}
}

func wrong(about, format string, values ...any) Finding {
	return Finding{About: about, Said: fmt.Sprintf(format, values...), Wrong: true}
}

// Examine looks at a database as an operator's doctor does and says what it
// found, in an order in which the first wrong finding explains those after it. It
// makes no database and changes no row; of an SQLite file it reads every page.
func Examine(ctx context.Context, cfg Config) []Finding {
	if isPostgres(cfg.URL) {
		return examinePostgres(ctx, cfg)
	}
	address, err := parseSQLite(cfg.URL)
	if err != nil {
		return []Finding{wrong("database", "%v", err)}
	}
	found, err := os.Stat(address.file())
	if err != nil {
		return []Finding{wrong("database", "there is none at %s: `server migrate` makes it, `server restore` brings one back", address.file())}
	}
	findings := []Finding{examineContent(ctx, address, found.Size()), examineDisk(address.file())}
	return append(findings, examineOpen(ctx, cfg, "it has WAL, synchronous=FULL and foreign_keys=on")...)
}

func examineContent(ctx context.Context, address sqliteURL, size int64) Finding {
	db, err := openReadOnly(ctx, address)
	if err != nil {
		return wrong("database", "%s cannot be opened: %v", address.file(), err)
	}
	defer func() { _ = db.Close() }()
	if err := checkContent(ctx, db); err != nil {
		return wrong("database", "%s: %v; stop the program and restore the last backup", address.file(), err)
	}
	return well("database", "SQLite, %s, %d MB, every page and reference is sound", address.file(), size>>20)
}

func examineDisk(path string) Finding {
	free, err := freeSpace(filepath.Dir(path))
	if err != nil {
		return wrong("disk", "its free space cannot be read: %v", err)
	}
	if free < leastFree {
		return wrong("disk", "%d MB are free, less than %d MB: make room before uploads are refused", free>>20, leastFree>>20)
	}
	return well("disk", "%d MB are free", free>>20)
}

// examineOpen opens the database as the program does, and asks what is missing.
func examineOpen(ctx context.Context, cfg Config, opened string) []Finding {
	db, err := Open(ctx, cfg)
	if err != nil {
		return []Finding{wrong("settings of the database", "%v", err)}
	}
	defer func() { _ = db.Close() }()
	findings := []Finding{well("settings of the database", "%s", opened)}
	pending, err := db.Pending(ctx)
	switch {
	case err != nil:
		findings = append(findings, wrong("migrations", "%v", err))
	case pending > 0:
		findings = append(findings, wrong("migrations", "%d are missing: run `server migrate`", pending))
	default:
		findings = append(findings, well("migrations", "all are applied"))
	}
	return findings
}

func examinePostgres(ctx context.Context, cfg Config) []Finding {
	cfg = cfg.withDefaults()
	p, err := openPostgres(ctx, cfg)
	if err != nil {
		return []Finding{wrong("database", "%v", err)}
	}
	defer func() { _ = p.close() }()
	var version, recovering, fsync, synchronous string
	var most int
	row := p.readers.QueryRowContext(ctx, `SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('max_connections')`)
	if err := row.Scan(&version, &recovering, &fsync, &synchronous, &most); err != nil {
		return []Finding{wrong("database", "PostgreSQL does not say how it is set: %v", err)}
	}
	findings := []Finding{well("database", "PostgreSQL %s, %d connections, of which each replica takes up to %d", version, most, 2*cfg.Connections)}
	switch {
	case recovering == "true":
		findings = append(findings, wrong("durability", "it is a standby and takes no writes: name the primary in the database URL"))
	case fsync == "off" || synchronous == "off":
		findings = append(findings, wrong("durability", "fsync or synchronous_commit is off: what was acknowledged can be lost; set both on"))
	default:
		findings = append(findings, well("durability", "a commit is on disk"))
	}
	return append(findings, examineOpen(ctx, cfg, "writers and readers connect")...)
}
