// Package faults holds the tests of the live feed in bad networks, on dying
// servers and beside clients that misbehave, behind the build tag faults. Their
// phones are those of livetest. It is for tests alone.
package faults
