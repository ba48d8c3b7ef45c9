// Package app has what the commands of one command line share: the world around them, the flags that
// all have, and the session; and the Runner, which is where the process that runs one command line
// and the interactive shell differ.
package app

import (
	"context"
	"sync"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

// An App is what the commands of one command line share.
type App struct {
	Env     *env.Env
	Session *session.Session
	Globals *globals.Flags
	Runner  Runner
	// StatusFormat is how the status of a failed call is printed: as JSON or text
	// when --format-error asks for it, and for people when it is "".
	StatusFormat formatters.Format
	Types        invoke.Types // for the details of a status; may be nil
	tracing      sync.Mutex   // held while a line of -vv is printed
}

// UserAgent returns the name and version that the program gives to servers.
func UserAgent() string { return "rpcctl/" + version.String() }

// New returns what the commands of one command line share that r runs.
func New(env *env.Env, r Runner) *App {
	return &App{Env: env, Runner: r, Globals: globals.New(env, UserAgent())}
}

// Configure gives the session the settings of this command line, whose flags are f. Files that they
// name are read until ctx is done.
func (a *App) Configure(ctx context.Context, f *pflag.FlagSet) error {
	s, err := a.Globals.Settings(ctx, f)
	if err != nil {
		return err
	}
	a.Session, err = a.Runner.Session(ctx, a, f, s)
	return err
}

// Source configures the session and returns its schema. It always asks the server, even if the
// schema is remembered, since whoever looks at a schema wants the current one.
func (a *App) Source(ctx context.Context, f *pflag.FlagSet) (discovery.Source, error) {
	if err := a.Configure(ctx, f); err != nil {
		return nil, err
	}
	source, err := a.AskedSource(ctx)
	if err != nil {
		return nil, err
	}
	return source, a.Session.Authorize(ctx)
}

// AskedSource returns the schema as it is today.
func (a *App) AskedSource(ctx context.Context) (discovery.Source, error) {
	done, err := a.TodaysSchema(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return a.Session.Source(ctx)
}

// TodaysSchema makes the session ask the server for its schema, even if the schema is
// remembered. done is to be called once it was asked. The error is that of ctx.
func (a *App) TodaysSchema(ctx context.Context) (done func(), err error) {
	if done, err = a.Runner.LockSchema(ctx); err != nil {
		return nil, err
	}
	a.Session.AskServer()
	return done, nil
}

// Reporter returns what prints the errors of this command line.
func (a *App) Reporter() *problem.Reporter {
	return &problem.Reporter{
		Env: a.Env, Types: a.Types, Color: a.Colored(a.Env.StderrTTY), Status: a.StatusFormat,
		Refused: a.Globals.Refused,
	}
}

// Colored reports whether a stream gets colours.
func (a *App) Colored(tty bool) bool { return a.Env.Colored(a.Globals.Color.Value, tty) }
