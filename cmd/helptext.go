package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/internal/palette"
)

// commandHeads are the heads under which help lists the commands of rpcctl.
var commandHeads = [...]struct {
	head     string
	commands []string
}{
	{"Call", []string{"call", "shell", "convert"}},
	{"Explore", []string{"list", "describe", "export"}},
	{"Targets", []string{"health", "diagnose", "context", "cache"}},
	{"Serve", []string{"demo"}},
	{"More", []string{"completion", "help", "version"}},
}

// A helpText is the end of the help of a command: how it is used.
type helpText struct {
	strings.Builder
	colors *palette.Palette
	width  int // of the terminal, in columns; 0: lines are not broken
}

// printUsage prints how a command is used: its commands and flags, and the few flags of every command
// that are used daily.
func printUsage(a *app.App, c *cobra.Command) error {
	h := newHelpText(a)
	h.head("Usage")
	if c.Runnable() && c.HasParent() {
		fmt.Fprintf(h, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(h, "  %s COMMAND [flags]\n", c.CommandPath())
		h.commands(c)
	}
	if !c.HasParent() {
		h.daily(c.PersistentFlags())
		fmt.Fprintf(h, "\n%s help COMMAND tells more about a command, and %[1]s help flags about the flags of all.\n",
			c.Name())
		return h.print(c)
	}
	if c.HasAvailableLocalFlags() {
		h.head("Flags")
		h.WriteString(c.LocalFlags().FlagUsagesWrapped(h.width))
	}
	if c.HasAvailableInheritedFlags() {
		h.daily(c.InheritedFlags())
		fmt.Fprintf(h, "\n%s help flags lists the flags of every command.\n", c.Root().Name())
	}
	return h.print(c)
}

// printGlobalFlags prints the flags of every command under their heads.
func printGlobalFlags(a *app.App, c *cobra.Command) error {
	h := newHelpText(a)
	h.WriteString("The flags of every command. They may stand before or behind the words of one.\n")
	all := c.Root().PersistentFlags()
	for _, head := range globals.Heads() {
		h.head(head.Title)
		h.flags(all, head.Flags)
	}
	return h.print(c)
}

func newHelpText(a *app.App) *helpText {
	h := &helpText{colors: palette.New(a.Colored(a.Env.StdoutTTY))}
	if a.Env.StdoutTTY {
		h.width = a.Env.Width
	}
	return h
}

// head begins a part of the text.
func (h *helpText) head(title string) {
	if h.Len() > 0 {
		h.WriteByte('\n')
	}
	fmt.Fprintf(h, "%s\n", h.colors.Paint(palette.Strong, title+":"))
}

// commands lists the commands of a command: those of the root under their heads.
func (h *helpText) commands(c *cobra.Command) {
	line := func(sub *cobra.Command) { fmt.Fprintf(h, "  %-11s %s\n", sub.Name(), sub.Short) }
	if c.HasParent() {
		h.head("Commands")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				line(sub)
			}
		}
		return
	}
	for _, head := range commandHeads {
		h.head(head.head)
		for _, name := range head.commands {
			if sub, _, err := c.Find([]string{name}); err == nil && sub != c {
				line(sub)
			}
		}
	}
}

// daily lists the flags of every command that are used most.
func (h *helpText) daily(all *pflag.FlagSet) {
	h.head("Flags of every command that are used daily")
	h.flags(all, []string{"addr", "context", "plaintext", "proto", "header", "verbose"})
}

// flags lists some flags of a set, in the order of their names in names.
func (h *helpText) flags(all *pflag.FlagSet, names []string) {
	some := pflag.NewFlagSet("", pflag.ContinueOnError)
	some.SortFlags = false
	for _, name := range names {
		if f := all.Lookup(name); f != nil {
			some.AddFlag(f)
		}
	}
	h.WriteString(some.FlagUsagesWrapped(h.width))
}

// print writes the text to where cobra prints help.
func (h *helpText) print(c *cobra.Command) error {
	_, err := fmt.Fprint(c.OutOrStdout(), h.String())
	return err
}
