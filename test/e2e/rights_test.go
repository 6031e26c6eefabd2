package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"luxbff/internal/testutil/processtest"
)

// TestOnlyItsUserReadsTheFiles holds that the database with its write-ahead log, a backup and what is
// restored from it are readable for the program's user alone, whatever the umask.
func TestOnlyItsUserReadsTheFiles(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "022", "077"} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			database, backup, restored := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "backup.db"), filepath.Join(folder, "restored.db")
			s := processtest.Start(t, withUmask(command(t, database), umask))
			wantPrivate(t, database, database+"-wal", database+"-shm")
			for _, c := range []*exec.Cmd{command(t, database, "backup", backup), command(t, restored, "restore", backup)} {
				if out, err := withUmask(c, umask).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", c.Args, err, out)
				}
			}
			wantPrivate(t, backup, restored)
			s.Terminate(t)
			s.WaitForExit(t)
			wantPrivate(t, database)
		})
	}
}

// withUmask runs the command with a umask of its own; the test's own is shared by all
// tests.
func withUmask(c *exec.Cmd, umask string) *exec.Cmd {
	shell := exec.CommandContext(context.Background(), "sh", append([]string{"-c", "umask " + umask + `; exec "$0" "$@"`}, c.Args...)...)
	shell.Env = c.Env
	return shell
}

func wantPrivate(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		found, err := os.Stat(file)
		if err != nil {
			t.Error(err)
		} else if mode := found.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the rights %04o", file, mode)
		}
	}
}
