package heap

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// goShare is how much of the container's memory Go may use before it collects
// garbage at any price. The rest is for SQLite's page cache and the thread stacks,
// which Go doesn't count.
const goShare = 0.9

// LimitMemory sets Go's memory limit (GOMEMLIMIT) from that of the container's
// cgroup, so that a heap that has grown is collected before the kernel kills the
// program. A GOMEMLIMIT of the environment wins. Without a cgroup, or with one that
// has no limit, there is none, as without this function. It says in a few words
// what holds now, for the log.
func LimitMemory() string { return limitMemory(memlimit.FromCgroup) }

func limitMemory(fromContainer memlimit.Provider) string {
	// With an error the limit stays as it was.
	_, err := memlimit.Set(memlimit.WithProvider(fromContainer), memlimit.WithRatio(goShare))
	switch limit := debug.SetMemoryLimit(-1); {
	case limit != math.MaxInt64:
		return fmt.Sprintf("%d MiB", limit>>20)
	case err != nil:
		return "none: " + err.Error()
	}
	return "none"
}
