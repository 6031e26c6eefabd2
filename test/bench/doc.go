// Package bench holds the benchmarks that run the whole program beside something
// to compare it with. Nothing imports it.
package bench
