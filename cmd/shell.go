package cmd

import (
	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/shell"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
)

func newShellCommand(a *app.App) *cobra.Command {
	o := &shell.Options{}
	c := &cobra.Command{
		Use:   "shell",
		Short: "The interactive shell",
		Long: `Explore a server and call it, line by line: the commands of rpcctl, and methods
as if they were commands. The flags given here hold for every line.

  rpcctl -a localhost:50051 shell
  rpcctl -a localhost:50051 shell -c 'Greeter.SayHello name=World'
  rpcctl -a localhost:50051 shell -f smoke.rpc
  echo 'list' | rpcctl -a localhost:50051 shell

A script, which is what -c, -f and standard input that is no terminal are, stops at
the first statement that fails, with its exit code. In the shell, help tells more.`,
		Args: usage.Words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return shell.Run(a, c, o, newRoot) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.VarP((*flags.Repeated)(&o.Lines), "command", "c", "run `LINE` and leave (repeatable)")
	f.StringVarP(&o.File, "file", "f", "", "run the statements in `FILE` and leave; - is standard input")
	f.BoolVar(&o.KeepGoing, "keep-going", false,
		"in a script: go on after a failure, and leave with the first one's exit code")
	f.BoolVar(&o.Echo, "echo", false, "in a script: show each statement on stderr before it runs")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "no banner, and no line about each result")
	f.BoolVar(&o.Plain, "plain", false, "no line editing, as for a terminal that cannot: for screen readers and logs")
	f.BoolVar(&o.NoHistory, "no-history", false, "store nothing of what is typed")
	f.BoolVar(&o.NoShell, "no-shell", false,
		"start no program of this machine: no |, shell, editor, pager, and no auth-command but the one given before")
	return c
}
