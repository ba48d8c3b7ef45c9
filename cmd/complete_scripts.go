package cmd

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// A scriptChange is a line of a completion script of cobra's, and what stands in its
// place. The scripts evaluate the line that is being typed, for its quotes and
// variables, and would run the commands in it at the Tab.
type scriptChange struct{ from, to string }

// scriptChanges are the changes by the name of the shell.
func scriptChanges(shell string) []scriptChange {
	switch shell {
	case "bash":
		return []scriptChange{{
			`    out=$(eval "${requestComp}" 2>/dev/null)`,
			"    # Commands in the line run when it is entered, and not before.\n" +
				"    case ${requestComp} in *'`'*|*'$('*|*'<('*|*'>('*|*'${ '*|*'${|'*) directive=0; return;; esac\n" +
				`    out=$(eval "${requestComp}" 2>/dev/null)`,
		}}
	case "zsh":
		return []scriptChange{{
			`    out=$(eval ${requestComp} 2>/dev/null)`,
			"    # Commands in the line run when it is entered, and not before: those in patterns too.\n" +
				"    case ${requestComp} in *'`'*|*'('*) return;; esac\n" +
				`    out=$(eval ${requestComp} 2>/dev/null)`,
		}}
	case "fish":
		return []scriptChange{{
			`    set -l requestComp "RPCCTL_ACTIVE_HELP=0 $args[1] __complete $args[2..-1] $lastArg"`,
			"    # The words come without their quotes, and go with new ones; variables stay what they are.\n" +
				`    set -l quoted (string escape -n -- $args[2..-1] | string replace -ar '\\\\\$([A-Za-z_][A-Za-z0-9_]*)' '$$$1')` + "\n" +
				`    set -l requestComp "RPCCTL_ACTIVE_HELP=0 "(string escape -- $args[1])" __complete $quoted $lastArg"`,
		}}
	case "powershell":
		return []scriptChange{{
			`    Invoke-Expression -OutVariable out "$RequestComp" 2>&1 | Out-Null`,
			"    # Commands in the line run when it is entered, and not before.\n" +
				"    if (\"$RequestComp\".Contains('(')) { return }\n" +
				`    Invoke-Expression -OutVariable out "$RequestComp" 2>&1 | Out-Null`,
		}}
	}
	return nil
}

// runNothing makes the command that writes a shell's completion script into a buffer
// print one that runs nothing of the line that is being typed.
func runNothing(c *cobra.Command, script *bytes.Buffer) {
	changes, print := scriptChanges(c.Name()), c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := print(c, args); err != nil {
			return err
		}
		text := script.String()
		for _, change := range changes {
			if !strings.Contains(text, change.from) {
				return errors.New("the completion script is not the one that is known")
			}
			text = strings.Replace(text, change.from, change.to, 1)
		}
		_, err := io.WriteString(c.OutOrStdout(), text)
		return err
	}
}
