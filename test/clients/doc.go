// Package clients runs the npm clients that apps are written with against the whole
// program: urql, Apollo Client, graphql-request, executor-http, Relay and
// graphql-codegen. A differential test compares the program with graphql-js, the
// reference of the language. The code of the guides runs as well, of which a part is in
// examples/web. All of it stands behind the build tag npm; `npm ci` in testdata/npm and in
// examples/web comes before it.
package clients
