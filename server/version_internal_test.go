package main

import (
	"runtime/debug"
	"testing"
)

func TestReadBuild(t *testing.T) {
	t.Parallel()
	checkout := &debug.BuildInfo{
		GoVersion: "go1.26.1", Main: debug.Module{Version: "v0.1.0"},
		Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "3dbbf0c"}, {Key: "vcs.modified", Value: "false"}},
	}
	modified := &debug.BuildInfo{
		GoVersion: "go1.26.1", Main: debug.Module{Version: "v0.1.0+dirty"},
		Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "3dbbf0c"}},
	}
	for name, tc := range map[string]struct {
		named string
		info  *debug.BuildInfo
		want  build
	}{
		"a checkout":            {"", checkout, build{"v0.1.0", "3dbbf0c", "go1.26.1"}},
		"a checkout in work":    {"", modified, build{"v0.1.0+dirty", "3dbbf0c with changes", "go1.26.1"}},
		"a version by ldflags":  {"v9.9.9", checkout, build{"v9.9.9", "3dbbf0c", "go1.26.1"}},
		"no version control":    {"", &debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: "(devel)"}}, build{"(devel)", "unknown", "go1.26.1"}},
		"a build without facts": {"", nil, build{"unknown", "unknown", "unknown"}},
	} {
		if got := readBuild(tc.named, tc.info); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
