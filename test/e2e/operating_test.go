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

// TestOperatingByTheBook pastes the shell blocks of docs/operating.md into a shell, as
// a new operator does. Only the address and the PostgreSQL are those of the test.
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
	replacements := strings.NewReplacer(
		"ADDR=127.0.0.1:8080", "ADDR="+processtest.FreeAddr(t), "http://localhost:8080", "http://$ADDR",
		"postgres://luxbff@db.example.com/luxbff?sslmode=verify-full&sslrootcert=postgres-ca.pem", storetest.EmptyPostgresURL(t),
	)
	shell := newShell(t, folder)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(replacements.Replace(block[1])) {
			shell.run(strings.TrimSpace(line))
		}
	}
	output := shell.printed.String()
	for _, want := range []string{
		"1 devices added", `{"status":"ok"}`, "backup-1.db is whole", "is restored from backup-1.db",
		`"kid":"second"`, `"kid":"first"`, "same on both sides", "Everything is copied", "PostgreSQL",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the book did not print %q:\n%s", want, output)
		}
	}
	if n := strings.Count(output, "ok     migrations"); n != 3 {
		t.Errorf("the doctor found the migrations applied %d times, want 3:\n%s", n, output)
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "WRONG") && !strings.Contains(line, "messages") && !strings.Contains(line, "durability") {
			t.Errorf("the doctor found %s", line)
		}
	}
}
