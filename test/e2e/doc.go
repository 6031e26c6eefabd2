// Package e2e holds the tests that build the program, run it as a process and
// use it as its users and operators do: over HTTP, sockets and the command line.
// Nothing imports it.
package e2e
