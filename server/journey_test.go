//go:build journey

package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
			subscriber = subscribe(t, s.url, shell.run("echo $TOKEN"))
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

// subscribe opens the README's subscription and waits until it stands.
func subscribe(t *testing.T, url, token string) *websocket.Conn {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	document := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindSubmatch(text)[1]
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDial: net.Dial}
	conn, answer, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	say := func(kind, id string, payload any) {
		if err := conn.WriteJSON(map[string]any{"type": kind, "id": id, "payload": payload}); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(kind string) {
		var f struct {
			Type    string
			Payload json.RawMessage
		}
		if err := conn.ReadJSON(&f); err != nil || f.Type != kind {
			t.Fatalf("got %s %s, %v; want %s", f.Type, f.Payload, err, kind)
		}
	}
	say("connection_init", "", map[string]string{"Authorization": "Bearer " + token})
	hear("connection_ack")
	say("subscribe", "1", map[string]string{"query": string(document)})
	say("subscribe", "2", map[string]string{"query": "{ me { id } }"})
	hear("next")
	hear("complete")
	return conn
}
