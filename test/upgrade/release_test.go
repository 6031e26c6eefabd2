//go:build upgrade

package upgrade_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/store/migrationlint"
	"luxbff/internal/testutil/processtest"
)

// root is the folder of the repository.
const root = "../.."

var released struct {
	sync.Once
	path string
	err  error
}

// buildReleased builds the last release, once for all tests, and gives the path of its
// program. It stands beside the program of this checkout and is removed with it.
func buildReleased(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(filepath.Dir(processtest.Build(t)), "released")
	released.Do(func() { released.path, released.err = buildRelease(folder) })
	if released.err != nil {
		t.Fatal(released.err)
	}
	return released.path
}

// buildRelease builds from the files of the release's commit in a folder of their own, with
// the modules that they name.
func buildRelease(folder string) (path string, err error) {
	release, err := migrationlint.LastRelease()
	if err != nil {
		return "", err
	}
	if _, err := run(root, nil, "git", "cat-file", "-e", release.Commit+"^{commit}"); err != nil {
		return "", fmt.Errorf("this checkout has no history, or not that of release %s: fetch it (git fetch --unshallow): %w", release.Version, err)
	}
	if _, err := run(root, nil, "git", "merge-base", "--is-ancestor", release.Commit, "HEAD"); err != nil {
		return "", fmt.Errorf("release %s is not part of this branch's history: %w", release.Version, err)
	}
	files, err := run(root, nil, "git", "archive", "--format=tar", release.Commit)
	if err != nil {
		return "", err
	}
	source := filepath.Join(folder, "source")
	if err := os.MkdirAll(source, 0o700); err != nil {
		return "", err
	}
	if _, err := run(source, files, "tar", "-x"); err != nil {
		return "", err
	}
	path = filepath.Join(folder, "server")
	_, err = run(source, nil, "go", "build", "-o", path, "./server")
	return path, err
}

// run runs a command in a folder and gives what it prints.
func run(folder string, input []byte, name string, args ...string) (output []byte, err error) {
	var complaint bytes.Buffer
	command := exec.CommandContext(context.Background(), name, args...)
	command.Dir, command.Stdin, command.Stderr = folder, bytes.NewReader(input), &complaint
	if output, err = command.Output(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, complaint.Bytes())
	}
	return output, nil
}

// program is one of the two that the tests run.
type program int

const (
	oldRelease program = iota
	thisRelease
)

// command runs the program on a database, in development and without limits on what
// one client may do.
func (p program) command(t *testing.T, database string, args ...string) *exec.Cmd {
	t.Helper()
	c := processtest.Command(t, database, args...)
	if p == oldRelease {
		c.Path = buildReleased(t)
	}
	c.Env = append(c.Env, "RATE_LIMITS=off")
	return c
}

// mustRun runs a command of the program to its end.
func (p program) mustRun(t *testing.T, database string, args ...string) {
	t.Helper()
	if out, err := p.command(t, database, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
