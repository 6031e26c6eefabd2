package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"luxbff/internal/testutil/storetest"
)

// settle is how long a program has after its start until its idle memory is read.
const settle = 5 * time.Second

// BenchmarkProcess measures the program as an operator meets it: how long it takes from
// its start to its readiness on an existing database, what it holds while nobody calls,
// and how large it is, built as the image builds it.
func BenchmarkProcess(b *testing.B) {
	for _, mode := range []string{"production", "development"} {
		b.Run(mode, func(b *testing.B) {
			database := storetest.SQLiteURL(b)
			seed(b, database, 1)
			startProgram(b, database, "APP_ENV="+mode).end() // makes what a first start makes
			var took []time.Duration
			var resident float64
			for b.Loop() {
				program := startProgram(b, database, "APP_ENV="+mode)
				took = append(took, program.toReady)
				if resident == 0 {
					time.Sleep(settle) //nolint:forbidigo // the moment is what is asked for
					resident = program.residentMB(b)
				}
				program.end()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quantile(took, 0.5)/1000, "s-ready")
			b.ReportMetric(resident, "MB-idle")
		})
	}
	b.Run("binary", func(b *testing.B) {
		binary := filepath.Join(b.TempDir(), "luxbff")
		command := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "luxbff/server")
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		run(b, command)
		for b.Loop() {
			info, err := os.Stat(binary)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/(1<<20), "MB")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkColdBuild builds the program as its first `go run` does, with an empty build
// cache and the modules downloaded, and reports the processor time of all compilers.
func BenchmarkColdBuild(b *testing.B) {
	for b.Loop() {
		folder := b.TempDir()
		command := exec.CommandContext(b.Context(), "go", "build", "-o", filepath.Join(folder, "server"), "luxbff/server")
		command.Env = append(os.Environ(), "GOCACHE="+filepath.Join(folder, "cache"), "GOFLAGS=-buildvcs=false")
		began := time.Now()
		run(b, command)
		b.ReportMetric(time.Since(began).Seconds(), "wall-s")
		b.ReportMetric((command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(), "cpu-s")
	}
	b.ReportMetric(0, "ns/op")
}
