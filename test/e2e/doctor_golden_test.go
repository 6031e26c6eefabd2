//go:build linux

package e2e_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/processtest"
)

var update = flag.Bool("update", false, "write the golden files of the doctor anew")

// nobody is the user that runs the program where the test is root: root may do all that
// a broken installation forbids.
const nobody = 65534

// installation is a folder with the program and its database, both of the user that runs
// the program.
type installation struct {
	folder, file string
	settings     []string
	// through runs the command in the last argument, where the shell has to do something
	// before.
	through []string
}

// newInstallation copies a migrated database into a folder of its own.
func newInstallation(t *testing.T, migrated string) *installation {
	t.Helper()
	folder, err := os.MkdirTemp("", "luxbff-doctor") //nolint:usetesting // another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	i := &installation{folder: folder, file: filepath.Join(folder, "luxbff.db")}
	if migrated != "" {
		content, err := os.ReadFile(migrated)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, i.file, string(content))
	}
	i.own(t, folder)
	return i
}

// own gives files to the user that runs the program.
func (i *installation) own(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if os.Getuid() == 0 {
			must(t, os.Chown(path, nobody, nobody))
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
	if os.Getuid() == 0 {
		must(t, os.Chown(path, nobody, nobody))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command of the program as its user, and gives what it printed.
func (i *installation) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := i.command(t, args...).CombinedOutput()
	return string(out), err
}

func (i *installation) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := processtest.Command(t, "file:"+i.file, args...)
	// The program was built in a folder that others cannot enter.
	tools, err := os.MkdirTemp("", "luxbff-tools") //nolint:usetesting // another user must reach it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(tools) })
	must(t, os.Chmod(tools, 0o755))
	program := filepath.Join(tools, "server")
	must(t, os.Link(c.Path, program))
	words := []string{program}
	words = append(words, args...)
	if os.Getuid() == 0 {
		words = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, words...)
	}
	words = append(slices.Clone(i.through), words...)
	as := exec.CommandContext(t.Context(), words[0], words[1:]...)
	as.Env, as.Dir = slices.Concat(c.Env, i.settings), "/"
	return as
}

// files describes all that lies in the folder: whose it is, when it changed and what it
// holds. Another process reads it: to close a file ends the locks of the own process.
func (i *installation) files(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "find", i.folder, "-printf", `%p %M %U %G %s %T@\n`, "-type", "f", "-exec", "sha256sum", "{}", "+").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// normal takes the folder and the user out of a report as well.
func (i *installation) normal(report string) string {
	report = strings.ReplaceAll(report, i.folder, "/srv/luxbff")
	me := "nobody"
	if current, err := user.Current(); err == nil && os.Getuid() != 0 {
		me = current.Username
	}
	report = regexp.MustCompile(`\b`+me+`\b`).ReplaceAllString(report, "luxbff")
	return normal(report)
}

// normal takes out of a report what differs between machines and runs.
func normal(report string) string {
	// Not every machine has a fit file system below its folder of temporary files.
	report = regexp.MustCompile(`(?m)^warn +file system .*\n`).ReplaceAllString(report, "")
	report = regexp.MustCompile(`\bof \d+ checks`).ReplaceAllString(report, "of 9 checks")
	report = regexp.MustCompile(`\bprocess \d+`).ReplaceAllString(report, "process 4711")
	report = regexp.MustCompile(`\bps -fp \d+`).ReplaceAllString(report, "ps -fp 4711")
	report = regexp.MustCompile(`\d+ MB are free\n`).ReplaceAllString(report, "40000 MB are free\n")
	report = regexp.MustCompile(`127\.0\.0\.1:\d{4,5}`).ReplaceAllString(report, "127.0.0.1:5432")
	report = regexp.MustCompile(`the program knows \d+`).ReplaceAllString(report, "the program knows 20260101000000")
	report = regexp.MustCompile(`which applies \d+`).ReplaceAllString(report, "which applies 1")
	return regexp.MustCompile(`PostgreSQL \d+\.\d+( \([^)]*\))?`).ReplaceAllString(report, "PostgreSQL 15.1")
}

// compareGolden compares the reports of all cases with a file, or writes it.
func compareGolden(t *testing.T, file string, names []string, reports map[string]string) {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		fmt.Fprintf(&all, "== %s\n%s\n", name, reports[name])
	}
	path := filepath.Join("testdata", file)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(all.String()), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("the doctor reports otherwise (-want +got); `.ci/run golden` writes it anew:\n%s", diff)
	}
}

// brokenInstallation breaks an installation in one way.
type brokenInstallation struct {
	name  string
	shape func(t *testing.T, i *installation)
}

func brokenOnSQLite() []brokenInstallation {
	remove := func(t *testing.T, i *installation) { t.Helper(); must(t, os.Remove(i.file)) }
	execute := func(t *testing.T, i *installation, statement string) *sql.DB {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+i.file)
		must(t, err)
		db.SetMaxOpenConns(1)
		_, err = db.ExecContext(t.Context(), statement)
		must(t, err)
		return db
	}
	return []brokenInstallation{
		{"nothing is broken", func(*testing.T, *installation) {}},
		{"there is no database", remove},
		{"there is no folder", func(_ *testing.T, i *installation) { i.file = filepath.Join(i.folder, "data", "luxbff.db") }},
		{"a part of the path is a file", func(_ *testing.T, i *installation) { i.file = filepath.Join(i.file, "luxbff.db") }},
		{"the path is a folder", func(t *testing.T, i *installation) {
			remove(t, i)
			must(t, os.Mkdir(i.file, 0o700))
		}},
		{"the path is a link to nothing", func(t *testing.T, i *installation) {
			remove(t, i)
			must(t, os.Symlink("/mnt/data/luxbff.db", i.file))
		}},
		{"the path is a link to itself", func(t *testing.T, i *installation) {
			remove(t, i)
			must(t, os.Symlink("luxbff.db", i.file))
		}},
		{"the database is gone and its log is left", func(t *testing.T, i *installation) {
			remove(t, i)
			writeFile(t, i.file+"-wal", strings.Repeat("w", 4096))
		}},
		{"the file is empty", func(t *testing.T, i *installation) { writeFile(t, i.file, "") }},
		{"the file is no database", func(t *testing.T, i *installation) { writeFile(t, i.file, strings.Repeat("secret ", 2000)) }},
		{"the file is damaged", func(t *testing.T, i *installation) {
			content, err := os.ReadFile(i.file)
			must(t, err)
			writeFile(t, i.file, string(content[:8192])+strings.Repeat("x", 4096)+string(content[12288:]))
		}},
		{"the file is read-only", func(t *testing.T, i *installation) { must(t, os.Chmod(i.file, 0o400)) }},
		{"the folder is read-only", func(t *testing.T, i *installation) {
			must(t, os.Chmod(i.folder, 0o500))
		}},
		{"the folder is read-only and there is no database", func(t *testing.T, i *installation) {
			remove(t, i)
			must(t, os.Chmod(i.folder, 0o500))
		}},
		{"the folder cannot be entered", func(t *testing.T, i *installation) {
			inner := filepath.Join(i.folder, "data")
			must(t, os.Mkdir(inner, 0o000))
			i.own(t, inner)
			i.file = filepath.Join(inner, "luxbff.db")
		}},
		{"others can read the file", func(t *testing.T, i *installation) {
			must(t, os.Chmod(i.file, 0o644))
		}},
		{"another program locks the file", func(t *testing.T, i *installation) {
			db := execute(t, i, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
			t.Cleanup(func() { _ = db.Close() })
			i.own(t, i.file+"-wal")
		}},
		{"another program does not end its write", func(t *testing.T, i *installation) {
			db := execute(t, i, "BEGIN IMMEDIATE")
			t.Cleanup(func() { _ = db.Close() })
			i.own(t, i.file+"-wal", i.file+"-shm")
		}},
		{"migrations are missing", func(t *testing.T, i *installation) {
			must(t, execute(t, i, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)").Close())
		}},
		{"the database is newer", func(t *testing.T, i *installation) {
			must(t, execute(t, i, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, 1)").Close())
		}},
		{"the URL sets less than is needed", func(_ *testing.T, i *installation) { i.file += "?_pragma=synchronous(OFF)" }},
		{"production without settings", func(_ *testing.T, i *installation) {
			i.settings = []string{"APP_ENV=production", "TOKEN_KEYS="}
		}},
	}
}

// brokenForRoot needs files of another user and mounts, which only root can make. Where
// the tests do not run as root, nobody can break an installation in these ways either.
func brokenForRoot() []brokenInstallation {
	return []brokenInstallation{
		{"the file belongs to another user", func(t *testing.T, i *installation) { must(t, os.Chown(i.file, 0, 0)) }},
		{"the log belongs to another user", func(t *testing.T, i *installation) {
			writeFile(t, i.file+"-wal", "")
			must(t, os.Chown(i.file+"-wal", 0, 0))
		}},
		{"the disk is mounted read-only", func(_ *testing.T, i *installation) {
			i.through = []string{"unshare", "--mount", "sh", "-c", "mount --bind " + i.folder + " " + i.folder + " && mount -o remount,ro,bind " + i.folder + ` && exec "$0" "$@"`}
		}},
	}
}

// TestDoctorGoldenSQLite holds what the doctor says of broken installations, word for
// word, and that it changes nothing of them.
func TestDoctorGoldenSQLite(t *testing.T) {
	t.Parallel()
	migrated := filepath.Join(t.TempDir(), "migrated.db")
	if out, err := command(t, migrated, "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	cases := brokenOnSQLite()
	if os.Getuid() == 0 {
		cases = append(cases, brokenForRoot()...)
	}
	reports, names := map[string]string{}, []string{}
	for _, c := range cases {
		i := newInstallation(t, migrated)
		c.shape(t, i)
		before := i.files(t)
		report, err := i.run(t, "doctor")
		if after := i.files(t); after != before {
			t.Errorf("%s: the doctor left\n%s\nof\n%s", c.name, after, before)
		}
		if strings.Contains(report, "WRONG") != (err != nil) || strings.Contains(report, "secret") {
			t.Errorf("%s: the doctor ended with %v after\n%s", c.name, err, report)
		}
		reports[c.name], names = i.normal(report), append(names, c.name)
	}
	if os.Getuid() != 0 && !*update {
		t.Log("not root: the last cases are not compared")
		for _, c := range brokenForRoot() {
			names = append(names, c.name)
		}
		copyGolden(t, "doctor-sqlite.golden", names[len(cases):], reports)
	}
	compareGolden(t, "doctor-sqlite.golden", names, reports)
}

// copyGolden takes cases that were not run from the golden file.
func copyGolden(t *testing.T, file string, names []string, reports map[string]string) {
	t.Helper()
	all, err := os.ReadFile(filepath.Join("testdata", file))
	must(t, err)
	for _, name := range names {
		_, rest, _ := strings.Cut(string(all), "== "+name+"\n")
		report, _, _ := strings.Cut(rest, "\n\n== ")
		reports[name] = strings.TrimSuffix(report, "\n") + "\n"
	}
}

// TestRootLeavesTheProgramItsFiles runs the commands of an operator as root, by mistake,
// in the folder of the program's user: the program can use all that they made. A sign-in
// is a write.
func TestRootLeavesTheProgramItsFiles(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "")
	catalogue := filepath.Join(i.folder, "devices.csv")
	writeFile(t, catalogue, "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\nSL20409001,00:80:E1:27:5C:84,1,1,1,1.0.0\n")
	backup := filepath.Join(i.folder, "backup.db")
	for _, args := range [][]string{{"migrate"}, {"doctor"}, {"devices", "import", catalogue}, {"backup", backup}, {"doctor"}} {
		if out, err := command(t, i.file, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	serve := i.command(t, "serve")
	s := &server{processtest.Start(t, serve)}
	s.signIn(t)
	before := names(t, i.folder)
	if report, well := runDoctor(t, "file:"+i.file); !well {
		t.Errorf("beside the program the doctor finds\n%s", report)
	}
	if diff := cmp.Diff(before, names(t, i.folder)); diff != "" {
		t.Errorf("the doctor changed beside the program (-before +after):\n%s", diff)
	}
	s.Kill() // its write-ahead log stays
	for _, args := range [][]string{{"doctor"}, {"backup", backup + "-2"}} {
		if out, err := command(t, i.file, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	s = &server{processtest.Start(t, i.command(t, "serve"))}
	s.signIn(t)
	s.Kill()
	must(t, os.Mkdir(filepath.Join(i.folder, "old"), 0o700))
	for _, file := range []string{i.file, i.file + "-wal", i.file + "-shm"} {
		must(t, os.Rename(file, filepath.Join(i.folder, "old", filepath.Base(file))))
	}
	if out, err := command(t, i.file, "restore", backup).CombinedOutput(); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	s = &server{processtest.Start(t, i.command(t, "serve"))}
	s.signIn(t)
}

// names lists what lies in a folder and whose it is.
func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	for _, entry := range entries {
		found, err := entry.Info()
		must(t, err)
		stat, _ := found.Sys().(*syscall.Stat_t)
		all = append(all, fmt.Sprint(entry.Name(), " ", stat.Uid, " ", found.Mode()))
	}
	return all
}

// TestStartAndRestoreSayWhatTheDoctorSays holds that of a place where no database can be
// the three commands say the same.
func TestStartAndRestoreSayWhatTheDoctorSays(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	backup := filepath.Join(folder, "backup.db")
	if out, err := command(t, backup, "migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	for name, shape := range map[string]func(path string) error{
		"a link to nothing":      func(path string) error { return os.Symlink("/mnt/data/luxbff.db", path) },
		"a link to itself":       func(path string) error { return os.Symlink(path, path) },
		"a folder":               func(path string) error { return os.Mkdir(path, 0o700) },
		"a log without its file": func(path string) error { return os.WriteFile(path+"-wal", make([]byte, 4096), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "luxbff.db")
			must(t, shape(path))
			report, _ := runDoctor(t, "file:"+path)
			_, said, found := strings.Cut(report, path+": ")
			said, _, _ = strings.Cut(said, "\n")
			if !found || said == "" {
				t.Fatalf("the doctor says\n%s", report)
			}
			for _, args := range [][]string{{"serve"}, {"migrate"}, {"restore", backup}} {
				out, err := command(t, path, args...).CombinedOutput()
				var ended *exec.ExitError
				if !errors.As(err, &ended) || !strings.Contains(string(out), said) {
					t.Errorf("%s: %v\n%s\nwant %s", args, err, out, said)
				}
			}
		})
	}
}
