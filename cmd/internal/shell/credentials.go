package shell

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
)

// ownFlags are the flags of every line that say who calls, or that use the credentials of a
// context. They belong to the target that was set with them. --netrc is not one of them: it
// finds credentials for each host.
var ownFlags = []string{
	"bearer-file", "bearer-env", "basic", "password-file", "password-env", "auth-command", "plaintext-credentials",
	"cert", "certkey", "key", "context",
}

// ofTarget reports whether a flag of every line is for the target that it was given
// with, and for no other.
func ofTarget(name, value string) bool {
	switch name {
	case "header", "rpc-header", "reflect-header":
		header, text, err := header.Parse(value)
		return err != nil || secret.Request(header, text) || strings.Contains(text, "${") // @FILE has no name
	}
	return slices.Contains(ownFlags, name)
}

// dropCredentials takes the credentials away from every line, since what follows goes
// to another target, and says so.
func (s *shell) dropCredentials(l *line, hint string) {
	var names []string
	s.dropFlags(func(name, value string) bool {
		if !ofTarget(name, value) {
			return false
		}
		if name != "certkey" && name != "key" {
			names = append(names, flagForPeople(name, value))
		}
		return true
	})
	if len(names) > 0 {
		fmt.Fprintf(l.env.Stderr, "rpcctl: dropped, being for the target before: %s%s\n",
			formatters.CleanLine(strings.Join(names, ", ")), hint)
	}
}

// flagForPeople names a flag of every line, without its value.
func flagForPeople(name, value string) string {
	if !strings.HasSuffix(name, "header") {
		return "--" + name
	}
	if header, _, err := header.Parse(value); err == nil {
		return "the header " + header
	}
	return "the headers of a file"
}

// baseFor returns the flags that a line begins with. A line that names its own target gets no
// credentials of every line. words are the indexes of its arguments that are no flags; for
// diagnose the first is a target.
func (s *shell) baseFor(known flags.Table, args []string, words []int) []string {
	base := slices.Clone(s.base)
	diagnosed := len(words) > 1 && args[words[0]] == "diagnose"
	if !namesTarget(known, args) && !diagnosed {
		return base
	}
	return slices.DeleteFunc(base, func(f string) bool {
		name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		return ofTarget(name, value)
	})
}

// namesTarget reports whether a flag among the arguments says where a call goes.
func namesTarget(known flags.Table, args []string) bool {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return false
		}
		if args[i] == "-" || !strings.HasPrefix(args[i], "-") {
			continue
		}
		flag, wantsValue := known.Read(args[i])
		if wantsValue {
			i++
		}
		name, isLong := strings.CutPrefix(flag, "--")
		name, _, _ = strings.Cut(name, "=")
		switch {
		case isLong && slices.Contains([]string{"addr", "unix", "unix-socket", "targets", "context"}, name):
			return true
		case !isLong && strings.Contains(shortGroup(known, flag), "a"):
			return true
		}
	}
	return false
}

// shortGroup returns the letters of a group of short flags, up to the first that takes
// a value.
func shortGroup(known flags.Table, group string) string {
	for i := 1; i < len(group); i++ {
		if known[group[i:i+1]] {
			return group[1 : i+1]
		}
	}
	return group[1:]
}
