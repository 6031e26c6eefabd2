package parity_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
)

// scansAllowed are parts of the statements that may read a table as a whole, each with its
// reason.
func scansAllowed() map[string]string {
	return map[string]string{
		"FROM `devlog_events` ORDER BY `devlog_events`.`id` DESC LIMIT 1": "it ends at the first row of the primary key",
		"FROM `messages` ORDER BY `messages`.`id` DESC LIMIT 1":           "it ends at the first row of the primary key",
		"INSERT INTO `users`": "SQLite lists the tables that refer to a new account, and reads none of them",
	}
}

// TestNoStatementScansATable does every action on each surface, and asks the engine how it
// runs each statement that was needed: none reads a whole table, so none costs more for
// what other accounts have stored.
func TestNoStatementScansATable(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	var mu sync.Mutex
	ran := map[string]bool{}
	t.Run("actions", func(t *testing.T) {
		for _, a := range allActions() {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				byGraphQL := newWorld(t, a, facebook)
				byGraphQL.execute(t, a)
				texts := byGraphQL.Statements()
				for _, call := range a.rest {
					byREST := newWorld(t, a, facebook)
					byREST.request(t, a, call)
					texts = append(texts, byREST.Statements()...)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, text := range texts {
					ran[text] = true
				}
			})
		}
	})
	db := apptest.Start(t).App.Store
	planned := 0
	for text := range ran {
		if !regexp.MustCompile(`^(SELECT|WITH|INSERT|UPDATE|DELETE)\b`).MatchString(text) || isScanAllowed(text) {
			continue
		}
		planned++
		plan := storetest.ExplainAny(t, db, text)
		for line := range strings.Lines(plan) {
			table, isScan := scannedTable(line)
			if isScan && (table == "" || slices.Contains(apptest.Tables(), table)) {
				t.Errorf("a whole table is read:\n%s\nof\n%s", plan, text)
				break
			}
		}
	}
	if planned < 100 {
		t.Errorf("%d statements were looked at, fewer than the actions need", planned)
	}
}

func isScanAllowed(text string) bool {
	for part := range scansAllowed() {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// scannedTable reports whether a line of a plan reads a table row by row. The name is empty
// where the statement has given the table another.
func scannedTable(line string) (table string, isScan bool) {
	if found := regexp.MustCompile(`Seq Scan on (\w+)`).FindStringSubmatch(line); found != nil {
		return found[1], true
	}
	found := regexp.MustCompile(`^SCAN (\w+)( USING (?:COVERING )?INDEX \w+)?$`).FindStringSubmatch(strings.TrimSpace(line))
	switch {
	case found == nil:
		return "", false
	case len(found[1]) == 1: // an alias of one letter
		return "", true
	}
	return found[1], true
}
