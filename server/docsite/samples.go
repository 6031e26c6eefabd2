package docsite

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"luxbff/examples"
	"luxbff/operations"
	"luxbff/server/assets"
)

// The page that lists the files of the samples, for which no file is written, and its name
// below /docs.
const (
	samplesPage = "samples"
	samplesName = "examples"
)

// sample is a file that is served as text, so that it can be read and saved whole.
type sample struct {
	path string // in the repository
	read func() ([]byte, error)
}

func (s sample) address() string { return "/docs/" + s.path }

func samples() ([]sample, error) {
	paths, err := examples.Paths()
	if err != nil {
		return nil, fmt.Errorf("list the samples: %w", err)
	}
	var all []sample
	for _, p := range paths {
		all = append(all, sample{"examples/" + p, func() ([]byte, error) { return examples.Read(p) }})
	}
	for _, o := range operations.All() {
		all = append(all, sample{"operations/" + o.Name + ".graphql", func() ([]byte, error) { return []byte(o.Document), nil }})
	}
	return all, nil
}

// serve adds the files to those that are served.
func serve(all []sample, files map[string]http.Handler) {
	for _, s := range all {
		files[s.address()] = assets.Once("text/plain; charset=utf-8", s.read)
	}
}

// listSamples is the page of Markdown that leads to each file, a section for each folder.
func listSamples(all []sample) []byte {
	titles := map[string]string{
		"examples/kotlin": "Apollo Kotlin", "examples/mobile": "Operations of both phones", "examples/swift": "Apollo iOS",
		"examples/web": "A web app", "operations": "GraphQL documents",
	}
	var page strings.Builder
	page.WriteString("# Samples\n\nThe files that the guides quote, whole. GraphiQL and the Postman collection have the GraphQL documents as well.\n")
	before := ""
	for _, s := range all {
		folder := path.Dir(s.path)
		if parts := strings.Split(s.path, "/"); parts[0] == "examples" {
			folder = path.Join(parts[:2]...)
		}
		if folder != before {
			fmt.Fprintf(&page, "\n## %s\n\n", titles[folder])
			before = folder
		}
		fmt.Fprintf(&page, "- [`%s`](%s)\n", strings.TrimPrefix(s.path, folder+"/"), s.address())
	}
	return []byte(page.String())
}
