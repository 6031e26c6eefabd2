//go:build image

package repo_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil/processtest"
)

// TestImageIsBuiltAndHealthy builds and runs the image as far as that is possible
// without a container engine: it runs the build commands as they are written, starts
// the program in an empty folder, and runs the health check as the engine does.
func TestImageIsBuiltAndHealthy(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	out := t.TempDir()
	for _, step := range stages[0] {
		if step.name != "RUN" || step.rest == "go mod download" {
			continue
		}
		run := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(step.rest, "/out", out))
		run.Dir, run.Env = root, append(os.Environ(), "GOFLAGS=")
		if output, err := run.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", step.rest, err, output)
		}
	}
	var program string
	for _, step := range stages[1] {
		words := strings.Fields(step.rest)
		if step.name != "COPY" || !strings.HasPrefix(words[len(words)-2], "/out/") {
			continue
		}
		from := filepath.Join(out, strings.TrimPrefix(words[len(words)-2], "/out"))
		if _, err := os.Stat(from); err != nil {
			t.Errorf("COPY %s: %v", step.rest, err)
		}
		if words[len(words)-1] == "/luxbff" {
			program = from
		}
	}
	checkStatic(t, program)
	checkHealthWhileRunning(t, program, only(t, stages[1], "HEALTHCHECK"))
}

// checkStatic holds that the program needs neither a loader nor libraries, which an
// empty image doesn't have.
func checkStatic(t *testing.T, program string) {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	libraries, err := file.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("it needs libraries: %v %v", libraries, err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("it needs a loader")
		}
	}
}

// checkHealthWhileRunning holds that the health check fails before the program runs
// and succeeds while it does.
func checkHealthWhileRunning(t *testing.T, program, check string) {
	t.Helper()
	_, words, _ := strings.Cut(check, "CMD ")
	var command []string
	if err := json.Unmarshal([]byte(words), &command); err != nil {
		t.Fatal(err)
	}
	addr := processtest.FreeAddr(t)
	run := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(context.Background(), program, args...)
		c.Dir, c.Env = filepath.Join(filepath.Dir(program), "data"), []string{"ADDR=" + addr}
		return c
	}
	if output, err := run(command[1:]...).CombinedOutput(); err == nil {
		t.Errorf("healthy before it runs: %s", output)
	}
	processtest.Start(t, run("serve"))
	if output, err := run(command[1:]...).CombinedOutput(); err != nil {
		t.Errorf("not healthy while it runs: %v %s", err, output)
	}
}

// TestReadmeBuildsAStaticProgram runs the command by which the README builds the program
// for production, and holds that the book and the Makefile build it in the same way.
func TestReadmeBuildsAStaticProgram(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"README.md", "docs/operating.md", "Makefile"} {
		lines := regexp.MustCompile(`(?m)^\s*(.*go build .*-o (\S+) \./server)`).FindAllStringSubmatch(read(t, file), -1)
		if len(lines) == 0 {
			t.Errorf("%s does not say how the program is built", file)
		}
		for _, line := range lines {
			if !strings.HasPrefix(line[1], "CGO_ENABLED=0 go build -trimpath ") {
				t.Errorf("%s builds the program by %s", file, line[1])
			}
			if file != "README.md" {
				continue
			}
			program := filepath.Join(t.TempDir(), "server")
			build := exec.CommandContext(t.Context(), "sh", "-ec", strings.Replace(line[1], line[2], program, 1))
			build.Dir, build.Env = root, append(os.Environ(), "GOFLAGS=")
			if output, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line[1], err, output)
			}
			checkStatic(t, program)
		}
	}
}
