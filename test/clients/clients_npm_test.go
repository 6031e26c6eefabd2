//go:build npm

package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
)

const npm = "testdata/npm"

// journeyFamily is what a script gets to know of the family for which it acts.
type journeyFamily struct {
	URL      string `json:"url"`
	Control  string `json:"control"`
	Token    string `json:"token"`
	Email    string `json:"email"`
	ID       string `json:"id"`
	ChildID  string `json:"childId"`
	DeviceID string `json:"deviceId"`
	UniqueID string `json:"uniqueId"`
}

// TestClients runs the same journey with each client: it reads, changes, is refused,
// and receives changes over every transport that the client has.
func TestClients(t *testing.T) {
	t.Parallel()
	for script, transports := range map[string][]string{
		"urql.js":            {"graphql-ws", "its own fetch"},
		"apollo.js":          {"graphql-ws", "multipart over HTTP"},
		"graphql-request.js": nil,
		"executor-http.js":   {"server-sent events"},
	} {
		t.Run(strings.TrimSuffix(script, ".js"), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			out := runNode(t, npm, newFamily(t, s), script)
			for _, transport := range transports {
				if !strings.Contains(out, transport+": told of three changes\n") {
					t.Errorf("nothing was told over %s", transport)
				}
			}
			if !strings.HasSuffix(out, "the journey is done\n") {
				t.Errorf("the journey has no end:\n%s", out)
			}
		})
	}
}

// TestGuide runs what docs/guides shows: the session goes on behind the end of its access token, and the feed
// behind a break, whatever else happens.
func TestGuide(t *testing.T) {
	t.Parallel()
	for script, end := range map[string]string{
		"guide-test.js": "the guide holds\n", "guide-clients-test.js": "the clients of the guide hold\n",
	} {
		t.Run(strings.TrimSuffix(script, ".js"), func(t *testing.T) {
			t.Parallel()
			if out := runNode(t, npm, newFamily(t, apptest.Start(t)), script); out != end {
				t.Errorf("%s", out)
			}
		})
	}
}

// TestGuideInTypeScript compiles a strict app that uses what docs/guides shows, which has its types in comments.
func TestGuideInTypeScript(t *testing.T) {
	t.Parallel()
	run(t, npm, nil, "node_modules/.bin/tsc", "--project", "tsconfig.guide.json")
}

// newFamily makes a family, the first of its program, and a server of the test's own that
// answers once as many subscriptions are open as its path says, and moves the time.
func newFamily(t *testing.T, s *apptest.Server) journeyFamily {
	t.Helper()
	control := http.NewServeMux()
	control.HandleFunc("GET /subscribers/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.WaitForSubscribers(t, n)
	})
	control.HandleFunc("GET /clock/{minutes}", func(_ http.ResponseWriter, r *http.Request) {
		minutes, err := strconv.Atoi(r.PathValue("minutes"))
		if err != nil {
			t.Error(err)
		}
		s.Clock.Add(time.Duration(minutes) * time.Minute)
	})
	server := httptest.NewServer(control)
	t.Cleanup(server.Close)
	family := s.NewFamily(t)
	return journeyFamily{
		URL: s.URL + "/graphql", Control: server.URL, Token: family.Token, Email: "parent1@example.com", ID: strconv.Itoa(family.RootUserID),
		ChildID: strconv.Itoa(family.ID), DeviceID: strconv.Itoa(family.DeviceID), UniqueID: family.UniqueID,
	}
}

// runNode runs a script of the folder for the family and gives what it wrote.
func runNode(t *testing.T, folder string, family journeyFamily, script string, args ...string) string {
	t.Helper()
	described, err := json.Marshal(family)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, folder, []string{"FAMILY=" + string(described)}, "node", append([]string{script}, args...)...)
}

func run(t *testing.T, folder string, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, out, &stderr)
	}
	return string(out)
}

// TestRelay compiles the screens of an app with relay-compiler against the schema that it
// downloads, and runs them with Relay's runtime.
func TestRelay(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	folder := copyWithPackages(t, npm+"/relay")
	if err := os.WriteFile(filepath.Join(folder, "schema.graphql"), s.Call(t, http.MethodGet, "/schema.graphql", "", "").Body, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "__generated__"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, folder, nil, "node_modules/.bin/relay-compiler", "relay.config.json")
	if out := runNode(t, folder, newFamily(t, s), "run.js"); out != "the screens are shown\n" {
		t.Errorf("the screens end with %q", out)
	}
}

// TestCodegen makes TypeScript types from the schema in each form in which the program
// gives it, and checks an app against them.
func TestCodegen(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	printed := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(printed, []byte(run(t, "../..", nil, "go", "run", "./server", "schema", "--json")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, schema := range map[string]string{
		"introspection of the running program": s.URL + "/graphql",
		"downloaded":                           s.URL + "/schema.graphql",
		"printed as JSON":                      printed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := copyWithPackages(t, npm+"/codegen")
			config, err := os.ReadFile(filepath.Join(folder, "codegen.json"))
			if err != nil {
				t.Fatal(err)
			}
			var settings map[string]any
			if err := json.Unmarshal(config, &settings); err != nil {
				t.Fatal(err)
			}
			settings["schema"] = schema
			if config, err = json.Marshal(settings); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "codegen.json"), config, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, folder, nil, "node_modules/.bin/graphql-codegen", "--config", "codegen.json")
			run(t, folder, nil, "node_modules/.bin/tsc", "--project", "tsconfig.json")
		})
	}
}

// copyWithPackages copies a folder to where a tool may write, with the installed
// packages beside its files.
func copyWithPackages(t *testing.T, folder string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	packages, err := filepath.Abs(npm + "/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(copied, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return copied
}

// TestGraphQLJS compares verdicts and answers with those of graphql-js, over documents
// drawn from the schema.
func TestGraphQLJS(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := newFamily(t, s)
	uploadLogs(t, s, family, 30)
	s.CreateChild(t, family.Token)
	s.Data(t, family.Token, `mutation { sendImpedanceAlert { ok } sendEmailVerification(input: {email: "parent1@example.com"}) { ok } }`, nil, &struct{}{})
	testutil.WaitFor(t, "the messages have left", func() bool {
		var seen struct {
			Me struct {
				Messages struct {
					Edges []struct{ Node struct{ Status string } }
				}
			}
		}
		s.Data(t, family.Token, `{ me { messages { edges { node { status } } } } }`, nil, &seen)
		left := 0
		for _, edge := range seen.Me.Messages.Edges {
			if edge.Node.Status == "SENT" {
				left++
			}
		}
		return left == 2
	})
	for _, seed := range []string{"1", "2", "3"} {
		t.Run("seed "+seed, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(strings.TrimSpace(runNode(t, npm, family, "differential.js", "1500", seed)), "\n")
			var counts struct{ Valid, Invalid, Syntax, Limited, Data, Errors, Disagreements int }
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &counts); err != nil {
				t.Fatal(err)
			}
			if counts.Disagreements > 0 {
				t.Errorf("%d disagreements:\n%s", counts.Disagreements, strings.Join(lines[:min(len(lines)-1, 20)], "\n"))
			}
			// A drawing that is nearly always refused compares nothing.
			if counts.Data < 500 || counts.Errors < 50 || counts.Invalid < 200 || counts.Syntax < 20 || counts.Limited > 75 {
				t.Errorf("too little was compared: %+v", counts)
			}
		})
	}
}

// uploadLogs stores complete logs of the family's child, and a temporary one.
func uploadLogs(t *testing.T, s *apptest.Server, family journeyFamily, n int) {
	t.Helper()
	logs := make([]map[string]any, n)
	for i := range logs {
		logs[i] = map[string]any{
			"childUserId": family.ChildID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
			"treatmentDate": fmt.Sprintf("2025-02-%02dT15:48:49", i%28+1), "lastIntensity": i, "treatmentTime": 60 * i,
		}
		if i > 0 {
			logs[i]["logFileId"], logs[i]["finishFlag"] = i, "BUTTON_SHUTDOWN"
		}
	}
	s.Data(t, family.Token, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
		map[string]any{"logs": logs}, &struct{}{})
}
