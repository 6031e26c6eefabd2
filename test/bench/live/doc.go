// Package live measures the live feed of the whole program. It holds nothing
// but its benchmark, and stands apart from package ws because that one's tests
// are to build without the program.
package live
