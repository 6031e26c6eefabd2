package main

import (
	"fmt"
	"runtime/debug"
)

// version replaces the one that Go writes into the program, for a build outside a
// checkout, as in the Dockerfile: CGO_ENABLED=0 go build -ldflags='-X main.version=v1.2.3'.
var version string

type versionCommand struct{}

// Run prints what this program was built from.
func (versionCommand) Run() error {
	info, _ := debug.ReadBuildInfo()
	b := readBuild(version, info)
	fmt.Printf("luxbff %s, revision %s, %s\n", b.version, b.revision, b.language)
	return nil
}

// build is what a program was built from. Operators see it in the log and by
// `server version`. No response holds it: it would show a stranger which known
// weaknesses to try.
type build struct{ version, revision, language string }

// readBuild reads what Go wrote into the program. Named goes before Go's own
// version, which is that of the module, and "(devel)" for a build without one.
func readBuild(named string, info *debug.BuildInfo) build {
	if info == nil {
		info = &debug.BuildInfo{GoVersion: "unknown"}
	}
	b := build{version: info.Main.Version, revision: "unknown", language: info.GoVersion}
	var modified bool
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified {
		b.revision += " with changes"
	}
	if named != "" {
		b.version = named
	}
	if b.version == "" {
		b.version = "unknown"
	}
	return b
}
