package docsite_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

var (
	curlBody  = regexp.MustCompile(`(?s) -d '(.*?)'`)
	jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")
	shell     = regexp.MustCompile("(?s)```sh\n(.*?)```")
)

// guide reads one of the guides.
func guide(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/guides/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// startDemo starts what a developer has in front of them, and gives the demo parent's token.
func startDemo(t *testing.T) (s *apptest.Server, token string) {
	t.Helper()
	s = apptest.Start(t)
	if err := s.App.LoadDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	var signed struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.Data(t, "", `mutation($email: String!, $password: String!) { signIn(input: {email: $email, password: $password}) { tokens { accessToken } } }`,
		map[string]any{"email": demo.Email, "password": demo.Password}, &signed)
	return s, signed.SignIn.Tokens.AccessToken
}

// TestCurlsOfGuides sends what the guides send from a shell, to a server with the demo family.
func TestCurlsOfGuides(t *testing.T) {
	t.Parallel()
	s, token := startDemo(t)
	sent := 0
	for _, name := range []string{"start.md", "usage-logs.md"} {
		for _, block := range shell.FindAllStringSubmatch(guide(t, name), -1) {
			for _, body := range curlBody.FindAllStringSubmatch(block[1], -1) {
				sent++
				answer := s.Call(t, http.MethodPost, "/graphql", token, body[1])
				if answer.Status != http.StatusOK || strings.Contains(string(answer.Body), `"errors"`) {
					t.Errorf("%s: %s\nis answered %d %s", name, body[1], answer.Status, answer.Body)
				}
			}
		}
	}
	if sent != 3 {
		t.Errorf("%d requests were found in the guides, want 3", sent)
	}
}

// TestUploadsOfTheGuide uploads the three logs that it shows of one use: each makes the change
// that it says, and one that is sent again none.
func TestUploadsOfTheGuide(t *testing.T) {
	t.Parallel()
	s, token := startDemo(t)
	feed, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
		URL: s.URL, Token: token, Transport: subscriptiontest.WebSocket, Selection: "devlog { treatmentDate }",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(feed.Close)
	s.WaitForSubscribers(t, 1)
	logs := jsonBlock.FindAllStringSubmatch(guide(t, "usage-logs.md"), -1)
	if len(logs) != 3 {
		t.Fatalf("the guide shows %d logs, want 3", len(logs))
	}
	for i, step := range []struct {
		log             int
		verdict, change string
	}{{0, "STORED", "CREATED"}, {1, "STORED", "UPDATED"}, {2, "STORED", "COMPLETED"}, {2, "REPLAYED", ""}, {0, "LATE", ""}} {
		var log map[string]any
		if err := json.Unmarshal([]byte(logs[step.log][1]), &log); err != nil {
			t.Fatal(err)
		}
		var uploaded struct {
			UploadDevlogs struct{ Results []struct{ Verdict string } }
		}
		s.Data(t, token, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { results { verdict } } }`,
			map[string]any{"logs": []any{log}}, &uploaded)
		if got := uploaded.UploadDevlogs.Results[0].Verdict; got != step.verdict {
			t.Errorf("step %d: %s, want %s", i, got, step.verdict)
		}
		if step.change == "" {
			continue
		}
		event, err := feed.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.Change != step.change || !strings.Contains(event.Status, `"2026-01-11T20:30:00"`) {
			t.Errorf("step %d: %s, want %s of the date on which the use began", i, event.Status, step.change)
		}
	}
}
