// Package parity holds the tests that hold every action to one behaviour on every
// surface: they do it by GraphQL and by each REST surface, each on a fresh program
// with an equal database, and compare what is stored afterwards, what the account then
// sees, and the error. Nothing imports the package.
package parity
