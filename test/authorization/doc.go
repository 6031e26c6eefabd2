// Package authorization holds one table, testdata/matrix.txt, which says of every
// GraphQL operation, every edge between two objects of the schema, and every route who
// may use it: a caller without a token, with an expired one, with that of a deleted
// account, of another family, with a long-lived token, and of the family itself. The
// requests are made from the schema and the OpenAPI document, and run against the whole
// program. Nothing imports the package.
package authorization
