package cmd

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
)

// addHelp gives a tree the commands help and completion. Unlike cobra's, they fail for a
// command or a shell that does not exist.
func addHelp(a *app.App, root *cobra.Command) {
	root.SetUsageFunc(func(c *cobra.Command) error { return printUsage(a, c) })
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND | flags]",
		Short: "Show the help of a command",
		RunE:  func(c *cobra.Command, args []string) error { return help(a, c, args) },
		ValidArgsFunction: func(c *cobra.Command, args []string, partial string) ([]string, cobra.ShellCompDirective) {
			in, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			names := usage.CommandNames(in)
			if !in.HasParent() {
				names = append(names, "flags")
			}
			return withPrefix(names, partial), cobra.ShellCompDirectiveNoFileComp
		},
	})
	out, script := root.OutOrStdout(), &bytes.Buffer{}
	root.SetOut(script) // where the commands below print from now on
	root.InitDefaultCompletionCmd()
	root.SetOut(out)
	for _, sub := range root.Commands() {
		if sub.Name() == "completion" {
			sub.Args, sub.RunE = cobra.ArbitraryArgs, completionOf
			for _, shell := range sub.Commands() {
				othershells.RunNothing(shell, script)
			}
		}
	}
}

func withPrefix(names []string, partial string) []string {
	var fits []string
	for _, n := range names {
		if strings.HasPrefix(n, partial) {
			fits = append(fits, n)
		}
	}
	return fits
}

// help prints the help of the command that is named, or of the flags of all.
func help(a *app.App, c *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "flags" {
		return printGlobalFlags(a, c)
	}
	in, rest, err := c.Root().Find(args)
	if err != nil || len(rest) > 0 {
		if in == nil {
			in, rest = c.Root(), args
		}
		return usage.NoSuch(rest[0], "command", "rpcctl help lists the commands", usage.CommandNames(in))
	}
	in.InitDefaultHelpFlag()
	return in.Help()
}

// completionOf runs completion without a shell, or with one that does not exist.
func completionOf(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	names := usage.CommandNames(c)
	return usage.NoSuch(args[0], "shell", "there is completion for "+strings.Join(names, ", "), names)
}

// A checkedWriter keeps the first error of writing: cobra drops those of its help.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}
