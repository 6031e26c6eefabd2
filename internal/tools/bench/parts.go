package main

import "time"

// part is a benchmark that runs in a process of its own.
type part struct {
	name       string
	bench      string        // pattern of `go test -bench`
	iterations string        // of `go test -benchtime`
	short      string        // the same for CI; empty: not there
	limit      time.Duration // after which it is given up
	postgres   bool          // runs it on PostgreSQL
	needs      []string      // variables of the environment without which it can't run
}

const (
	postgres = "LUXBFF_TEST_POSTGRES_URL"
	nats     = "LUXBFF_TEST_NATS_URL"
)

// parts are all of them, in the order in which they run. What is short comes first.
var parts = []part{
	{name: "home", bench: "^BenchmarkHomeScreen$", iterations: "60x", short: "15x", limit: 3 * time.Minute},
	{name: "upload", bench: "^BenchmarkUpload$", iterations: "20x", short: "4x", limit: 4 * time.Minute},
	{name: "process", bench: "^BenchmarkProcess$", iterations: "10x", limit: 6 * time.Minute},
	{name: "pocketbase", bench: "^BenchmarkPocketBase$", iterations: "12x", limit: 6 * time.Minute},
	{name: "mercurius", bench: "^BenchmarkMercurius$", iterations: "12x", limit: 4 * time.Minute, needs: []string{postgres}},
	{name: "replicas", bench: "^BenchmarkReplicas$", iterations: "8x", limit: 4 * time.Minute, needs: []string{postgres, nats}},
	{name: "feed", bench: "^BenchmarkFeed$", iterations: "500x", limit: 8 * time.Minute},
	{name: "centrifuge", bench: "^BenchmarkCentrifuge$", iterations: "500x", limit: 4 * time.Minute},
	{name: "reconnect", bench: "^BenchmarkReconnect$", iterations: "10x", limit: time.Minute},
	{name: "storm", bench: "^BenchmarkStorm$", iterations: "1x", limit: 4 * time.Minute},
	{name: "growth", bench: "^BenchmarkGrowth$", iterations: "1x", limit: 12 * time.Minute},
	{name: "growth-postgres", bench: "^BenchmarkGrowth$", iterations: "1x", limit: 6 * time.Minute, postgres: true, needs: []string{postgres}},
	{name: "mixed", bench: "^BenchmarkMixed$", iterations: "1x", limit: 13 * time.Minute},
	{name: "build", bench: "^BenchmarkColdBuild$", iterations: "1x", limit: 6 * time.Minute},
}

// figure is a metric of a benchmark. Its format is that of fmt and takes one number.
type figure struct{ part, bench, unit, format string }

// row is a line of the table.
type row struct {
	what, beside string
	// goal is what the figure must not exceed, or what it must reach where atLeast is
	// set. A row without one has its figure for comparison alone.
	goal    float64
	atLeast bool
	reached figure
	raw     []figure
}
