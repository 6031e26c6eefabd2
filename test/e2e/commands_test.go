package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/graph"
)

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

// TestDevicesImportReportsATakenUniqueID gives a new device the unique id of one that a
// family has: the command says so, loads the file and succeeds.
func TestDevicesImportReportsATakenUniqueID(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "taken.db")
	b := startOnFile(t, file)
	var data struct {
		ChildUsers []struct {
			Device struct{ SerialCode, UniqueID string }
		}
	}
	b.graphQL(t, b.signIn(t), `{ childUsers { device { serialCode uniqueId } } }`, &data)
	taken := data.ChildUsers[0].Device
	catalogue := filepath.Join(folder, "devices.csv")
	lines := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version,unique_id\n" +
		"SL20409001,00:80:E1:27:5C:84,1,1,1,1.0.0," + taken.UniqueID + "\nSL20409002,00:80:E1:27:5C:85,1,1,1,1.0.0,other\n"
	if err := os.WriteFile(catalogue, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, file, "devices", "import", catalogue).CombinedOutput()
	for _, want := range []string{"2 devices added, 0 updated, 0 unchanged", "line 2: stored without the unique_id " + taken.UniqueID, taken.SerialCode} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v %s, want %q", err, out, want)
		}
	}
}

func TestTokenAndSchemaCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token.db")
	b := startOnFile(t, file)
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
	var served any
	b.graphQL(t, "", graph.IntrospectionQuery, &served)
	var printed struct{ Data any }
	out, err = command(t, file, "schema", "--json").Output()
	if err = errors.Join(err, json.Unmarshal(out, &printed)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(served, printed.Data); diff != "" {
		t.Errorf("-introspection of the server +schema --json:\n%s", diff)
	}
}

// TestCollectionCommand holds that the command prints what the program serves, with the
// address that people know it by.
func TestCollectionCommand(t *testing.T) {
	t.Parallel()
	asked := command(t, filepath.Join(t.TempDir(), "collection.db"), "collection")
	asked.Env = append(asked.Env, "PUBLIC_URL=https://lux.example")
	out, err := asked.Output()
	var printed struct {
		Item     []struct{ Name string }
		Variable []struct{ Key, Value string }
	}
	if err = errors.Join(err, json.Unmarshal(out, &printed)); err != nil {
		t.Fatal(err)
	}
	if len(printed.Item) < 5 || printed.Item[0].Name != "GraphQL" || printed.Variable[0].Key != "origin" || printed.Variable[0].Value != "https://lux.example" {
		t.Errorf("%+v", printed)
	}
}

// TestVersion holds that `server version` and the log of a start name the version
// of the build and that of Go.
func TestVersion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "version.db")
	if out, err := command(t, file, "version").Output(); err != nil ||
		!strings.HasPrefix(string(out), "luxbff ") || !strings.HasSuffix(string(out), ", "+runtime.Version()+"\n") {
		t.Errorf("%v %q", err, out)
	}
	if s := startOnFile(t, file); !strings.Contains(s.Log.String(), "go="+runtime.Version()) {
		t.Errorf("the log doesn't name the version:\n%s", s.Log)
	}
}
