//go:build postgres

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// TestOperatingByTheBook pastes the blocks of docs/operating.md into a shell, as a
// new operator does, with an address and a PostgreSQL of the test's.
func TestOperatingByTheBook(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Symlink(processtest.Build(t), filepath.Join(folder, "server")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(
		"ADDR=:8080", "ADDR="+processtest.FreeAddr(t), "http://localhost:8080", "http://$ADDR",
		"postgres://luxbff@db.example.com/luxbff", storetest.EmptyPostgresURL(t),
	)
	shell := newShell(t, folder)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(here.Replace(block[1])) {
			shell.run(strings.TrimSpace(line))
		}
	}
	said := shell.printed.String()
	for _, want := range []string{
		"1 devices added", `{"status":"ok"}`, "backup-1.db is whole", "is restored from backup-1.db",
		`"kid":"second"`, `"kid":"first"`, "same on both sides", "Everything is copied", "PostgreSQL",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the book did not print %q:\n%s", want, said)
		}
	}
	if n := strings.Count(said, "ok     migrations"); n != 3 {
		t.Errorf("the doctor found the migrations applied %d times, want 3:\n%s", n, said)
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "WRONG") && !strings.Contains(line, "messages") && !strings.Contains(line, "durability") {
			t.Errorf("the doctor found %s", line)
		}
	}
}
