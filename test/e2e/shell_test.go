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

// shell is a bash into which a test types commands, as a person pastes them.
type shell struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	printed strings.Builder
}

const endOfOutput = "-- end of the output --"

// newShell starts a bash in a folder, without the variables of the test's own process.
func newShell(t *testing.T, folder string) *shell {
	t.Helper()
	bash := exec.CommandContext(context.Background(), "bash")
	// A process group of its own, so that what the commands leave running can be ended.
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

// run types one line and gives what it printed. It knows where the output ends by a
// line that it lets bash print behind it.
func (s *shell) run(line string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\necho '"+endOfOutput+"'\n"); err != nil {
		s.t.Fatal(err)
	}
	var output strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		if strings.TrimSpace(text) == endOfOutput {
			s.printed.WriteString(output.String())
			return strings.TrimSpace(output.String())
		}
		output.WriteString(text)
	}
}
