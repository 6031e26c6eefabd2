//go:build journey

package main_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// TestJourneyOfTheReadme pastes the README's journey into a shell, line by line,
// beside a fresh server, with a subscriber on a socket since the sign-up.
func TestJourneyOfTheReadme(t *testing.T) {
	t.Parallel()
	s := startBinary(t, build(t), filepath.Join(t.TempDir(), "journey.db"))
	shell := newShell(t)
	var subscriber *websocket.Conn
	for _, line := range journey(t, s.url) {
		shell.run(line)
		if strings.HasPrefix(line, "TOKEN=") {
			subscriber = s.subscribe(t, shell.run("echo $TOKEN"), subscription(t))
		}
	}
	for _, want := range []string{`"lastLogFileId":0`, "Devlog saved successfully", `"lastLogFileId":1`, "BUTTON_SHUTDOWN"} {
		if !strings.Contains(shell.printed.String(), want) {
			t.Errorf("the journey did not print %s:\n%s", want, shell.printed.String())
		}
	}
	var event struct {
		Type    string
		Payload struct {
			Data struct {
				DevlogStatus struct {
					Change string
					Device struct{ LastLogFileID int }
				}
			}
		}
	}
	if err := subscriber.ReadJSON(&event); err != nil {
		t.Fatal(err)
	}
	if told := event.Payload.Data.DevlogStatus; told.Change != "COMPLETED" || told.Device.LastLogFileID != 1 {
		t.Errorf("the subscriber received %+v", event)
	}
}

// journey is the README's block, towards the test's server.
func journey(t *testing.T, url string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)## A parent's journey.*?```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("the README has no journey")
	}
	lines := strings.Split(strings.ReplaceAll(string(block[1]), "http://localhost:8080", url), "\n")
	return append([]string{"set -u; TOKEN="}, lines...)
}

// shell is a bash that reads commands as a person pastes them.
type shell struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	printed strings.Builder
}

const prompt = "-- end of the line --"

func newShell(t *testing.T) *shell {
	t.Helper()
	bash := exec.CommandContext(context.Background(), "bash")
	in, err := bash.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	bash.Stderr = os.Stderr
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
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

// subscription is the README's.
func subscription(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(regexp.MustCompile("(?s)```graphql\n(.*?)```").FindSubmatch(text)[1])
}
