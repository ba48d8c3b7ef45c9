package cmd

import (
	"context"
	"errors"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/repl"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shellOptions are the flags of shell.
type shellOptions struct {
	lines     []string // -c
	file      string   // -f
	plain     bool
	quiet     bool
	echo      bool
	keepGoing bool
	noShell   bool
	noHistory bool
}

func newShellCommand(a *app.App) *cobra.Command {
	o := &shellOptions{}
	c := &cobra.Command{
		Use:   "shell",
		Short: "The interactive shell",
		Long: `Explore a server and call it, line by line: the commands of rpcctl, and methods
as if they were commands. The flags given here hold for every line.

  rpcctl -a localhost:50051 shell
  rpcctl -a localhost:50051 shell -c 'Greeter.SayHello name=World'
  rpcctl -a localhost:50051 shell -f smoke.rpc
  echo 'list' | rpcctl -a localhost:50051 shell

A script, which is what -c, -f and standard input that is no terminal are, stops at
the first statement that fails, with its exit code. In the shell, help tells more.`,
		Args: usage.Words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return runShell(a, c, o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.VarP((*flags.Repeated)(&o.lines), "command", "c", "run `LINE` and leave (repeatable)")
	f.StringVarP(&o.file, "file", "f", "", "run the statements in `FILE` and leave; - is standard input")
	f.BoolVar(&o.keepGoing, "keep-going", false, "in a script: go on after a failure, and leave with the first one's exit code")
	f.BoolVar(&o.echo, "echo", false, "in a script: show each statement on stderr before it runs")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no banner, and no line about each result")
	f.BoolVar(&o.plain, "plain", false, "no line editing, as for a terminal that cannot: for screen readers and logs")
	f.BoolVar(&o.noHistory, "no-history", false, "store nothing of what is typed")
	f.BoolVar(&o.noShell, "no-shell", false, "start no program of this machine: no |, shell, editor, pager, and no auth-command but the one given before")
	return c
}

// runShell decides what kind of shell it is, and runs it.
func runShell(a *app.App, c *cobra.Command, o *shellOptions) error {
	memory.Collect(memory.Usual)
	if len(o.lines) > 0 && o.file != "" {
		return problem.Usage(errors.New("-c and -f both say what to run"), "")
	}
	base := baseFlags(c)
	ctx, cancel := context.WithCancel(c.Context())
	if o.noShell {
		keepPrograms(a, base)
	}
	s := newShell(ctx, a.Env, o, base)
	defer s.close()
	defer cancel() // whoever opens a connection gives up before they are closed
	if len(o.lines) == 0 && o.file == "" && a.Env.StdinTTY {
		if _, err := a.Globals.Settings(ctx, c.Flags()); err != nil {
			return err // before the prompt, not at the first line
		}
	}
	if target, production := a.Globals.Peek(c.Flags()); target != nil {
		where := target.String()
		s.reached.Store(&where)
		s.production.Store(production)
	}
	switch {
	case len(o.lines) > 0:
		return s.script("-c", strings.NewReader(strings.Join(o.lines, "\n")))
	case o.file != "" && o.file != "-":
		return s.scriptFile(o.file)
	case !a.Env.StdinTTY || o.file == "-":
		return s.script("stdin", a.Env.Stdin)
	}
	s.interactive = true
	s.own()
	if t := a.Env.Getenv("TERM"); o.plain || t == "" || t == "dumb" {
		return s.plainLoop()
	}
	err := s.openEditor(a.Colored(true))
	if errors.Is(err, repl.ErrNoTerminal) {
		return s.plainLoop()
	}
	if err != nil {
		return err
	}
	return s.editorLoop()
}

// keepPrograms lets nothing start a program any more, but the one for a token that the flags of the
// command line name, or the context in force: statements, and the contexts that they name, may be a
// stranger's.
func keepPrograms(a *app.App, base []string) {
	only := env.Program{}
	if g, f, err := globals.Parse(a.Env.Quiet(), app.UserAgent(), base); err == nil && g.LoadContext(f) == nil {
		only = g.TokenProgram()
	} // the first line reports what is wrong
	env := *a.Env
	env.Only = &only
	a.Env = &env
}

// baseFlags are the flags of the command line that every line of the shell begins with, each
// as one word.
func baseFlags(c *cobra.Command) []string {
	var base []string
	own := c.LocalNonPersistentFlags()
	c.Flags().Visit(func(f *pflag.Flag) {
		if own.Lookup(f.Name) != nil {
			return
		}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range many.GetSlice() {
				base = append(base, "--"+f.Name+"="+v)
			}
			return
		}
		base = append(base, "--"+f.Name+"="+f.Value.String())
	})
	return base
}
