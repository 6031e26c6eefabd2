//go:build image

package repo_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImageIsBuiltAndHealthy does what building and running the image does, as
// far as it goes without a container engine: the build command as it is written,
// then the program in an empty folder, asked for its health as the engine asks.
func TestImageIsBuiltAndHealthy(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	out := t.TempDir()
	for _, step := range stages[0] {
		if step.name != "RUN" || step.rest == "go mod download" {
			continue
		}
		run := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(step.rest, "/out", out))
		run.Env = append(os.Environ(), "GOFLAGS=")
		if said, err := run.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", step.rest, err, said)
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
	isStatic(t, program)
	isHealthyWhileItRuns(t, program, only(t, stages[1], "HEALTHCHECK"))
}

// isStatic: an empty image has neither a loader nor libraries.
func isStatic(t *testing.T, program string) {
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

func isHealthyWhileItRuns(t *testing.T, program, check string) {
	t.Helper()
	_, words, _ := strings.Cut(check, "CMD ")
	var command []string
	if err := json.Unmarshal([]byte(words), &command); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	start := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(context.Background(), program, args...)
		c.Dir, c.Env = filepath.Join(filepath.Dir(program), "data"), []string{"ADDR=" + addr}
		return c
	}
	if said, err := start(command[1:]...).CombinedOutput(); err == nil {
		t.Errorf("healthy before it runs: %s", said)
	}
	serve := start("serve")
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Process.Kill(); _ = serve.Wait() })
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	deadline := time.Now().Add(time.Minute)
	for {
		if answer, err := http.Get("http://" + addr + "/readyz"); err == nil {
			_ = answer.Body.Close()
			break
		}
		if <-look.C; time.Now().After(deadline) {
			t.Fatal("it does not answer")
		}
	}
	if said, err := start(command[1:]...).CombinedOutput(); err != nil {
		t.Errorf("not healthy while it runs: %v %s", err, said)
	}
}
