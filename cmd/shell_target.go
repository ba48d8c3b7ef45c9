package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/cobra"
)

// targetCommand shows or changes where calls go. It has the flags of the command line.
func (s *shell) targetCommand(l *line) *cobra.Command {
	c := s.builtin("target [ADDR]", "Show or change where calls go; flags such as --plaintext belong to the new one", 0, 1, nil)
	keep := c.Flags().Bool("keep-headers", false, "the credentials and secret headers of the target before are for this one too")
	c.RunE = func(c *cobra.Command, args []string) error {
		// The flags of this line, without those of every line.
		given := slices.DeleteFunc(longFlags(c, l.args[1:]), func(f string) bool { return strings.HasPrefix(f, "--keep-headers=") })
		if len(args) > 0 {
			given = append([]string{"--addr=" + args[0]}, given...)
		}
		if len(given) == 0 {
			if s.target() == "" {
				return usage(errors.New("there is no target"), "target host:port sets one; target demo: is a server inside rpcctl")
			}
			fmt.Fprintln(l.env.Stdout, clean(s.target()))
			return nil
		}
		for _, f := range given {
			if command, ok := strings.CutPrefix(f, "--auth-command="); ok {
				if err := s.env.mayStart("auth-command", command); err != nil {
					return err
				}
			}
		}
		to, named := newTarget(given)
		if named && to != "" {
			if _, err := invoke.ParseTarget(to); err != nil {
				return usage(err, "a target is host:port, http://host, https://host, unix:PATH or demo:")
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
		s.index.Store(nil)
		s.load()
		return nil
	}
	return c
}

// newTarget returns the target that flags name, "" where a context says it. named reports
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

// longFlags returns the flags among the arguments of a command, each as --name=value.
func longFlags(c *cobra.Command, args []string) []string {
	known := flagsOf(c.Root())
	var flags []string
	value := func(i *int, long string) {
		if *i+1 < len(args) {
			*i++
			flags = append(flags, "--"+long+"="+args[*i])
		}
	}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if args[i] == "-" || !strings.HasPrefix(args[i], "-") {
			continue
		}
		flag, wantsValue := known.read(args[i])
		if long, ok := strings.CutPrefix(flag, "--"); ok {
			switch {
			case strings.Contains(long, "="):
				flags = append(flags, flag)
			case wantsValue:
				value(&i, long)
			default:
				flags = append(flags, flag+"="+unsaid(c, long))
			}
			continue
		}
		for n := 1; n < len(flag); n++ {
			f := c.Flags().ShorthandLookup(flag[n : n+1])
			switch {
			case f == nil:
			case f.NoOptDefVal != "":
				flags = append(flags, "--"+f.Name+"="+f.NoOptDefVal)
				continue
			case n+1 < len(flag):
				flags = append(flags, "--"+f.Name+"="+strings.TrimPrefix(flag[n+1:], "="))
			default:
				value(&i, f.Name)
			}
			break
		}
	}
	return flags
}

// unsaid is the value of a flag that is given without one.
func unsaid(c *cobra.Command, name string) string {
	if f := c.Flags().Lookup(name); f != nil && f.NoOptDefVal != "" {
		return f.NoOptDefVal
	}
	return "true"
}

// sameTarget reports whether two targets lead to the same place.
func sameTarget(one, other string) bool {
	a, err := invoke.ParseTarget(one)
	b, berr := invoke.ParseTarget(other)
	return err == nil && berr == nil && a.Same(b)
}
