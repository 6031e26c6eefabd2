package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }

// binary is a server process of its own, that a client speaks to.
type binary struct{ *processtest.Process }

// command is the program on a database file.
func command(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	return processtest.Command(t, "file:"+file, args...)
}

// startBinary starts the program on a database file and waits until it is ready.
func startBinary(t *testing.T, file string) *binary {
	t.Helper()
	return startAt(t, "file:"+file)
}

// startAt starts the program on a database and waits until it is ready.
func startAt(t *testing.T, url string) *binary {
	t.Helper()
	return startCommand(t, processtest.Command(t, url))
}

// startCommand starts the program with these settings and waits until it is ready.
func startCommand(t *testing.T, serve *exec.Cmd) *binary {
	t.Helper()
	return &binary{processtest.Start(t, serve)}
}

// lines keeps no connection. Go's client opens some in advance, and the server
// closes one on which nothing is asked for ten seconds: a request that comes then
// would be lost, and nobody's fault.
var lines = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// post sends JSON and gives status and body; an error is a broken connection.
func post(url, token, body string) (int, []byte, error) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := lines.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, raw, err
}

// graphQL runs an operation and decodes its data.
func (b *binary) graphQL(t *testing.T, token, query string, out any) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	status, raw, err := post(b.URL+"/graphql", token, string(body))
	if err != nil {
		t.Fatal(err)
	}
	reply := struct {
		Data   any
		Errors []any
	}{Data: out}
	if err := json.Unmarshal(raw, &reply); err != nil || len(reply.Errors) > 0 {
		t.Fatalf("%d %s", status, raw)
	}
}

// signIn signs the demo parent in.
func (b *binary) signIn(t *testing.T) string {
	t.Helper()
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	b.graphQL(t, "", fmt.Sprintf(
		`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, demo.Email, demo.Password), &data)
	return data.SignIn.Tokens.AccessToken
}

func TestStartsWithADemoFamilyAndSaysHowToSignIn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "demo.db")
	b := startBinary(t, file)
	for range 2 { // A second start finds the family and makes no other.
		var data struct {
			ChildUsers []struct {
				Device  struct{ LastLogFileID int }
				Devlogs struct{ Edges []struct{ Cursor string } }
			}
		}
		b.graphQL(t, b.signIn(t), `{ childUsers { device { lastLogFileId } devlogs { edges { cursor } } } }`, &data)
		if len(data.ChildUsers) != 2 {
			t.Fatalf("the demo family has %d children", len(data.ChildUsers))
		}
		for _, c := range data.ChildUsers {
			if c.Device.LastLogFileID != 7 || len(c.Devlogs.Edges) != 7 {
				t.Errorf("a demo child has %+v", c)
			}
		}
		for _, want := range []string{"/graphql", "/dev/outbox", demo.Email, demo.Password} {
			if !strings.Contains(b.Log.String(), want) {
				t.Errorf("the start does not print %s:\n%s", want, b.Log)
			}
		}
		b.Kill()
		b = startBinary(t, file)
	}
}

func TestDevicesImportNamesTheBadLineAndStoresNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	catalogue := filepath.Join(folder, "devices.csv")
	run := func(lines string) (string, error) {
		text := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n" + lines
		if err := os.WriteFile(catalogue, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := command(t, filepath.Join(folder, "import.db"), "devices", "import", catalogue).CombinedOutput()
		return string(out), err
	}
	const one = "SL20409001,00:80:E1:27:4C:84,1,1,1,1.0.0\n"
	if out, err := run(one + "SL20409002,00:80:E1:27:4C:85,one,1,1,1.0.0\n"); err == nil || !strings.Contains(out, "line 3") {
		t.Errorf("a bad line: %v %s", err, out)
	}
	for _, want := range []string{"1 devices added, 0 updated, 0 unchanged", "0 devices added, 0 updated, 1 unchanged"} {
		if out, err := run(one); err != nil || !strings.Contains(out, want) {
			t.Errorf("%v %s, want %s", err, out, want)
		}
	}
	if out, err := run("SL20409001,00:80:E1:27:4C:84,1,1,2,1.0.1\n"); err != nil || !strings.Contains(out, "0 devices added, 1 updated") {
		t.Errorf("%v %s", err, out)
	}
}

func TestTokenAndSchemaCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token.db")
	b := startBinary(t, file)
	out, err := command(t, file, "token", "--user", "1").Output()
	if err != nil {
		t.Fatal(err)
	}
	var data struct{ Me struct{ ID string } }
	b.graphQL(t, strings.TrimSpace(string(out)), `{ me { id } }`, &data)
	if data.Me.ID != "1" {
		t.Errorf("the token is of user %q", data.Me.ID)
	}
	out, err = command(t, file, "schema").Output()
	if err != nil || !regexp.MustCompile(`type Mutation \{`).Match(out) {
		t.Errorf("schema: %v %.200s", err, out)
	}
}
