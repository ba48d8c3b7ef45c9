package app

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/repl"
)

// A Runner runs what a command line asks for. There are two: the process runs one command line
// and ends (Process), and the interactive shell runs one after the other, which share
// sessions, and whose calls are jobs.
type Runner interface {
	// Session returns the session that serves the settings of a command line. Files are read for
	// it until ctx is done.
	Session(ctx context.Context, a *App, f *pflag.FlagSet, s session.Settings) (*session.Session, error)
	// LockSchema waits until no other command line makes the same session ask for the schema.
	// unlock ends that. The error is that of ctx.
	LockSchema(ctx context.Context) (unlock func(), err error)
	// Run makes one call.
	Run(ctx context.Context, a *App, c Call) error
	// RunMany makes many calls.
	RunMany(ctx context.Context, a *App, m Calls) error
	// ContextChanged is called when another context has become the current one.
	ContextChanged()
	// Shell reports whether this is the shell: it shows by itself how far a call is, keeps
	// responses after the call has ended, and may have a target that its lines override.
	Shell() bool

	Prompter
}

// A Prompter owns the prompt at which the user fills in the request of call -i.
type Prompter interface {
	// Prompts returns a usage error when there is no such prompt.
	Prompts(a *App) error
	// Typed returns the name of a method as it was typed, and the flags that are set for all
	// lines of the prompt.
	Typed(method string) (name string, set map[string]string)
	// FillIn puts a line that makes the call into the prompt. c is the command of the call.
	FillIn(a *App, c *cobra.Command, l repl.Line) error
}

// A Call is a call that is planned.
type Call struct {
	Invoker *invoke.Invoker
	Call    *invoke.Call
	Sink    invoke.Sink // what prints its events
	// Do makes the call.
	Do func(context.Context, invoke.Sink) error
	// Again opens another output, on the streams of an environment, for responses that are looked at
	// when the call has ended.
	Again func(*env.Env) (*output.Output, error)
}

// A Calls is many calls that are planned.
type Calls struct {
	Name    string           // of the method
	Session *session.Session // that has the schema
	// Do makes the calls, and gives sink their events; nil: it prints them itself.
	Do    func(ctx context.Context, sink invoke.Sink) error
	Again func(*env.Env) (*output.Output, error) // as that of a Call
}

// A Process runs one command line.
type Process struct {
	// Prompt opens a prompt with a line in it.
	Prompt func(a *App, c *cobra.Command, l repl.Line) error
}

// Session implements Runner.
func (Process) Session(_ context.Context, a *App, _ *pflag.FlagSet, s session.Settings) (*session.Session, error) {
	a.Session.Configure(s)
	return a.Session, nil
}

// LockSchema implements Runner.
func (Process) LockSchema(context.Context) (func(), error) { return func() {}, nil }

// Run implements Runner.
func (Process) Run(ctx context.Context, _ *App, c Call) error { return c.Do(ctx, c.Sink) }

// RunMany implements Runner.
func (Process) RunMany(ctx context.Context, _ *App, m Calls) error { return m.Do(ctx, nil) }

// ContextChanged implements Runner.
func (Process) ContextChanged() {}

// Shell implements Runner.
func (Process) Shell() bool { return false }

// Prompts implements Prompter.
func (Process) Prompts(a *App) error {
	if !a.Env.StdinTTY || !a.Env.StdoutTTY {
		return problem.Usage(errors.New("-i fills the request in at a terminal, and there is none"),
			"give the message on the command line, or with -d")
	}
	return nil
}

// Typed implements Prompter.
func (Process) Typed(method string) (string, map[string]string) { return method, nil }

// FillIn implements Prompter.
func (p Process) FillIn(a *App, c *cobra.Command, l repl.Line) error { return p.Prompt(a, c, l) }
