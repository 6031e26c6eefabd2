// Package live measures the live feed of the whole program. It holds nothing
// but its benchmark, and stands apart from gqlws and gqlstream because a fuzz target
// builds all that the tests of its package import, and theirs need not build the program.
package live
