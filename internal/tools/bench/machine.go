package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// describeMachine says on what the figures are made, as Linux knows it.
func describeMachine() []fact {
	return []fact{
		{"processor", fieldOf("/proc/cpuinfo", "model name")},
		{"cores", strconv.Itoa(runtime.NumCPU())},
		{"memory", memory()},
		{"kernel", kernel()},
		{"go", strings.TrimPrefix(runtime.Version(), "go")},
	}
}

const unknown = "unknown"

// fieldOf is the first line of a file of /proc that begins with the name.
func fieldOf(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

func memory() string {
	total := fieldOf("/proc/meminfo", "MemTotal")
	kb, err := strconv.Atoi(strings.TrimSuffix(total, " kB"))
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%.0f GiB", float64(kb)/(1<<20))
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return unknown
	}
	return runtime.GOOS + " " + strings.TrimSpace(string(text))
}

// commitOf names the commit that is measured.
func commitOf(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return unknown
	}
	commit := strings.TrimSpace(string(head))
	// What the run itself writes is no change of what it measures.
	if exec.CommandContext(ctx, "git", "diff", "--quiet", "HEAD", "--", ".", ":!"+kept, ":!"+page).Run() != nil {
		commit += " with changes"
	}
	return commit
}
