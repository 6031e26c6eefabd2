package domaintest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/internal/store"
)

// FillColumns gives every column of the row a value that no other column of the
// row has, straight in the database: true where it is a bool. The columns come
// from the schema, so that a new one is filled without a change to a test. The
// id and what refers to other rows stay as they are, and so do the columns named
// by keep.
func FillColumns(t testing.TB, db *store.Store, table *schema.Table, id int, keep ...string) {
	t.Helper()
	for _, keys := range table.ForeignKeys {
		for _, column := range keys.Columns {
			keep = append(keep, column.Name)
		}
	}
	var assignments []string
	values := []any{id}
	for number, column := range table.Columns {
		if column.Increment || slices.Contains(keep, column.Name) {
			continue
		}
		values = append(values, columnValue(t, column, number))
		assignments = append(assignments, fmt.Sprintf("%q = $%d", column.Name, len(values)))
	}
	update := fmt.Sprintf("UPDATE %q SET %s WHERE id = $1", table.Name, strings.Join(assignments, ", "))
	err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, update, values...)
		return err
	})
	if err != nil {
		t.Fatalf("fill the columns of %s: %v", table.Name, err)
	}
}

func columnValue(t testing.TB, column *schema.Column, number int) any {
	t.Helper()
	switch column.Type {
	case field.TypeBool:
		return true
	case field.TypeString:
		return strconv.Itoa(10 + number) // Two characters: the shortest column takes no more.
	case field.TypeEnum:
		return column.Enums[0]
	case field.TypeTime:
		return time.Date(2025, 2, 21, 0, number, 0, 0, time.UTC)
	case field.TypeInt, field.TypeInt64:
		return 1000 + number
	}
	t.Fatalf("no value is known for a %s as %s is: add one here", column.Type, column.Name)
	return nil
}

// WantEveryColumn compares an entity as a statement written by hand has read it
// with the same entity as ent reads it. Every field of want must hold a value,
// because a column that is lost would go unnoticed otherwise. Except names the fields
// that the statement leaves out on purpose, which must be zero in got.
func WantEveryColumn[T any](t testing.TB, want, got *T, except ...string) {
	t.Helper()
	expected := *want
	fields := reflect.ValueOf(&expected).Elem()
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		switch {
		case !fields.Type().Field(i).IsExported() || name == "Edges":
		case fields.Field(i).IsZero():
			t.Errorf("%T.%s holds no value, so nothing shows whether it is read", *want, name)
		case slices.Contains(except, name):
			fields.Field(i).SetZero()
		}
	}
	if diff := cmp.Diff(&expected, got, cmpopts.IgnoreUnexported(expected), cmpopts.IgnoreFields(expected, "Edges")); diff != "" {
		t.Errorf("read by hand (-want +got):\n%s", diff)
	}
}
