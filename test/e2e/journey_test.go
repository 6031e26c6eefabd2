//go:build journey

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// TestReadmeJourney pastes the README's journey into a shell, line by line, beside a
// fresh server, with a subscription since the sign-up.
func TestReadmeJourney(t *testing.T) {
	t.Parallel()
	s := startOnFile(t, filepath.Join(t.TempDir(), "journey.db"))
	shell := newShell(t, t.TempDir())
	var subscriber *websocket.Conn
	for _, line := range readmeJourney(t, s.URL) {
		shell.run(line)
		if strings.HasPrefix(line, "TOKEN=") {
			subscriber = s.subscribe(t, shell.run("echo $TOKEN"), readmeSubscription(t))
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
	if status := event.Payload.Data.DevlogStatus; status.Change != "COMPLETED" || status.Device.LastLogFileID != 1 {
		t.Errorf("the subscriber received %+v", event)
	}
}

// readmeJourney is the README's block of commands, with the address of the test's
// server.
func readmeJourney(t *testing.T, url string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
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

// readmeSubscription is the README's GraphQL document.
func readmeSubscription(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(regexp.MustCompile("(?s)```graphql\n(.*?)```").FindSubmatch(text)[1])
}
