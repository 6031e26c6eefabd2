package repo_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPageNamesTests: a protection whose test was renamed or removed must not go on
// standing in docs/security.md as if something showed it. The page has every chapter of the
// standard, also those of which the program has nothing.
func TestSecurityPageNamesTests(t *testing.T) {
	t.Parallel()
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	declared := map[string]bool{}
	for _, path := range files(t, "_test.go") {
		for _, found := range declaration.FindAllStringSubmatch(read(t, path), -1) {
			declared[found[1]] = true
		}
	}
	page := read(t, "docs/security.md")
	for _, found := range regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`").FindAllStringSubmatch(page, -1) {
		if !declared[found[1]] {
			t.Errorf("docs/security.md names %s, which is no test", found[1])
		}
	}
	const chapters = 17 // of ASVS 5.0
	for chapter := 1; chapter <= chapters; chapter++ {
		if !strings.Contains(page, fmt.Sprintf("\n### V%d ", chapter)) {
			t.Errorf("docs/security.md has no chapter V%d", chapter)
		}
	}
}
