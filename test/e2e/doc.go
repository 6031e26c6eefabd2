// Package e2e holds the tests that build the program, run it as a process and use it
// as its users and operators do: over HTTP, WebSockets and the command line. Those
// that need PostgreSQL, NATS, Prometheus or a shell stand behind the build tags postgres,
// replicas, alarms and journey. Nothing imports it.
package e2e
