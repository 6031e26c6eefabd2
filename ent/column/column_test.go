package column_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/column"
)

func TestListNamesEachColumnOfTheTable(t *testing.T) {
	t.Parallel()
	if got, want := column.List("c", []string{"id", "first_name"}), "c.id, c.first_name"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValuesHaveNoDeclaredTypeAndNoNameOfTheirOwn(t *testing.T) {
	t.Parallel()
	values := column.Values("c", []string{"id", "first_name"})
	if want := "/*+*/c.id AS a, /*+*/c.first_name AS a"; values != want {
		t.Errorf("got %q, want %q", values, want)
	}
	if got, want := column.ForSQLite(values), "+c.id AS a, +c.first_name AS a"; got != want {
		t.Errorf("for SQLite: got %q, want %q", got, want)
	}
}

func TestExceptLeavesTheGivenColumnsAlone(t *testing.T) {
	t.Parallel()
	columns := []string{"id", "email", "password_hash"}
	if diff := cmp.Diff([]string{"id", "email"}, column.Except(columns, "password_hash")); diff != "" {
		t.Error(diff)
	}
	if columns[2] != "password_hash" {
		t.Errorf("the columns became %v", columns)
	}
	defer func() {
		if recover() == nil {
			t.Error("a column that isn't there is left out without a word")
		}
	}()
	column.Except(columns, "pasword_hash")
}

type (
	word   string
	number int
	flag   bool
)

// row has a field for each kind of target.
type row struct {
	Int            number
	Int64          int64
	String         word
	Bool           flag
	Time           time.Time
	NillableInt    *number
	NillableString *word
	NillableTime   *time.Time
	Any            float64
}

func (r *row) targets() map[string]sql.Scanner {
	return map[string]sql.Scanner{
		"Int": column.Int(&r.Int), "Int64": column.Int(&r.Int64), "String": column.String(&r.String),
		"Bool": column.Bool(&r.Bool), "Time": column.Time(&r.Time),
		"NillableInt": column.NillableInt(&r.NillableInt), "NillableString": column.NillableString(&r.NillableString),
		"NillableTime": column.NillableTime(&r.NillableTime), "Any": column.Any(&r.Any),
	}
}

func TestTargetsTakeWhatDriversGive(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 2, 21, 6, 48, 49, 0, time.UTC)
	whole := row{7, 7, "seven", true, at, ptr[number](7), ptr[word]("seven"), &at, 7.5}
	for name, values := range map[string]map[string]any{
		"the usual types": {
			"Int": int64(7), "Int64": int64(7), "String": "seven", "Bool": true, "Time": at,
			"NillableInt": int64(7), "NillableString": "seven", "NillableTime": at, "Any": 7.5,
		},
		"others": {
			"Int": []byte("7"), "Int64": "7", "String": []byte("seven"), "Bool": int64(1), "Time": "2025-02-21 06:48:49+00:00",
			"NillableInt": "7", "NillableString": []byte("seven"), "NillableTime": "2025-02-21 06:48:49+00:00", "Any": "7.5",
		},
	} {
		var got row
		for field, target := range got.targets() {
			if err := target.Scan(values[field]); err != nil {
				t.Errorf("%s: %s: %v", name, field, err)
			}
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTargetsLeaveAFieldAtZeroForNull(t *testing.T) {
	t.Parallel()
	var got row
	for field, target := range got.targets() {
		if err := target.Scan(nil); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
	if diff := cmp.Diff(row{}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTargetsRefuseWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	var got row
	for field, target := range got.targets() {
		if err := target.Scan(struct{}{}); err == nil {
			t.Errorf("%s takes an empty struct", field)
		}
	}
	if err := column.Int(&got.Int).Scan("seven"); err == nil {
		t.Error("a word is taken for a number")
	}
	if err := column.Time(&got.Time).Scan("yesterday"); err == nil {
		t.Error("a word is taken for a time")
	}
	if err := column.Unknown("shoe_size").Scan(int64(44)); err == nil {
		t.Error("a column that no field stands for is scanned")
	}
}

func ptr[T any](value T) *T { return &value }
