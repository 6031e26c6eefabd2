// Command bench runs the benchmarks of test/bench, each in a process of its own and one
// after the other, keeps what they printed in test/bench/last.txt, and writes the table of
// docs/performance.md from it. `make bench` calls it from the root of the checkout.
//
//	-only PATTERN  runs those parts alone; the figures of the others stay as they were
//	-short         runs the parts that compare with bare handlers for some seconds, prints
//	               their figures and writes nothing
//	-table         writes the table anew from what was kept, and runs nothing
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

const (
	kept = "test/bench/last.txt"
	page = "docs/performance.md"
)

func main() {
	only := flag.String("only", "", "run the parts whose name matches the pattern")
	short := flag.Bool("short", false, "compare with the bare handlers for some seconds")
	table := flag.Bool("table", false, "write the table anew and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, *only, *short, *table)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, only string, short, table bool) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if short {
		return runShort(ctx)
	}
	text, err := os.ReadFile(kept)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	all, err := parseResults(text)
	if err != nil {
		return err
	}
	if !table {
		if err := runParts(ctx, all, pattern); err != nil {
			return err
		}
	}
	return writePage(all)
}

// runParts runs the parts, and writes what there is after each one: a run that is broken
// off has not run for nothing.
func runParts(ctx context.Context, all *results, pattern *regexp.Regexp) error {
	binary, remove, err := buildBenchmarks(ctx)
	if err != nil {
		return err
	}
	defer remove()
	all.machine = describeMachine()
	commit := commitOf(ctx)
	for _, one := range parts {
		if !pattern.MatchString(one.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(os.Stderr, "==== %s\n", one.name)
		done := run(ctx, binary, one, one.iterations)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done.commit, done.date, done.took = commit, began.UTC().Format("2006-01-02"), time.Since(began).Round(time.Second)
		all.put(done)
		fmt.Fprintf(os.Stderr, "==== %s: %s %s\n", one.name, done.took, done.failed)
		if err := os.WriteFile(kept, all.format(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// runShort is for CI: it fails if a benchmark fails, and never because of a time.
func runShort(ctx context.Context) error {
	binary, remove, err := buildBenchmarks(ctx)
	if err != nil {
		return err
	}
	defer remove()
	all := &results{}
	var failed error
	for _, one := range parts {
		if one.short == "" {
			continue
		}
		done := run(ctx, binary, one, one.short)
		if done.failed != "" {
			failed = errors.Join(failed, fmt.Errorf("%s: %s", one.name, done.failed))
		}
		all.put(done)
	}
	for _, line := range shortTable(all) {
		_, _ = fmt.Fprintln(os.Stdout, line)
	}
	return failed
}

// buildBenchmarks builds them once for all parts.
func buildBenchmarks(ctx context.Context) (binary string, remove func(), err error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	binary = filepath.Join(folder, "bench.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./test/bench") //nolint:gosec // its own folder
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the benchmarks: %w", err)
	}
	return binary, remove, nil
}

// run runs one part. What prevents it is part of its result.
func run(ctx context.Context, binary string, one part, iterations string) *result {
	done := &result{part: one.name}
	for _, name := range one.needs {
		if os.Getenv(name) == "" {
			done.failed = "there is no " + name
			return done
		}
	}
	limit, stop := context.WithTimeout(ctx, one.limit)
	defer stop()
	command := exec.CommandContext(limit, binary, "-test.run=^$", "-test.bench="+one.bench, "-test.benchtime="+iterations, "-test.timeout=0") //nolint:gosec // built above
	command.Dir = "test/bench"
	command.Env = append(os.Environ(), "LUXBFF_TEST_DATABASE_URL=") // SQLite
	if one.postgres {
		command.Env = append(command.Env, "LUXBFF_TEST_DATABASE_URL="+os.Getenv(postgres))
	}
	endWithAll(command)
	command.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	command.Stdout = io.MultiWriter(&out, os.Stderr)
	command.Stderr = os.Stderr
	err := command.Run()
	done.lines = benchmarkLines(out.String())
	switch {
	case limit.Err() != nil && ctx.Err() == nil:
		done.failed = "not done after " + one.limit.String()
	case err != nil:
		done.failed = reason(out.String())
	case len(done.lines) == 0:
		done.failed = "there is no such benchmark"
	}
	return done
}

func writePage(all *results) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	changed, err := replaceSection(string(text), all.markdown())
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(changed), 0o644)
}
