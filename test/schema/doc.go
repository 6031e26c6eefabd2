// Package schema holds the GraphQL schema to what apps in the field were built with: the
// schema of the last release, docs/schema/released.graphql, and the operations of each
// version of an app, operations/APP/VERSION. It also holds each deprecation to its dates.
// Nothing imports the package.
package schema
