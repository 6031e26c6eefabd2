package e2e_test

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/processtest"
)

func sendSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// TestSignalsThatEndNothing holds that a server goes on at the signals by which other
// programs reload or reopen something, and says in the log that it does neither; that it
// notifies its supervisor when it can be asked and when it stops; and that SIGTERM ends
// it.
func TestSignalsThatEndNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	supervisor, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "notify.sock"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = supervisor.Close() })
	state := func() string {
		t.Helper()
		text := make([]byte, 100)
		n, err := supervisor.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
	serve := command(t, filepath.Join(folder, "signals.db"))
	serve.Env = append(serve.Env, "NOTIFY_SOCKET="+supervisor.LocalAddr().String())
	s := processtest.Launch(t, serve)
	if got := state(); got != "READY=1" || !s.Ready() {
		t.Errorf("the supervisor is notified of %q, and the server is ready: %v", got, s.Ready())
	}
	sendSignal(t, s.PID, syscall.SIGPIPE)
	for i, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2} {
		sendSignal(t, s.PID, signal)
		s.WaitFor(t, signal.String()+" is in the log", func() bool {
			return strings.Count(s.Log.String(), "nothing is reloaded") == i+1 && strings.Contains(s.Log.String(), signal.String())
		})
	}
	if !s.Ready() {
		t.Errorf("the server is gone:\n%s", s.Log)
	}
	s.Terminate(t)
	if got := state(); got != "STOPPING=1" {
		t.Errorf("the supervisor is notified of %q", got)
	}
	s.WaitForExit(t)
}

// TestLogThatNobodyReads holds that a server goes on when what read its log is gone.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	serve := command(t, filepath.Join(t.TempDir(), "pipe.db"))
	serve.Stdout, serve.Stderr = writer, writer
	addr := serve.Env[1]
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Process.Kill() })
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	url := "http://" + strings.TrimPrefix(addr, "ADDR=")
	testutil.WaitFor(t, "it is ready", func() bool { return processtest.Ready(t.Context(), url) })
	sendSignal(t, serve.Process.Pid, syscall.SIGTERM)
	if err := serve.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestSecondSignalEndsAtOnce holds that a server which is asked to stop while it still
// serves for its balancers ends at once when it is asked again.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for signal, status := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "second.db")
			if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
				t.Fatalf("migrate: %v\n%s", err, out)
			}
			serve := command(t, file)
			serve.Env = append(serve.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example", "DRAIN_FOR=20m", "SHUTDOWN_DELAY=10m")
			s := processtest.Start(t, serve)
			sendSignal(t, s.PID, syscall.SIGTERM)
			s.WaitFor(t, "it is stopping", func() bool { return strings.Contains(s.Log.String(), `"msg":"stopping"`) })
			sendSignal(t, s.PID, signal)
			if got := s.ExitStatus(); got != status || !strings.Contains(s.Log.String(), "ended at once by a second signal") {
				t.Errorf("the server ended with status %d, want %d:\n%s", got, status, s.Log)
			}
		})
	}
}

// TestInterruptedBackup holds that a backup which is interrupted leaves nothing, whichever
// signal ends it. The database is locked meanwhile, so that the backup waits for its turn.
func TestInterruptedBackup(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			file, backup := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "backup", "backup.db")
			if err := os.Mkdir(filepath.Dir(backup), 0o700); err != nil {
				t.Fatal(err)
			}
			if out, err := command(t, file, "migrate").CombinedOutput(); err != nil {
				t.Fatalf("migrate: %v\n%s", err, out)
			}
			lockDatabase(t, file)
			c := processtest.Launch(t, command(t, file, "backup", backup))
			found := func() []os.DirEntry {
				entries, err := os.ReadDir(filepath.Dir(backup))
				if err != nil {
					t.Fatal(err)
				}
				return entries
			}
			c.WaitFor(t, "the backup has begun", func() bool { return len(found()) > 0 })
			sendSignal(t, c.PID, signal)
			if status := c.ExitStatus(); status != 1 || !strings.Contains(c.Log.String(), "server: interrupted: ") || len(found()) > 0 {
				t.Errorf("the backup ended with status %d and left %v:\n%s", status, found(), c.Log)
			}
		})
	}
}

// lockDatabase keeps every other connection waiting until the test ends.
func lockDatabase(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	for _, statement := range []string{"PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
