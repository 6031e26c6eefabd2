package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// results are what the parts printed, in the format of `go test -bench`: benchstat and
// other tools read the file too.
type results struct {
	machine []fact
	all     []*result
}

// fact is a line of the configuration, as "cores: 2".
type fact struct{ name, value string }

type result struct {
	part, commit, date string
	took               time.Duration
	failed             string   // why it isn't whole
	lines              []string // of benchmarks
}

// put takes the place of the part's earlier result.
func (r *results) put(done *result) {
	for i, earlier := range r.all {
		if earlier.part == done.part {
			r.all[i] = done
			return
		}
	}
	r.all = append(r.all, done)
}

func (r *results) of(part string) *result {
	for _, one := range r.all {
		if one.part == part {
			return one
		}
	}
	return nil
}

// format is the inverse of parseResults.
func (r *results) format() []byte {
	var text strings.Builder
	for _, one := range r.machine {
		fmt.Fprintf(&text, "%s: %s\n", one.name, one.value)
	}
	for _, one := range r.all {
		fmt.Fprintf(&text, "\npart: %s\ncommit: %s\ndate: %s\ntook: %s\n", one.part, one.commit, one.date, one.took)
		if one.failed != "" {
			fmt.Fprintf(&text, "failed: %s\n", one.failed)
		}
		for _, line := range one.lines {
			fmt.Fprintln(&text, line)
		}
	}
	return []byte(text.String())
}

func parseResults(text []byte) (*results, error) {
	all := &results{}
	var now *result
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "Benchmark") && now != nil {
			now.lines = append(now.lines, line)
			continue
		}
		name, value, found := strings.Cut(line, ": ")
		if !found {
			return nil, fmt.Errorf("no line of a result: %q", line)
		}
		if name == "part" {
			now = &result{part: value}
			all.all = append(all.all, now)
			continue
		}
		if now == nil {
			all.machine = append(all.machine, fact{name, value})
			continue
		}
		if err := now.set(name, value); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *result) set(name, value string) (err error) {
	switch name {
	case "commit":
		r.commit = value
	case "date":
		r.date = value
	case "took":
		r.took, err = time.ParseDuration(value)
	case "failed":
		r.failed = value
	default:
		return fmt.Errorf("no such line of a result: %q", name)
	}
	return err
}

var (
	benchmarkLine = regexp.MustCompile(`^Benchmark\S+\s+\d+\s+\S+ \S+`)
	// failure is what a benchmark said when it failed.
	failure    = regexp.MustCompile(`(?m)^ +\w+\.go:\d+: (.+)$|^(panic: .+)$`)
	processors = regexp.MustCompile(`-\d+$`)
)

// benchmarkLines are the results among what a test binary printed, without the number of
// processors behind the name.
func benchmarkLines(out string) (lines []string) {
	for line := range strings.Lines(out) {
		if benchmarkLine.MatchString(line) {
			name, rest, _ := strings.Cut(strings.Join(strings.Fields(line), " "), " ")
			lines = append(lines, processors.ReplaceAllString(name, "")+" "+rest)
		}
	}
	return lines
}

// reason is the first thing that a failed benchmark said.
func reason(out string) string {
	found := failure.FindStringSubmatch(out)
	if found == nil {
		return "it ended with an error"
	}
	text := strings.TrimSpace(found[1] + found[2])
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}

// value is a metric of a benchmark of the part.
func (r *results) value(of figure) (float64, bool) {
	one := r.of(of.part)
	if one == nil {
		return 0, false
	}
	for _, line := range one.lines {
		fields := strings.Fields(line)
		if fields[0] != "Benchmark"+of.bench {
			continue
		}
		// The name, how often it ran, and then pairs of a value and its unit.
		for i := 2; i+1 < len(fields); i += 2 {
			if fields[i+1] != of.unit {
				continue
			}
			value, err := strconv.ParseFloat(fields[i], 64)
			return value, err == nil
		}
	}
	return 0, false
}
