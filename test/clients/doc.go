// Package clients runs the npm clients that apps are written with against the whole
// program: urql, Apollo Client, graphql-request, executor-http, Relay and
// graphql-codegen. A differential test compares the program with graphql-js, the
// reference of the language. All of it stands behind the build tag npm; `npm ci` in
// testdata/npm comes before it.
package clients
