package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/cobra"
)

// app is what the commands of one command line share.
type app struct {
	env     *env.Env
	session *session.Session
	globals *globals.Flags
	// statusFormat is how the status of a failed call is printed: as JSON or text
	// when --format-error asks for it, and for people when it is "".
	statusFormat formatters.Format
	types        invoke.Types // for the details of a status; may be nil
	tracing      sync.Mutex   // held while a line of -vv is printed

	shell *shell // that this command line is a line of; nil: none
	line  *line
}

// newApp returns what the commands of one command line share.
func newApp(env *env.Env) *app {
	return &app{env: env, globals: globals.New(env, "rpcctl/"+version.String())}
}

// newLineApp returns what the commands share of a line that is typed at the shell's prompt. l is
// nil for what the shell does between lines.
func newLineApp(env *env.Env, s *shell, l *line) *app {
	a := newApp(env)
	a.shell, a.line = s, l
	return a
}

// newRoot builds a fresh command tree. Building one for each command line keeps
// flags from leaking from one to the next.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcctl",
		Short: "The terminal for remote procedures",
		Long: `rpcctl finds a server's procedures, calls them, and prints what they answer.

  rpcctl -a localhost:50051 list
  rpcctl -a localhost:50051 describe shop.v1.Shop
  rpcctl -a localhost:50051 call Shop.PlaceOrder '{"id":"17"}'
  rpcctl -a localhost:50051 call Shop.PlaceOrder id=17 kind=TOY

To try it with no server: the target demo: is one inside rpcctl.

  rpcctl -a demo: call Greeter.SayHello name=World

Exit codes: 0 done, 1 failed outside an RPC, or a stream ended before its input,
2 usage or bad input, 64 + code for an RPC status (69 is NOT_FOUND), 130
interrupted outside a call.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              a.noCommand,
		PersistentPreRunE: a.useContext,

		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
		Version: version.String(),
	}
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetFlagErrorFunc(usage.FlagError)
	a.globals.Add(root.PersistentFlags())
	root.AddCommand(newCall(a), newList(a), newDescribe(a), newConvert(a), newHealth(a), newDiagnose(a), newContext(a), newCache(a), newExport(a), newDemo(a), newShellCommand(a), newVersion(a))
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// noCommand explains a first word that is no command, which people who know
// other tools type: a target, or a method.
func (a *app) noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%q: no such command", invoke.MaskTarget(args[0]))
	if t, terr := invoke.ParseTarget(args[0]); terr == nil {
		rest := strings.Join(args[1:], " ")
		if len(args) > 1 && !usage.IsCommand(c, args[1]) {
			rest = "call " + rest
		}
		return problem.Usage(err, strings.TrimSpace(fmt.Sprintf("a target goes behind -a: rpcctl -a %s %s", t, rest)))
	}
	if _, _, merr := discovery.ParseMethod(args[0]); merr == nil && strings.ContainsAny(args[0], "./") {
		return problem.Usage(err, "to call a method: rpcctl call "+args[0])
	}
	return usage.NoSuchCommand(c, args[0])
}

// configure gives the session the settings of this command line. Files that they name are read
// until ctx is done.
func (a *app) configure(ctx context.Context, c *cobra.Command) error {
	s, err := a.globals.Settings(ctx, c.Flags())
	if err != nil {
		return err
	}
	if a.shell != nil {
		if a.session, err = a.shell.connection(ctx, c, s); err != nil {
			return err
		}
		if a.globals.CurrentContext() && s.Target != nil { // it may be another than before
			where := s.Target.String()
			a.shell.reached.Store(&where)
			a.shell.production.Store(a.globals.Production())
		}
		return nil
	}
	a.session.Configure(s)
	return nil
}

// source configures the session and returns its schema. Who looks at a schema wants
// to see today's: the server is asked, whatever is remembered of it.
func (a *app) source(c *cobra.Command) (discovery.Source, error) {
	if err := a.configure(c.Context(), c); err != nil {
		return nil, err
	}
	source, err := a.askedSource(c.Context())
	if err != nil {
		return nil, err
	}
	return source, a.session.Authorize(c.Context())
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
	done = func() {}
	if a.shell != nil { // whose lines and jobs share the session
		if err := a.shell.asking.take(ctx); err != nil {
			return nil, err
		}
		done = a.shell.asking.giveBack
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

// withoutContext are the commands that use no context. Each line of a shell does so by
// itself.
var withoutContext = []string{"version", "help", "demo", "completion", "context", "cache", "shell", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

// useContext fills in the flags that were not given from the context in use. It runs before
// every command.
func (a *app) useContext(c *cobra.Command, args []string) error {
	if c.Parent() == nil {
		return nil // it prints help
	}
	for p := c; p != nil; p = p.Parent() {
		if slices.Contains(withoutContext, p.Name()) {
			return nil
		}
	}
	if c.Name() == "diagnose" && len(args) == 1 {
		if a.globals.AddressGiven(c.Flags()) {
			return problem.Usage(fmt.Errorf("%s and --addr both name a target", args[0]), "")
		}
		if err := c.Flags().Set("addr", args[0]); err != nil {
			return err
		}
	}
	return a.globals.LoadContext(c.Flags())
}
