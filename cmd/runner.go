package cmd

import (
	"context"
	"errors"

	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/repl"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A runner runs what a command line asks for. There are two: the process runs one command line and
// ends (process), and the interactive shell runs one after the other, which share sessions, and
// whose calls are jobs.
type runner interface {
	// Session returns the session that serves the settings of a command line. Files are read for
	// it until ctx is done.
	Session(ctx context.Context, a *app, f *pflag.FlagSet, s session.Settings) (*session.Session, error)
	// LockSchema waits until no other command line makes the same session ask for the schema.
	// unlock ends that. The error is that of ctx.
	LockSchema(ctx context.Context) (unlock func(), err error)
	// Run makes one call.
	Run(ctx context.Context, a *app, c plannedCall) error
	// RunMany makes many calls.
	RunMany(ctx context.Context, a *app, m plannedCalls) error
	// ContextChanged is called when another context has become the current one.
	ContextChanged()
	// Shell reports whether this is the shell: it shows by itself how far a call is, keeps
	// responses after the call has ended, and may have a target that its lines override.
	Shell() bool

	prompter
}

// A prompter has the prompt at which call -i has a request filled in.
type prompter interface {
	// Prompts returns a usage error when there is no such prompt.
	Prompts(a *app) error
	// Typed returns the name of a method as it was typed, and the flags that are set for all
	// lines of the prompt.
	Typed(method string) (name string, set map[string]string)
	// FillIn puts a line that makes the call into the prompt. c is the command of the call.
	FillIn(a *app, c *cobra.Command, l repl.Line) error
}

// A plannedCall is a call that is planned.
type plannedCall struct {
	Invoker *invoke.Invoker
	Call    *invoke.Call
	Sink    invoke.Sink // what prints its events
	// Do makes the call.
	Do func(context.Context, invoke.Sink) error
	// Again opens another output, for responses that are looked at when the call has ended.
	Again func() (*output.Output, error)
}

// A plannedCalls is many calls that are planned.
type plannedCalls struct {
	Name string // of the method
	// Do makes the calls, and gives sink their events; nil: it prints them itself.
	Do    func(ctx context.Context, sink invoke.Sink) error
	Again func() (*output.Output, error) // as that of a plannedCall
}

// A process runs one command line.
type process struct {
	// fillIn opens a prompt with a line in it.
	fillIn func(a *app, c *cobra.Command, l repl.Line) error
}

// Session implements runner.
func (process) Session(_ context.Context, a *app, _ *pflag.FlagSet, s session.Settings) (*session.Session, error) {
	a.session.Configure(s)
	return a.session, nil
}

// LockSchema implements runner.
func (process) LockSchema(context.Context) (func(), error) { return func() {}, nil }

// Run implements runner.
func (process) Run(ctx context.Context, _ *app, c plannedCall) error { return c.Do(ctx, c.Sink) }

// RunMany implements runner.
func (process) RunMany(ctx context.Context, _ *app, m plannedCalls) error { return m.Do(ctx, nil) }

// ContextChanged implements runner.
func (process) ContextChanged() {}

// Shell implements runner.
func (process) Shell() bool { return false }

// Prompts implements prompter.
func (process) Prompts(a *app) error {
	if !a.env.StdinTTY || !a.env.StdoutTTY {
		return problem.Usage(errors.New("-i fills the request in at a terminal, and there is none"), "give the message on the command line, or with -d")
	}
	return nil
}

// Typed implements prompter.
func (process) Typed(method string) (string, map[string]string) { return method, nil }

// FillIn implements prompter.
func (p process) FillIn(a *app, c *cobra.Command, l repl.Line) error { return p.fillIn(a, c, l) }
