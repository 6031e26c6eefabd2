// Package bench holds the benchmarks that run the whole program: the home screen
// beside a handler that does only that, and the live feed with thousands of phones.
// `make bench` runs them with those of the other packages. Nothing imports it.
package bench
