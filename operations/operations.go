// Package operations embeds sample GraphQL documents as the mobile apps send them.
// GraphiQL offers them in tabs, and tests execute each, so they stay true. It
// imports nothing of this module.
package operations

import (
	"embed"
	"strings"
)

//go:embed *.graphql *.json
var files embed.FS

// Sample is a document with a name and, as JSON, the variables to try it with,
// empty for a document without any.
type Sample struct {
	Name, Document, Variables string
}

// All gives the samples in the order in which GraphiQL shows them.
func All() []Sample {
	names := []string{"home", "upload", "subscription", "sign-up", "history", "changes"}
	samples := make([]Sample, len(names))
	for i, name := range names {
		samples[i] = Sample{Name: name, Document: read(name + ".graphql"), Variables: read(name + ".json")}
	}
	return samples
}

// read gives "" for a file that does not exist, because not every document has
// variables. A test executes every document, so a missing one is noticed.
func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text)) + "\n"
}
