// Package sampleschema is a small schema with what the tests of server/gqlhttp need:
// lists, @oneOf, and resolvers that fail in every way. Only those tests import it.
package sampleschema

//go:generate go run luxbff/internal/tools/gqlgen
