// Package faults holds the tests of the live feed in bad networks, on servers that are
// killed and beside clients that misbehave. They stand behind the build tag faults,
// because each takes the machine for itself, some for minutes. Nothing imports it.
package faults
