package cmd

import (
	"context"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An app is what the commands of one command line share.
type app struct {
	env     *env.Env
	session *session.Session
	globals *globals.Flags
	runner  runner
	// statusFormat is how the status of a failed call is printed: as JSON or text
	// when --format-error asks for it, and for people when it is "".
	statusFormat formatters.Format
	types        invoke.Types // for the details of a status; may be nil
	tracing      sync.Mutex   // held while a line of -vv is printed
}

// userAgent is what servers are told of the program.
func userAgent() string { return "rpcctl/" + version.String() }

// newApp returns what the commands of one command line share that r runs.
func newApp(env *env.Env, r runner) *app {
	return &app{env: env, runner: r, globals: globals.New(env, userAgent())}
}

// configure gives the session the settings of this command line, whose flags are f. Files that they
// name are read until ctx is done.
func (a *app) configure(ctx context.Context, f *pflag.FlagSet) error {
	s, err := a.globals.Settings(ctx, f)
	if err != nil {
		return err
	}
	a.session, err = a.runner.Session(ctx, a, f, s)
	return err
}

// source configures the session and returns its schema. Who looks at a schema wants
// to see today's: the server is asked, whatever is remembered of it.
func (a *app) source(ctx context.Context, f *pflag.FlagSet) (discovery.Source, error) {
	if err := a.configure(ctx, f); err != nil {
		return nil, err
	}
	source, err := a.askedSource(ctx)
	if err != nil {
		return nil, err
	}
	return source, a.session.Authorize(ctx)
}

// askedSource returns the schema as it is today.
func (a *app) askedSource(ctx context.Context) (discovery.Source, error) {
	done, err := a.todaysSchema(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return a.session.Source(ctx)
}

// todaysSchema makes the session ask the server for its schema, whatever is remembered
// of it. done is called when it was asked. The error is that of ctx.
func (a *app) todaysSchema(ctx context.Context) (done func(), err error) {
	if done, err = a.runner.LockSchema(ctx); err != nil {
		return nil, err
	}
	a.session.AskServer()
	return done, nil
}

// reporter returns what prints the errors of this command line.
func (a *app) reporter() *problem.Reporter {
	return &problem.Reporter{Env: a.env, Types: a.types, Color: a.colour(a.env.StderrTTY), Status: a.statusFormat, Refused: a.globals.Refused}
}

// colour reports whether a stream gets colours.
func (a *app) colour(tty bool) bool { return a.env.Colored(a.globals.Color.Value, tty) }

// transport opens the transport of the session, within a limit, 0 for none.
func (a *app) transport(ctx context.Context, limit time.Duration) (invoke.Transport, error) {
	ctx, cancel := limited(ctx, limit)
	defer cancel()
	return a.session.Transport(ctx)
}

// findMethod looks the method up. The user's own deadline bounds the lookup too.
func (a *app) findMethod(ctx context.Context, name string, timeout time.Duration) (protoreflect.MethodDescriptor, invoke.Types, error) {
	ready, cancel := limited(ctx, timeout)
	defer cancel()
	return a.findMethodUntil(ctx, ready, name)
}

// findMethodUntil looks the method up until ready is done. Its types go on to be looked up until
// ctx is.
func (a *app) findMethodUntil(ctx, ready context.Context, name string) (protoreflect.MethodDescriptor, invoke.Types, error) {
	source, err := a.session.Source(ready)
	if err != nil {
		return nil, nil, err
	}
	types, err := a.session.Types(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := a.session.Authorize(ready); err != nil {
		return nil, nil, err
	}
	m, err := discovery.FindMethod(ready, source, name)
	return m, types, err
}
