// Package bench holds the benchmarks that run the whole program: the home screen
// and uploads beside handlers that do only that and beside other servers, the live feed
// with thousands of phones, and what a start, a build and a day's load cost.
// `make bench` runs them, one after the other, and writes the table of
// docs/performance.md; internal/tools/bench says which. What the program is compared with
// stands in peers, each with its own versions. Nothing imports it.
package bench
