// Package parity holds every action to one behaviour on every surface. It has no
// code of its own: its tests do an action through GraphQL and through each REST
// surface, each on a fresh program with an equal database, and compare what is
// stored afterwards, what the account then sees, and the error.
package parity
