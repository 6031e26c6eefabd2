// Package sampleschema is a small schema with everything that the tests of gqlhttp
// need: lists, @oneOf, bad luck of every kind. Nothing else imports it.
package sampleschema

//go:generate go run luxbff/internal/tools/gqlgen
