//go:build journey || postgres

package e2e_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// shell is a bash that reads commands as a person pastes them.
type shell struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	printed strings.Builder
}

const prompt = "-- end of the line --"

// newShell starts a bash in a folder, without any of our variables.
func newShell(t *testing.T, folder string) *shell {
	t.Helper()
	bash := exec.CommandContext(context.Background(), "bash")
	// What it leaves running ends with it.
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := bash.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	bash.Dir = folder
	bash.Env = []string{"PATH=" + os.Getenv("PATH")}
	bash.Stderr = os.Stderr
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		defer func() { _ = syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }()
		if err := bash.Wait(); err != nil {
			t.Errorf("bash: %v", err)
		}
	})
	return &shell{t: t, in: in, out: bufio.NewReader(out)}
}

// run types one line and gives what it printed.
func (s *shell) run(line string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\necho '"+prompt+"'\n"); err != nil {
		s.t.Fatal(err)
	}
	var said strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		if strings.TrimSpace(text) == prompt {
			s.printed.WriteString(said.String())
			return strings.TrimSpace(said.String())
		}
		said.WriteString(text)
	}
}
