// Package examples embeds the sample apps, which the program serves beside the guides that
// quote them. It imports nothing of this module.
package examples

import (
	"embed"
	"io/fs"
)

// What is for those who have the repository stays out: the unit of systemd, and how to run the
// web app there.
//
//go:embed kotlin mobile swift web/index.html web/package.json web/vite.config.js web/src
var files embed.FS

// Paths lists the files by their paths in this folder, as web/src/client.js, in order.
func Paths() ([]string, error) {
	var paths []string
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	return paths, err
}

// Read gives a file by its path in this folder.
func Read(path string) ([]byte, error) { return files.ReadFile(path) }
