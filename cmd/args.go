package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// arrange lets flags stand anywhere, before the command too, and long names have
// one dash: it puts the words first and the flags behind them, each flag with
// its value. What it does not know it leaves to cobra to complain about.
func arrange(root *cobra.Command, args []string) []string {
	if len(args) == 0 {
		return args
	}
	if n := len(args) - 1; strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		if n == 0 {
			return args
		}
		// The last word is the one to complete, and stays the last.
		return slices.Concat(args[:1], arrange(root, args[1:n]), args[n:])
	}
	known := flagsOf(root)
	var words, flags []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return slices.Concat(words, flags, []string{"--"}, args)
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			words = append(words, arg)
			continue
		}
		arg, wantsValue := known.read(arg)
		flags = append(flags, arg)
		if wantsValue && len(args) > 0 {
			flags = append(flags, args[0])
			args = args[1:]
		}
	}
	return slices.Concat(words, flags)
}

// flagTable is all flags of a command tree: whether each takes a value.
type flagTable map[string]bool

// flagsOf collects the flags of a command and of all below it. A name means the
// same kind of flag wherever it stands.
func flagsOf(c *cobra.Command) flagTable {
	t := flagTable{"help": false, "h": false, "version": false} // cobra's own
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		each := func(f *pflag.Flag) {
			t[f.Name] = t[f.Name] || f.NoOptDefVal == ""
			if f.Shorthand != "" { // of two commands that share a letter one may want a value: it keeps what follows
				t[f.Shorthand] = t[f.Shorthand] || f.NoOptDefVal == ""
			}
		}
		c.Flags().VisitAll(each)
		c.PersistentFlags().VisitAll(each)
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(c)
	return t
}

// read returns a flag as cobra wants it, and whether its value is the next
// argument.
func (t flagTable) read(arg string) (string, bool) {
	name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if takesValue, known := t[name]; known && len(name) > 1 {
		return "--" + strings.TrimLeft(arg, "-"), takesValue && !hasValue
	}
	if strings.HasPrefix(arg, "--") {
		return arg, false
	}
	if _, short := t[arg[1:2]]; !short && len(name) > 1 {
		return "-" + arg, false // a long name that is misspelt, to be told as one
	}
	// A group of short flags: the first that takes a value takes the rest of the
	// group, or the next argument.
	for i := 1; i < len(arg); i++ {
		if takesValue, known := t[arg[i:i+1]]; known && takesValue {
			return arg, i == len(arg)-1
		}
	}
	return arg, false
}
