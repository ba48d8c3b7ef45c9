package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/width"
)

// builtins are the commands of the shell, besides those of the command line.
func builtins(s *shell, l *line) []*cobra.Command {
	exit := builtin("exit", "Leave; in a script, once the jobs have ended", 0, 0, nil)
	exit.Aliases = []string{"quit"}
	now := exit.Flags().Bool("now", false, "cancel the jobs")
	exit.RunE = func(c *cobra.Command, _ []string) error { return leave(c.Context(), s, *now) }
	header := builtin("header ['NAME: VALUE']", "Show or set metadata that is sent with each call", 0, -1, nil)
	drop := header.Flags().BoolP("delete", "d", false, "take a header away")
	header.RunE = func(_ *cobra.Command, args []string) error { return setHeader(s, l, args, *drop) }
	all := []*cobra.Command{
		exit, header,
		builtin("use [SERVICE | PACKAGE | -]", "Look short names up there first", 0, 1,
			func(ctx context.Context, args []string) error { return use(ctx, s, l, args) }),
		targetCommand(s, l),
		builtin("set [NAME=VALUE]",
			"Show or change settings: "+strings.Join(slices.Sorted(maps.Keys(settingNames)), ", "), 0, 1,
			func(_ context.Context, args []string) error { return set(s, l, args) }),
		builtin("vars", "List the variables and results", 0, 0,
			func(context.Context, []string) error { return listVars(s, l) }),
		builtin("unset NAME...", "Forget variables", 1, -1, func(_ context.Context, args []string) error {
			for _, name := range args {
				s.vars.Unset(strings.TrimPrefix(name, "$"))
			}
			return nil
		}),
		builtin("history [N | PATTERN]", "Show what was typed before", 0, 1,
			func(_ context.Context, args []string) error {
				return showHistory(s, l, strings.Join(args, ""))
			}),
		builtin("source FILE", "Run the statements in a file", 1, 1, func(ctx context.Context, args []string) error {
			return source(ctx, s, args[0])
		}),
		builtin("save FILE [N..M]", "Write the history, or some of it, as a script", 1, 2,
			func(_ context.Context, args []string) error { return save(s, args) }),
		builtin("edit [N]", "Edit a line of the history, the last one by default", 0, 1,
			func(_ context.Context, args []string) error {
				return editLine(s, strings.Join(args, ""))
			}),
		builtin("time LINE", "Run a line and tell how long it took", 1, -1, nil),
		builtin("watch SECONDS LINE", "Run a line again and again, until Ctrl-C", 2, -1, nil),
		builtin("shell COMMAND", "Run a program of this machine", 1, -1, nil),
	}
	return append(all, jobCommands(s, l)...)
}

// leave leaves the shell. A script waits for its jobs.
func leave(ctx context.Context, s *shell, now bool) error {
	code := problem.OK
	if !now && !s.interactive {
		code = problem.Code(waitFor(ctx, s, &line{s: s}, nil, 0))
	}
	s.exitCode = &code
	return nil
}

// use chooses where short names are looked up.
func use(ctx context.Context, s *shell, l *line, args []string) error {
	switch {
	case len(args) == 0:
		if s.using() != "" {
			fmt.Fprintln(l.env.Stdout, s.using())
		}
		return nil
	case args[0] == "-":
		if len(s.used) < 2 {
			return problem.Usage(errors.New("nothing was in use before"), "")
		}
		n := len(s.used)
		s.used[n-1], s.used[n-2] = s.used[n-2], s.used[n-1]
		return nil
	}
	source, _, err := s.schema(ctx, s.newApp(l.env, nil))
	if err != nil {
		return err
	}
	name, err := findScope(ctx, source, args[0])
	if err != nil {
		return err
	}
	s.used = append(slices.DeleteFunc(s.used, func(u string) bool { return u == name }), name)
	return nil
}

// findScope returns the full name of a service or package.
func findScope(ctx context.Context, source discovery.Source, name string) (string, error) {
	services, err := source.Services(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, svc := range services {
		full := string(svc)
		if full == name || strings.HasPrefix(full, name+".") {
			return name, nil
		}
		if strings.HasSuffix(full, "."+name) {
			found = append(found, full)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var all []string
		for _, svc := range services {
			all = append(all, string(svc))
		}
		return "", &discovery.UnknownError{
			Name: name, Kind: discovery.KindService,
			Near: discovery.Nearest(name, all, 3),
		}
	}
	return "", &discovery.AmbiguousError{Name: name, Candidates: found}
}

// setHeader shows or sets the headers of every call.
func setHeader(s *shell, l *line, args []string, drop bool) error {
	text := strings.Join(args, " ")
	if text == "" {
		for _, f := range s.base {
			if h, ok := strings.CutPrefix(f, "--header="); ok {
				name, value, err := header.Parse(h)
				if err != nil {
					continue
				}
				if secret.Request(name, value) {
					value = secret.Mask
				}
				fmt.Fprintf(l.env.Stdout, "%s: %s\n", name, formatters.CleanLine(value))
			}
		}
		return nil
	}
	name, _, _ := strings.Cut(strings.ToLower(text), ":")
	same := func(flag, value string) bool {
		given, _, err := header.Parse(value)
		return flag == "header" && err == nil && given == strings.TrimSpace(name)
	}
	if drop {
		before := len(s.base)
		s.dropFlags(same)
		if len(s.base) == before {
			return problem.Usage(fmt.Errorf("header %q is not set", name), "header lists those that are")
		}
		return nil
	}
	given, _, err := header.Parse(text)
	if err != nil {
		return err
	}
	if err := globals.CheckHeader(s.ctx, s.env, text); err != nil {
		return err
	}
	name = given
	s.dropFlags(same)
	s.base = append(s.base, "--header="+text)
	return nil
}

func listVars(s *shell, l *line) error {
	w := tabwriter.NewWriter(l.env.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range s.vars.Names() {
		v, _ := s.vars.Named(name)
		text, err := v.Text()
		if err != nil {
			text = []byte("(" + err.Error() + ")")
		}
		fmt.Fprintf(w, "$%s\t%s\n", name,
			formatters.CleanLine(width.Truncate(s.env.Secrets.Mask(string(text)), 60, "...")))
	}
	for _, n := range s.results.numbers() {
		r := s.results.get(n)
		fmt.Fprintf(w, "$%d\t%s: %s\n", n, formatters.CleanLine(r.name), strings.Join(summary(r), ", "))
	}
	return w.Flush()
}

// showHistory prints lines with their numbers: the last 50, the last n, or those with a pattern.
func showHistory(s *shell, l *line, what string) error {
	n, err := strconv.Atoi(what)
	if err != nil {
		n = s.record.history.Len()
		if what == "" {
			n = 50
		}
	}
	pattern := what
	if err == nil {
		pattern = ""
	}
	for i := max(0, s.record.history.Len()-n); i < s.record.history.Len(); i++ {
		if text := s.record.history.Line(i); strings.Contains(text, pattern) {
			fmt.Fprintf(l.env.Stdout, "%5d  %s\n", i+1,
				formatters.Clean(strings.ReplaceAll(text, "\n", "\n       "), true))
		}
	}
	return nil
}
