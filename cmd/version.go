package cmd

import (
	"bufio"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/internal/notices"
)

func newVersion(a *app.App) *cobra.Command {
	terms := false
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  usage.Words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if terms {
				return a.Env.Print(func(w *bufio.Writer) error { return notices.WriteTo(w) })
			}
			_, err := fmt.Fprintf(a.Env.Stdout, "rpcctl %s %s %s/%s\n", version.String(), runtime.Version(),
				runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	c.Flags().BoolVar(&terms, "notices", false, "print the licences of what rpcctl is made with")
	return c
}
