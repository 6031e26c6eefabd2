// Package column helps a statement written by hand read every column of an
// entity. The list of its columns and the places that they are scanned into both
// come from what ent generates, so a column that is added to the schema can't be
// forgotten in one of the two:
//
//	query := "SELECT " + column.List("c", childuser.Columns) + " FROM child_users c"
//	targets := c.AppendTargets(nil, childuser.Columns)
//	err := rows.Scan(targets...)
//
// AppendTargets is generated from ent/template/targets.tmpl. The package imports
// nothing but the standard library.
package column

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"
)

// List is what a SELECT names to read these columns of the table with the alias.
func List(alias string, columns []string) string {
	return alias + "." + strings.Join(columns, ", "+alias+".")
}

// Values is [List] for a read that a hot path waits for: the values of the columns under
// no name of their own, scanned by their order. SQLite's driver makes the name and the
// declared type of every column anew for every read, three allocations a column, and
// reads a time by trying one layout after the other. An expression has no declared type,
// and a name of one letter takes no memory. For the two reads of the home screen this was
// 140 of 573 allocations.
func Values(alias string, columns []string) string {
	values := make([]string, len(columns))
	for i, name := range columns {
		values[i] = expression + alias + "." + name + " AS a"
	}
	return strings.Join(values, ", ")
}

// expression makes an expression of the column that follows. To PostgreSQL, which has no sign
// that goes before a value of any type, it is a comment.
const expression = "/*+*/"

// ForSQLite gives a query as SQLite is to read it: with a plus sign before the values of
// [Values], which changes none and takes no step.
func ForSQLite(query string) string { return strings.ReplaceAll(query, expression, "+") }

// Except returns the columns without those that a statement is not to read. What
// it leaves out is named, so a new column is read unless somebody decides
// otherwise. It panics at a name that is none of the columns.
func Except(columns []string, left ...string) []string {
	rest := slices.Clone(columns)
	for _, name := range left {
		at := slices.Index(rest, name)
		if at < 0 {
			panic("column: there is no column " + name)
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return rest
}

// The targets below scan straight into the field, where ent's own reads allocate
// a Null value for each column and copy from it. They are single pointers, so
// that keeping one in an interface allocates nothing, and they take the types that
// the drivers give without the reflection that database/sql needs for a named
// type. A null leaves the field as it is, which is zero in a new entity, as in
// ent's own reads: a LEFT JOIN gives nulls where nothing is joined.

// Int scans into a whole number.
func Int[T ~int | ~int64](field *T) sql.Scanner { return intTarget[T]{field} }

// String scans into a text, or a type made of one.
func String[T ~string](field *T) sql.Scanner { return stringTarget[T]{field} }

// Bool scans into a bool, which is a number in SQLite.
func Bool[T ~bool](field *T) sql.Scanner { return boolTarget[T]{field} }

// Time scans into a time.
func Time(field *time.Time) sql.Scanner { return timeTarget{field} }

// NillableInt scans into a whole number that may be nil.
func NillableInt[T ~int | ~int64](field **T) sql.Scanner { return nillableInt[T]{field} }

// NillableString scans into a text that may be nil.
func NillableString[T ~string](field **T) sql.Scanner { return nillableString[T]{field} }

// NillableTime scans into a time that may be nil.
func NillableTime(field **time.Time) sql.Scanner { return nillableTime{field} }

// Any scans into a field of any other type that database/sql can convert to,
// slower than the rest.
func Any[T any](field *T) sql.Scanner { return anyTarget[T]{field} }

// Ignored scans nothing, for a value that is known already.
type Ignored struct{}

// Scan implements sql.Scanner.
func (Ignored) Scan(any) error { return nil }

// Unknown stands for a column that the entity doesn't have: its Scan fails.
func Unknown(name string) sql.Scanner { return unknown(name) }

type intTarget[T ~int | ~int64] struct{ field *T }

func (t intTarget[T]) Scan(value any) error {
	if number, ok := value.(int64); ok {
		*t.field = T(number)
		return nil
	}
	return convert(t.field, value)
}

type stringTarget[T ~string] struct{ field *T }

func (t stringTarget[T]) Scan(value any) error {
	if text, ok := value.(string); ok {
		*t.field = T(text)
		return nil
	}
	return convert(t.field, value)
}

type boolTarget[T ~bool] struct{ field *T }

func (t boolTarget[T]) Scan(value any) error {
	if value == nil {
		return nil
	}
	converted, err := driver.Bool.ConvertValue(value)
	if err != nil {
		return err
	}
	*t.field = T(converted.(bool))
	return nil
}

// storedTime is how the store has SQLite's driver write a time.
const storedTime = "2006-01-02 15:04:05.999999999-07:00"

type timeTarget struct{ field *time.Time }

func (t timeTarget) Scan(value any) error {
	switch at := value.(type) {
	case time.Time:
		*t.field = at
		return nil
	case string: // of SQLite, by [Values]
		parsed, err := time.Parse(storedTime, at)
		*t.field = parsed.UTC()
		return err
	}
	return convert(t.field, value)
}

type nillableInt[T ~int | ~int64] struct{ field **T }

func (t nillableInt[T]) Scan(value any) error {
	if value == nil {
		return nil
	}
	*t.field = new(T)
	return intTarget[T]{*t.field}.Scan(value)
}

type nillableString[T ~string] struct{ field **T }

func (t nillableString[T]) Scan(value any) error {
	if value == nil {
		return nil
	}
	*t.field = new(T)
	return stringTarget[T]{*t.field}.Scan(value)
}

type nillableTime struct{ field **time.Time }

func (t nillableTime) Scan(value any) error {
	if value == nil {
		return nil
	}
	*t.field = new(time.Time)
	return timeTarget{*t.field}.Scan(value)
}

type anyTarget[T any] struct{ field *T }

func (t anyTarget[T]) Scan(value any) error { return convert(t.field, value) }

type unknown string

func (u unknown) Scan(any) error { return fmt.Errorf("the entity has no column %s", string(u)) }

// convert leaves to database/sql what a driver gives in another type.
func convert[T any](field *T, value any) error {
	if value == nil {
		return nil
	}
	var converted sql.Null[T]
	if err := converted.Scan(value); err != nil {
		return err
	}
	*field = converted.V
	return nil
}
