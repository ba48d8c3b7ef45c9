package flags

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Arrange reorders a command line for cobra: the words come first and the flags
// after them, each with its value. So flags may stand anywhere, before the command
// too, and long names may have one dash. Unknown flags are left for cobra to report.
func Arrange(root *cobra.Command, args []string) []string {
	if len(args) == 0 {
		return args
	}
	if n := len(args) - 1; strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		if n == 0 {
			return args
		}
		// The last word is the one to complete, and stays the last.
		return slices.Concat(args[:1], Arrange(root, args[1:n]), args[n:])
	}
	known := Of(root)
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
		arg, wantsValue := known.Read(arg)
		flags = append(flags, arg)
		if wantsValue && len(args) > 0 {
			flags = append(flags, args[0])
			args = args[1:]
		}
	}
	return slices.Concat(words, flags)
}

// A Table maps the name of each flag in a command tree, long or short, to whether
// the flag takes a value.
type Table map[string]bool

// Of collects the flags of a command and of all its subcommands. A name stands
// for the same kind of flag everywhere.
func Of(c *cobra.Command) Table {
	t := Table{"help": false, "h": false, "version": false} // cobra's own
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		each := func(f *pflag.Flag) {
			t[f.Name] = t[f.Name] || f.NoOptDefVal == ""
			if f.Shorthand != "" { // two commands may share a letter; when one of them takes a value, both are read so
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

// Read rewrites a flag to the form that cobra takes, and reports whether its value
// is the next argument.
func (t Table) Read(arg string) (string, bool) {
	name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if takesValue, known := t[name]; known && len(name) > 1 {
		return "--" + strings.TrimLeft(arg, "-"), takesValue && !hasValue
	}
	if strings.HasPrefix(arg, "--") {
		return arg, false
	}
	if _, short := t[arg[1:2]]; !short && len(name) > 1 {
		return "-" + arg, false // a misspelt long name, for cobra to report as one
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

// Positionals returns the indexes of the arguments that are neither flags nor the
// values of flags.
func (t Table) Positionals(args []string) []int {
	var at []int
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			for i++; i < len(args); i++ {
				at = append(at, i)
			}
			return at
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			at = append(at, i)
			continue
		}
		if _, wantsValue := t.Read(arg); wantsValue {
			i++
		}
	}
	return at
}
