package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"luxbff/internal/demo"
)

func writeDocument(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDocumentsAreReloaded replaces the documents of the apps under a running server, by a
// signal, while a subscription is open. What is wrong with them changes nothing; the doctor
// finds it too.
func TestDocumentsAreReloaded(t *testing.T) {
	t.Parallel()
	folder, database := t.TempDir(), filepath.Join(t.TempDir(), "documents.db")
	feed, added := "subscription { devlogStatus { devlog { logFileId } } }", "{ me { firstName } }"
	signIn := fmt.Sprintf(`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, demo.Email, demo.Password)
	for name, text := range map[string]string{"sign-in": signIn, "me": "{ me { id } }", "feed": feed} {
		writeDocument(t, filepath.Join(folder, name+".graphql"), text)
	}
	settings := []string{"TRUSTED_DOCUMENTS=" + folder, "TRUSTED_DOCUMENTS_MODE=enforce"}
	serve := command(t, database)
	serve.Env = append(serve.Env, settings...)
	s := start(t, serve)
	token := s.signIn(t)
	open := s.subscribe(t, token, feed)
	if code := s.execute(t, token, added, nil); code != "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("before it is there: %q", code)
	}
	remove := func(files ...string) {
		t.Helper()
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	reload := func(said string, times int) {
		t.Helper()
		sendSignal(t, s.PID, syscall.SIGHUP)
		s.WaitFor(t, said+" is in the log", func() bool { return strings.Count(s.Log.String(), said) == times })
	}

	writeDocument(t, filepath.Join(folder, "added.graphql"), added)
	reload("documents of the apps are read again", 1)
	if code := s.execute(t, token, added, nil); code != "" {
		t.Errorf("once it is there: %q", code)
	}

	broken := filepath.Join(folder, "broken.json")
	writeDocument(t, broken, `{"Broken": "{ me { noSuchField } }"}`)
	remove(filepath.Join(folder, "added.graphql"))
	reload("the documents of the apps stay as they were", 1)
	if code := s.execute(t, token, added, nil); code != "" || !strings.Contains(s.Log.String(), "broken.json") {
		t.Errorf("beside a broken one: %q\n%s", code, s.Log)
	}
	wrong := regexp.MustCompile(`(?m)^WRONG  documents .*broken\.json: the document "Broken": line 1: Cannot query field "noSuchField"`)
	if report, well := runDoctor(t, "file:"+database, settings...); well || !wrong.MatchString(report) {
		t.Errorf("the doctor found\n%s", report)
	}

	remove(broken, filepath.Join(folder, "feed.graphql"))
	if report, well := runDoctor(t, "file:"+database, settings...); !well || !strings.Contains(report, "2 of the apps; others are refused") {
		t.Errorf("the doctor found\n%s", report)
	}
	reload("documents of the apps are read again", 2)
	if code := s.execute(t, token, added, nil); code != "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("once it is gone: %q", code)
	}
	s.uploadOne(t, token, 7001)
	if got := expectMessage(t, open, "next"); !strings.Contains(string(got.Payload), `"logFileId":7001`) {
		t.Errorf("the subscription got %s", got.Payload)
	}
}
