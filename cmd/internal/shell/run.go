// Package shell is the interactive shell: it reads statements from a prompt or a script, runs them
// by the commands of the command line, and keeps connections, variables, jobs and results between
// them.
package shell

import (
	"context"
	"errors"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/repl"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Options are the flags of shell.
type Options struct {
	Lines     []string // -c
	File      string   // -f
	Plain     bool
	Quiet     bool
	Echo      bool
	KeepGoing bool
	NoShell   bool
	NoHistory bool
}

// A commandTree builds the commands of the command line, for one line of the shell.
type commandTree func(*app.App) *cobra.Command

// Run decides what kind of shell it is, and runs it. c is the command that was given, and tree
// builds those of its lines.
func Run(a *app.App, c *cobra.Command, o *Options, tree commandTree) error {
	memory.Collect(memory.Usual)
	if len(o.Lines) > 0 && o.File != "" {
		return problem.Usage(errors.New("-c and -f both say what to run"), "")
	}
	base := flagsOf(c)
	ctx, cancel := context.WithCancel(c.Context())
	if o.NoShell {
		keepPrograms(a, base)
	}
	s := newShell(ctx, a.Env, o, base, tree)
	defer s.close()
	defer cancel() // whoever opens a connection gives up before they are closed
	if len(o.Lines) == 0 && o.File == "" && a.Env.StdinTTY {
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
	case len(o.Lines) > 0:
		return runScript(s, "-c", strings.NewReader(strings.Join(o.Lines, "\n")))
	case o.File != "" && o.File != "-":
		return scriptFile(s, o.File)
	case !a.Env.StdinTTY || o.File == "-":
		return runScript(s, "stdin", a.Env.Stdin)
	}
	s.interactive = true
	s.control.Own()
	if t := a.Env.Getenv("TERM"); o.Plain || t == "" || t == "dumb" {
		return plainLoop(s)
	}
	err := s.openEditor(a.Colored(true))
	if errors.Is(err, repl.ErrNoTerminal) {
		return plainLoop(s)
	}
	if err != nil {
		return err
	}
	return editorLoop(s)
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

// flagsOf returns the flags of the command line that every line of the shell begins with, each
// as one word.
func flagsOf(c *cobra.Command) []string {
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
