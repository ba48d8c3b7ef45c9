// Package version names this build.
package version

import (
	"runtime/debug"
	"sync"
)

// String returns the version of this build, from what the Go tool recorded: a release, or devel with
// the revision that it was built from.
func String() string {
	once.Do(func() { text = recorded() })
	return text
}

var (
	once sync.Once
	text string
)

func recorded() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "+" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ".dirty"
		}
	}
	return "devel" + revision + modified
}
