package heap

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestLimitMemory changes the limit of the whole process, so its cases come one
// after another.
func TestLimitMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		environment string // GOMEMLIMIT
		container   memlimit.Provider
		want        string
		limit       int64
	}{
		"a container with a limit": {"", memlimit.Limit(1000 << 20), "900 MiB", 900 << 20},
		"a container without one":  {"", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, "none", math.MaxInt64},
		"no container":             {"", func() (uint64, error) { return 0, memlimit.ErrNoCgroup }, "none: failed to set GOMEMLIMIT: process is not in cgroup", math.MaxInt64},
		"the operator's own limit": {"2GiB", memlimit.Limit(1000 << 20), "2048 MiB", 2 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			before := debug.SetMemoryLimit(-1)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			if tc.environment != "" {
				t.Setenv("GOMEMLIMIT", tc.environment)
				debug.SetMemoryLimit(2 << 30) // as the runtime does at its start
			}
			said := limitMemory(tc.container)
			if limit := debug.SetMemoryLimit(-1); said != tc.want || limit != tc.limit {
				t.Errorf("%q and %d bytes, want %q and %d", said, limit, tc.want, tc.limit)
			}
		})
	}
}

// TestLimitMemoryOfThisMachine holds that no machine makes it fail.
func TestLimitMemoryOfThisMachine(t *testing.T) { //nolint:paralleltest // the limit is that of the process
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	if said := LimitMemory(); !strings.HasSuffix(said, " MiB") && !strings.HasPrefix(said, "none") {
		t.Errorf("said %q", said)
	}
}
