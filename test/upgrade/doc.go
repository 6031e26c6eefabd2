// Package upgrade holds the tests of an upgrade from the last release, which they build
// from the history of the repository: replicas of both on one migrated PostgreSQL while
// clients work, and a file of SQLite. They stand behind the build tag upgrade. Nothing
// imports it.
package upgrade
