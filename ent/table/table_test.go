package table_test

import (
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/google/go-cmp/cmp"

	"luxbff/ent/migrate"
	"luxbff/ent/table"
)

// TestTablesAreThoseOfTheMigrations holds that both descriptions of the tables say the
// same, so that a copy leaves no column out.
func TestTablesAreThoseOfTheMigrations(t *testing.T) {
	t.Parallel()
	var want []table.Table
	for _, described := range migrate.Tables {
		want = append(want, inShort(described))
	}
	if len(want) == 0 {
		t.Fatal("there are no tables")
	}
	if diff := cmp.Diff(want, table.All()); diff != "" {
		t.Errorf("(-package migrate +package table):\n%s", diff)
	}
}

func inShort(described *schema.Table) table.Table {
	short := table.Table{Name: described.Name, PrimaryKey: []string{}, References: []string{}}
	for _, column := range described.Columns {
		short.Columns = append(short.Columns, table.Column{Name: column.Name, Type: column.Type, Increment: column.Increment})
	}
	for _, key := range described.PrimaryKey {
		short.PrimaryKey = append(short.PrimaryKey, key.Name)
	}
	for _, key := range described.ForeignKeys {
		short.References = append(short.References, key.RefTable.Name)
	}
	return short
}
