// Package operations embeds the sample documents of the mobile apps. GraphiQL
// shows them and the tests execute them; it imports nothing of the project.
package operations

import (
	"embed"
	"strings"
)

//go:embed *.graphql *.json
var files embed.FS

// Sample is one document and, where it needs any, the variables to try it with.
type Sample struct {
	Name, Document, Variables string
}

// All are the samples in the order in which an app meets them.
func All() []Sample {
	names := []string{"home", "upload", "subscription", "sign-up", "history"}
	samples := make([]Sample, len(names))
	for i, name := range names {
		samples[i] = Sample{Name: name, Document: read(name + ".graphql"), Variables: read(name + ".json")}
	}
	return samples
}

// read is empty for a file that isn't there: not every document has variables.
func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text)) + "\n"
}
