// Package usage words what is wrong with the words of a command line, and suggests what was meant.
package usage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// Words checks the number of a command's words.
func Words(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		if c.HasAvailableSubCommands() && len(args) > 0 {
			return NoSuchCommand(c, args[0])
		}
		what := "too few words"
		if len(args) > least {
			what = fmt.Sprintf("too many words: %q", args[most])
		}
		return problem.Usage(fmt.Errorf("%s: %s", c.Name(), what), "the form is: "+c.UseLine())
	}
}

// NoSuchCommand is the error for a word that is not one of a command's own commands.
func NoSuchCommand(c *cobra.Command, word string) error {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	help := "rpcctl help"
	if c.HasParent() {
		help = c.CommandPath() + " --help"
	}
	return NoSuch(invoke.MaskTarget(word), "command", help+" lists the commands", names)
}

// IsCommand reports whether a word names one of a command's own commands.
func IsCommand(c *cobra.Command, word string) bool {
	for _, sub := range c.Commands() {
		if sub.Name() == word || sub.HasAlias(word) {
			return true
		}
	}
	return false
}

// FlagError explains a flag that does not exist, or whose value is wrong.
func FlagError(c *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return problem.Usage(PlainValue(err), "")
	}
	var names []string
	for known := range flags.Of(c) {
		names = append(names, known)
	}
	if near := discovery.Nearest(name, names, 1); len(near) > 0 {
		return problem.Usage(err, fmt.Sprintf("did you mean --%s?", near[0]))
	}
	return problem.Usage(err, fmt.Sprintf("%s --help lists the flags", c.CommandPath()))
}

// PlainValue returns an error that says only that a value is no number, or no switch.
func PlainValue(err error) error {
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err
	}
	what := "a whole number"
	switch {
	case errors.Is(number, strconv.ErrRange):
		what = "in the range of such numbers"
	case number.Func == "ParseBool":
		what = "true or false"
	case number.Func == "ParseFloat":
		what = "a number"
	}
	plain := fmt.Errorf("%q is not %s", number.Num, what)
	if value := (*pflag.InvalidValueError)(nil); errors.As(err, &value) {
		return fmt.Errorf("--%s: %w", value.GetFlag().Name, plain)
	}
	return plain
}

// NoSuch is the usage error for a word that is not among names: it suggests the nearest, and otherwise
// gives another hint. kind is what the names are of.
func NoSuch(word, kind, otherwise string, names []string) error {
	err := fmt.Errorf("%q: no such %s", word, kind)
	if near := discovery.Nearest(word, names, 1); len(near) > 0 {
		return problem.Usage(err, fmt.Sprintf("did you mean %s?", near[0]))
	}
	return problem.Usage(err, otherwise)
}

// CommandNames returns the names of the commands of c that help lists.
func CommandNames(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}
