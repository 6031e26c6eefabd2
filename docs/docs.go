// Package docs embeds the documentation for those who write apps, which the program serves at
// /docs. It imports nothing of this module.
package docs

import "embed"

// files are the pages. Those for operators stay out: who runs the program has the source.
//
//go:embed guides/*.md live.md schema.md
var files embed.FS

// Read gives the Markdown of a page by its path in this folder, as guides/start.md, and
// [io/fs.ErrNotExist] for one that is not served.
func Read(path string) ([]byte, error) { return files.ReadFile(path) }
