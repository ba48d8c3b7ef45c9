package cmd

import (
	"bufio"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rpcctl/rpcctl/internal/notices"
	"github.com/spf13/cobra"
)

// version is the version of this build, from what the Go tool recorded: a
// release, or devel with the revision it was built from.
func version() string {
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

func newVersion(a *app) *cobra.Command {
	terms := false
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if terms {
				return a.env.Print(func(w *bufio.Writer) error { return notices.WriteTo(w) })
			}
			_, err := fmt.Fprintf(a.env.Stdout, "rpcctl %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	c.Flags().BoolVar(&terms, "notices", false, "print the licences of what rpcctl is made with")
	return c
}
