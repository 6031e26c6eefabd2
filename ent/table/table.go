// Package table lists the tables of ent/schema with what the commands that copy and
// examine a database ask about them. Package migrate of ent says more, as indexes and
// defaults, but brings in the libraries that write migrations.
package table

import "entgo.io/ent/schema/field"

// Table is where the rows of an entity are stored.
type Table struct {
	Name    string
	Columns []Column
	// PrimaryKey names columns.
	PrimaryKey []string
	// References names the tables that a foreign key refers to, which may be the
	// table itself.
	References []string
}

// Column is a column of a table.
type Column struct {
	Name string
	Type field.Type
	// Increment is whether the engine numbers the rows by it.
	Increment bool
}
