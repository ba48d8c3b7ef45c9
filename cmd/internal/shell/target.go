package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

// targetCommand shows or changes where calls go. It has the flags of the command line.
func targetCommand(s *shell, l *line) *cobra.Command {
	c := builtin("target [ADDR]", "Show or change where calls go; flags such as --plaintext belong to the new one", 0,
		1, nil)
	keep := c.Flags().Bool("keep-headers", false,
		"the credentials and secret headers of the target before are for this one too")
	c.RunE = func(c *cobra.Command, args []string) error {
		// The flags of this line, without those of every line.
		given := slices.DeleteFunc(flags.Long(c, l.args[1:]),
			func(f string) bool { return strings.HasPrefix(f, "--keep-headers=") })
		if len(args) > 0 {
			given = append([]string{"--addr=" + args[0]}, given...)
		}
		if len(given) == 0 {
			if s.target() == "" {
				return problem.Usage(errors.New("there is no target"),
					"target host:port sets one; target demo: is a server inside rpcctl")
			}
			fmt.Fprintln(l.env.Stdout, formatters.CleanLine(s.target()))
			return nil
		}
		for _, f := range given {
			if command, ok := strings.CutPrefix(f, "--auth-command="); ok {
				if err := program.MayStart(s.env, "auth-command", command); err != nil {
					return err
				}
			}
		}
		to, named := newTarget(given)
		if named && to != "" {
			if _, err := invoke.ParseTarget(to); err != nil {
				return problem.Usage(err, "a target is host:port, http://host, https://host, unix:PATH or demo:")
			}
		}
		if named {
			if !*keep && !sameTarget(s.target(), to) {
				s.dropCredentials(l, "; target --keep-headers keeps them")
			}
			s.dropFlags(func(name, _ string) bool { return slices.Contains(targetFlags, name) })
			s.used = nil
		}
		s.base = append(s.base, given...)
		s.assistant.Index.Store(nil)
		s.load()
		return nil
	}
	return c
}

// newTarget returns the target that flags name, "" where a context names it. named reports
// whether there is one.
func newTarget(flags []string) (to string, named bool) {
	for _, f := range flags {
		switch name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "="); name {
		case "addr":
			to, named = value, true
		case "unix", "unix-socket":
			to, named = "unix:"+value, true
		case "context":
			named = true
		}
	}
	return to, named
}

// sameTarget reports whether two targets lead to the same place.
func sameTarget(one, other string) bool {
	a, err := invoke.ParseTarget(one)
	b, berr := invoke.ParseTarget(other)
	return err == nil && berr == nil && a.Same(b)
}
