package migrationlint

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed release.txt
var lastRelease string

// Release is a version of the program that runs somewhere.
type Release struct {
	Version string
	// Commit is the whole hash of the commit from which it is built.
	Commit string
	// Migration is the version of the newest migration that it has, on either engine.
	Migration int64
}

// LastRelease is the release before the program that is being written: the migrations
// after it have to leave it working.
func LastRelease() (r Release, err error) {
	for line := range strings.Lines(lastRelease) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		_, err := fmt.Sscanf(line, "%s %40s %d\n", &r.Version, &r.Commit, &r.Migration)
		return r, err
	}
	return r, fmt.Errorf("release.txt names no release")
}
