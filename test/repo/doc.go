// Package repo holds the tests that hold the repository to its own rules: folders,
// imports, words, generated files, schema files, the compose file and the image.
// They run from the root of the checkout. Nothing imports it.
package repo
