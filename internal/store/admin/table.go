package admin

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"entgo.io/ent/schema/field"
	"github.com/jackc/pgx/v5"

	"luxbff/ent/table"
)

// rowScanner is what rows of database/sql and of pgx have in common.
type rowScanner interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// tableReader reads the rows of a table in the form that both engines share, and
// sums them up: read from either, equal tables have equal checksums.
type tableReader struct {
	table table.Table
	rows  rowScanner
	cells []*cell
	into  []any // the cells, as Scan wants them
	count int64
	hash  hash.Hash
}

func newTableReader(read table.Table, rows rowScanner) *tableReader {
	r := &tableReader{table: read, rows: rows, hash: sha256.New()}
	for _, column := range read.Columns {
		c := &cell{column: column}
		r.cells, r.into = append(r.cells, c), append(r.into, c)
	}
	return r
}

// next gives the values of the next row, and nil after the last, as pgx.CopyFromFunc
// asks for.
func (r *tableReader) next() ([]any, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	if err := r.rows.Scan(r.into...); err != nil {
		return nil, fmt.Errorf("row %d: %w", r.count+1, err)
	}
	values := make([]any, len(r.cells))
	var line []byte
	for i, c := range r.cells {
		values[i] = c.value
		line = c.appendTo(line)
	}
	r.hash.Write(line)
	r.count++
	return values, nil
}

func (r *tableReader) result() CopiedTable {
	return CopiedTable{Name: r.table.Name, Rows: r.count, Checksum: hex.EncodeToString(r.hash.Sum(nil))}
}

// cell is a value of a column: nil, an int64, a bool, a string, bytes, or a time to
// the microsecond, which is what PostgreSQL keeps.
type cell struct {
	column table.Column
	value  any
}

// Scan takes what a driver gives.
func (c *cell) Scan(given any) (err error) {
	if given == nil {
		c.value = nil
		return nil
	}
	switch c.column.Type {
	case field.TypeBool:
		c.value, err = scanAs[bool](given)
	case field.TypeTime:
		var at time.Time
		at, err = scanAs[time.Time](given)
		c.value = at.UTC().Truncate(time.Microsecond)
	case field.TypeInt, field.TypeInt8, field.TypeInt16, field.TypeInt32, field.TypeInt64:
		c.value, err = scanAs[int64](given)
	case field.TypeString, field.TypeEnum:
		c.value, err = scanAs[string](given)
	case field.TypeBytes:
		c.value, err = scanAs[[]byte](given)
	default:
		err = fmt.Errorf("no rule says how to copy a %s", c.column.Type)
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", c.column.Name, err)
	}
	return nil
}

func scanAs[T any](given any) (T, error) {
	var value sql.Null[T]
	err := value.Scan(given)
	return value.V, err
}

// appendTo adds the value to the text that is summed up. A letter for the kind and
// a length before each text keep two different rows from having one text.
func (c *cell) appendTo(line []byte) []byte {
	switch value := c.value.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(line, 'i'), uint64(value)) //nolint:gosec // the bits, whatever the sign
	case bool:
		if value {
			return append(line, 't')
		}
		return append(line, 'f')
	case time.Time:
		return binary.BigEndian.AppendUint64(append(line, 'd'), uint64(value.UnixMicro()))
	case string:
		line = binary.BigEndian.AppendUint64(append(line, 's'), uint64(len(value)))
		return append(line, value...)
	case []byte:
		line = binary.BigEndian.AppendUint64(append(line, 'b'), uint64(len(value)))
		return append(line, value...)
	}
	return append(line, 'n')
}

// parentsFirst orders tables so that each comes after those it refers to: PostgreSQL
// checks a reference when its row is written.
func parentsFirst(tables []table.Table) ([]table.Table, error) {
	var ordered []table.Table
	placed := map[string]bool{}
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, next := range tables {
			if !placed[next.Name] && refersOnlyTo(next, placed) {
				ordered = append(ordered, next)
				placed[next.Name] = true
			}
		}
		if len(ordered) == before {
			return nil, errors.New("store: the tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// refersOnlyTo reports whether all references of the table are to these tables or to
// itself.
func refersOnlyTo(child table.Table, these map[string]bool) bool {
	for _, parent := range child.References {
		if parent != child.Name && !these[parent] {
			return false
		}
	}
	return true
}

// selectAll reads a table in the order of its ids, on either engine.
func selectAll(from table.Table) string {
	var order []string
	for _, key := range from.PrimaryKey {
		order = append(order, quote(key))
	}
	var columns []string
	for _, column := range from.Columns {
		columns = append(columns, quote(column.Name))
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + quote(from.Name) + " ORDER BY " + strings.Join(order, ", ")
}

func tableNames(tables []table.Table) string {
	names := make([]string, len(tables))
	for i, named := range tables {
		names[i] = quote(named.Name)
	}
	return strings.Join(names, ", ")
}

func columnNames(of table.Table) []string {
	names := make([]string, len(of.Columns))
	for i, column := range of.Columns {
		names[i] = column.Name
	}
	return names
}

// quote makes an identifier a name in SQL, on either engine.
func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
