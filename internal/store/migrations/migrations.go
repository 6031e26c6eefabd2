// Package migrations holds the versioned SQL files that make and change the
// tables, one folder an engine. They are written by
// internal/store/newmigration from ent/schema and are not edited afterwards,
// except to carry data over. They only lead up: the way back from a release is the
// backup made before it (docs/operating.md, "Upgrade"). It imports nothing of the
// project.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// SQLite is the folder for SQLite.
func SQLite() fs.FS { return folder("sqlite") }

// Postgres is the folder for PostgreSQL.
func Postgres() fs.FS { return folder("postgres") }

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		return embed.FS{}
	}
	return sub
}
