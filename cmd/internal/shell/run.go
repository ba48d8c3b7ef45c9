// Package shell is the interactive shell: it reads statements from a prompt or a script, runs them
// by the commands of the command line, and keeps connections, variables, jobs and results between
// them.
package shell

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/assist"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/pool"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/values"
	"github.com/rpcctl/rpcctl/repl"
)

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
	defer cancel() // opening connections is given up before they are closed
	if len(o.Lines) == 0 && o.File == "" && a.Env.StdinTTY {
		if _, err := a.Globals.Settings(ctx, c.Flags()); err != nil {
			return err // here, and not at the first line
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
	return interact(s, a, o)
}

// interact reads statements from a terminal: at a prompt that is drawn, where that can be done.
func interact(s *shell, a *app.App, o *Options) error {
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

// keepPrograms forbids to start programs, except for the one that prints a token and that the
// flags of the command line or the context in use name. Statements, and contexts that they
// name, may be a stranger's.
func keepPrograms(a *app.App, base []string) {
	only := env.Program{}
	if g, f, err := globals.Parse(a.Env.Quiet(), app.UserAgent(), base); err == nil && g.LoadContext(f) == nil {
		only = g.TokenProgram()
	} // the first line reports the error
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

func newShell(ctx context.Context, env *env.Env, o *Options, base []string, tree commandTree) *shell {
	s := &shell{
		ctx: ctx, console: console{env: env}, o: o, tree: tree, baseFlags: baseFlags{base},
		settings: map[string]string{},
	}
	s.newApp = s.appOf
	s.record = &record{env: env, history: &repl.History{}, kept: !o.NoHistory, secrets: s.policy, say: s.say}
	s.vars = values.New(s.results.job, func() int { return s.code })
	s.pool = pool.New(ctx, env, func() bool { return len(s.jobs.running()) > 0 })
	s.control = interrupts.New(ctx, env, s.pool.Drop, s.jobs.cancel)
	s.assistant = assist.New(ctx, env, view{s}, s.commandsToLookAt, settingNames)
	return s
}

// appOf returns what the commands of a line share. l is nil for what the shell does between lines.
func (s *shell) appOf(env *env.Env, l *line) *app.App { return app.New(env, lineRunner{s, l}) }
