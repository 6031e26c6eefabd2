//go:build npm

package app_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// TestClientsResumeByThemselves cuts the connections of npm's graphql-ws and of Apollo
// Client: they connect again with the request they have, and get what they missed.
func TestClientsResumeByThemselves(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	proxy, err := subscriptiontest.NewProxy(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	expect := startNodeClients(t, proxy.URL()+"/graphql", token)

	s.WaitForSubscribers(t, 2)
	upload(t, s, token, 1, 3)
	expect(false, 1, 2, 3)
	waitForResumePoints(t, s, 3, 2)
	proxy.SetTarget("127.0.0.1:1") // where nothing listens
	proxy.CloseConnections()
	s.WaitForSubscribers(t, 0)
	upload(t, s, token, 4, 6)
	proxy.SetTarget(s.Listener.Addr().String())
	expect(true, 4, 5, 6)
	upload(t, s, token, 7, 7)
	expect(false, 7)
}

// startNodeClients starts both clients, and gives a function that waits until each
// has received the events of the files.
func startNodeClients(t *testing.T, url, token string) func(recovered bool, files ...int) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "resume.js", url, token)
	node.Dir = "../gqlws/testdata/clients"
	node.Stderr = os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = node.Wait()
	})
	lines := bufio.NewScanner(out)
	return func(recovered bool, files ...int) {
		t.Helper()
		received := map[string]int{}
		for range 2 * len(files) {
			if !lines.Scan() {
				t.Fatalf("the clients are gone: %v", lines.Err())
			}
			var e struct {
				Client, Error string
				File          int
				Recovered     bool
			}
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
			i := received[e.Client]
			received[e.Client]++
			if e.Error != "" || i >= len(files) || e.File != files[i] || e.Recovered != (recovered && i == 0) {
				t.Fatalf("event %d of %v is %s", i, files, lines.Text())
			}
		}
	}
}
