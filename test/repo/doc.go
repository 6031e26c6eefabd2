// Package repo holds the tests that hold the repository to itself: its folders,
// generated files, schema files, compose file and image. They run from the root
// of the checkout. Nothing imports it.
package repo
