// Package migrationlint holds what a migration may do: whatever the last release goes on
// working with, because its replicas serve until they are replaced, and nothing that keeps
// the uploads of a large table waiting. It reads the files alone; a statement that it does
// not know is refused. It imports nothing of the project.
package migrationlint

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
)

// Rule is what a refusal ends with.
const Rule = "the last release has to go on working (docs/decisions/storage.md, \"What a migration may do\")"

// Problem is a statement that breaks the rule.
type Problem struct {
	// Name is of the file, as postgres/20261128120518_session_rotation.sql.
	Name      string
	Statement string
	Why       string
}

// Error says what is wrong.
func (p Problem) Error() string {
	return fmt.Sprintf("%s: %s: %s\n  %s", p.Name, p.Why, Rule, p.Statement)
}

// Check gives what breaks the rule in the migrations of an engine, "postgres" or "sqlite",
// that are newer than the release's newest.
func Check(engine string, files fs.FS, newest int64) (problems []Problem, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	// Of the release are the indexes that its own migrations make.
	released := map[string]bool{}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m, err := parse(path.Join(engine, name), content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if version(name) > newest {
			problems = append(problems, m.check(engine, released)...)
			continue
		}
		for _, one := range m.statements {
			if index := createIndex.FindStringSubmatch(one); index != nil {
				released[index[3]] = true
			}
		}
	}
	return problems, nil
}

func version(name string) (v int64) {
	_, _ = fmt.Sscanf(name, "%d_", &v) // a name without a number is 0
	return v
}

// migration is one file.
type migration struct {
	name       string
	statements []string
	// isOutside is whether goose runs it outside a transaction.
	isOutside bool
	// tables are those that the file itself makes. Nobody uses them yet.
	tables map[string]bool
	// renamed are tables of SQLite that are built anew, by the name that they keep.
	renamed map[string]bool
}

var (
	spaces  = regexp.MustCompile(`\s+`)
	comment = regexp.MustCompile(`(?m)^\s*--.*$`)
	outside = regexp.MustCompile(`(?im)^\s*--\s*\+goose\s+NO\s+TRANSACTION\s*$`)

	createTable = regexp.MustCompile(`^(?i:CREATE TABLE) (\w+) \((.*)\)$`)
	alterTable  = regexp.MustCompile(`^(?i:ALTER TABLE) (\w+) (.*)$`)
	renameTable = regexp.MustCompile(`^(?i:RENAME TO) (\w+)$`)
	dropTable   = regexp.MustCompile(`^(?i:DROP TABLE) (\w+)$`)
	createIndex = regexp.MustCompile(`^(?i:CREATE( UNIQUE)? INDEX( CONCURRENTLY)?) (\w+) (?i:ON) (\w+) `)
	dropIndex   = regexp.MustCompile(`^(?i:DROP INDEX( CONCURRENTLY IF EXISTS)?) (\w+)$`)
	copyRows    = regexp.MustCompile(`^(?i:INSERT INTO) (new_\w+) \(.*\) (?i:SELECT) .* (?i:FROM) (\w+)$`)
	changeRows  = regexp.MustCompile(`^(?i:INSERT|UPDATE|DELETE|MERGE|WITH) `)
	// A default that is computed would have PostgreSQL write the whole table anew.
	addColumn = regexp.MustCompile(`^(?i)ADD COLUMN \w+ (?:bigint|integer|smallint|boolean|bool|text|character varying|timestamptz|datetime|date|real|double precision|jsonb?|bytea|blob)` +
		`(?: (?:NULL|(NOT NULL)))?(?: (DEFAULT) \(?(?:-?\d+(?:\.\d+)?|'[^']*'|true|false|NULL)\)?)?$`)
	foreignKey  = regexp.MustCompile(`(?i)REFERENCES \w+ \([^)]*\)([^,]*)`)
	harmless    = regexp.MustCompile(`^(?i:PRAGMA foreign_keys = (?:on|off))$`)
	lockTimeout = regexp.MustCompile(`^(?i:SET lock_timeout = 0|RESET lock_timeout)$`)
)

// parse takes a file apart. Quotes around names and comments say nothing here.
func parse(name string, content []byte) (migration, error) {
	m := migration{name: name, isOutside: outside.Match(content), tables: map[string]bool{}, renamed: map[string]bool{}}
	found, err := migrate.Stmts(string(content))
	if err != nil {
		return m, err
	}
	for _, one := range found {
		text := comment.ReplaceAllString(one.Text, " ")
		text = strings.NewReplacer("`", "", `"`, "", ";", "").Replace(text)
		if text = strings.TrimSpace(spaces.ReplaceAllString(text, " ")); text != "" {
			m.statements = append(m.statements, text)
		}
	}
	for _, one := range m.statements {
		if table := createTable.FindStringSubmatch(one); table != nil {
			m.tables[table[1]] = true
		}
		if table := alterTable.FindStringSubmatch(one); table != nil && m.tables[table[1]] {
			if to := renameTable.FindStringSubmatch(table[2]); to != nil {
				m.renamed[to[1]] = table[1] == "new_"+to[1]
			}
		}
	}
	return m, nil
}

func (m migration) check(engine string, released map[string]bool) (problems []Problem) {
	for i, one := range m.statements {
		why := ""
		if engine == "sqlite" {
			why = m.whyNotOnSQLite(one)
		} else {
			why = m.whyNotOnPostgres(one, m.statements[:i], released)
		}
		if why == "" && engine != "sqlite" && m.changesAnother(one, m.statements[:i]) {
			why = "a file changes one table that is there: while it waits for the lock of a second one it keeps that of the first, and uploads, which lock them in another order, wait for it in turn"
		}
		if why != "" {
			problems = append(problems, Problem{m.name, one, why})
		}
	}
	return problems
}

// changesAnother reports whether the statement changes a table that is there, and one before
// it changes another.
func (m migration) changesAnother(statement string, before []string) bool {
	changed := func(statement string) string {
		if table := alterTable.FindStringSubmatch(statement); table != nil && !m.tables[table[1]] {
			return table[1]
		}
		return ""
	}
	table := changed(statement)
	return table != "" && slices.ContainsFunc(before, func(one string) bool { return changed(one) != "" && changed(one) != table })
}

// whyNotOnSQLite gives why a statement is refused, nothing if it is not. The program is
// stopped while it is migrated, so nobody waits for a lock. A table may be built anew,
// which is how SQLite changes one: that no column of the release is lost in it is checked
// in a database, by TestTablesOfTheReleaseAreKept.
func (m migration) whyNotOnSQLite(statement string) string {
	if harmless.MatchString(statement) {
		return ""
	}
	if table := dropTable.FindStringSubmatch(statement); table != nil && m.renamed[table[1]] {
		return ""
	}
	if rows := copyRows.FindStringSubmatch(statement); rows != nil && m.tables[rows[1]] {
		return ""
	}
	if index := createIndex.FindStringSubmatch(statement); index != nil {
		return m.whyNotIndex(index[1] != "", index[4])
	}
	if dropIndex.MatchString(statement) {
		return ""
	}
	return m.whyNotTable(statement)
}

// whyNotIndex refuses a unique key over rows that are there: the release writes what
// breaks it.
func (m migration) whyNotIndex(isUnique bool, table string) string {
	if isUnique && !m.tables[table] && !m.renamed[table] {
		return "a unique key over rows that are there"
	}
	return ""
}

// whyNotTable is for the statements that both engines have.
func (m migration) whyNotTable(statement string) string {
	if table := createTable.FindStringSubmatch(statement); table != nil {
		for _, key := range foreignKey.FindAllStringSubmatch(table[2], -1) {
			action := strings.ToUpper(key[1])
			if !strings.Contains(action, "ON DELETE CASCADE") && !strings.Contains(action, "ON DELETE SET NULL") && !strings.HasPrefix(table[1], "new_") {
				return "a foreign key that keeps the release from deleting a row"
			}
		}
		return ""
	}
	if changeRows.MatchString(statement) {
		return "rows that are there are changed by the program, some at a time: one statement keeps the writers of all of them waiting"
	}
	table := alterTable.FindStringSubmatch(statement)
	if table == nil {
		return "a statement that the rule does not know"
	}
	if m.tables[table[1]] {
		return ""
	}
	for _, clause := range splitClauses(table[2]) {
		column := addColumn.FindStringSubmatch(clause)
		switch {
		case column == nil:
			return "of a table that is there only columns may be added, without constraints and with a constant as their default"
		case column[1] != "" && column[2] == "":
			return "a column that is NOT NULL needs a default, because the release does not write it"
		}
	}
	return ""
}

// splitClauses parts the clauses of ALTER TABLE, but not within parentheses.
func splitClauses(text string) (clauses []string) {
	depth, begin := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			clauses = append(clauses, strings.TrimSpace(text[begin:i]))
			begin = i + 1
		}
	}
	return append(clauses, strings.TrimSpace(text[begin:]))
}

// whyNotOnPostgres gives why a statement is refused. An index is built on a table that the
// same file makes, or while uploads go on, CONCURRENTLY. That needs a file without a
// transaction, and one that can be run again: a build that was interrupted leaves an
// index behind that is not valid.
func (m migration) whyNotOnPostgres(statement string, before []string, released map[string]bool) string {
	if index := dropIndex.FindStringSubmatch(statement); index != nil {
		switch {
		case released[index[2]]:
			return "an index that the release needs"
		case index[1] == "" || !m.isOutside:
			return "an index is dropped by DROP INDEX CONCURRENTLY IF EXISTS, in a file that begins with -- +goose NO TRANSACTION"
		}
		return ""
	}
	index := createIndex.FindStringSubmatch(statement)
	if index == nil {
		switch {
		case m.isOutside && lockTimeout.MatchString(statement):
			return ""
		case m.isOutside:
			return "a file without a transaction holds nothing but indexes"
		}
		return m.whyNotTable(statement)
	}
	if why := m.whyNotIndex(index[1] != "", index[4]); why != "" || m.tables[index[4]] {
		return why
	}
	repeatable := slices.ContainsFunc(before, func(one string) bool {
		dropped := dropIndex.FindStringSubmatch(one)
		return dropped != nil && dropped[2] == index[3]
	})
	switch {
	case index[2] == "" || !m.isOutside:
		return "an index on a table that is there is made by CREATE INDEX CONCURRENTLY, in a file that begins with -- +goose NO TRANSACTION: otherwise whoever writes to the table waits until it is built"
	case !repeatable:
		return "the file must begin with DROP INDEX CONCURRENTLY IF EXISTS of the same index, so that it can be run again after an interruption"
	}
	return ""
}
