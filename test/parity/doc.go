// Package parity holds the tests that hold every action to one behaviour on every
// surface: they do it by GraphQL and by each REST surface, each on a fresh program
// with an equal database, and compare what is stored afterwards, what the account then
// sees, and the error. Beside them stand the tests that hold an object to one state on
// every path of an answer, in every payload and event: they write their documents from
// the schema, so a new type or field is held to it too. Nothing imports the package.
package parity
