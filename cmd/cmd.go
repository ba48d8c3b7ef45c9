package cmd

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/shell"
	"github.com/rpcctl/rpcctl/cmd/internal/signals"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/repl"
)

// Main runs the command line of this process and returns its exit status.
func Main() int {
	e := env.Process()
	e.ReadPassword = credential.AtTerminal
	// A closed standard output is an error of the write, not the end of the
	// process; Notify, unlike Ignore, is not inherited by programs started here.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, signals.Ending()...)
	e.ReleaseSignals = func() { signal.Stop(interrupts) }
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	memory.CollectLate()
	silenceLibraries()
	done := make(chan int, 1)
	go func() { done <- onLargeStack(func() int { return runGuarded(ctx, e, os.Args[1:]) }) }()
	for interrupted := false; !interrupted; {
		select {
		case code := <-done:
			return closeStdout(e, code)
		case s := <-interrupts:
			interrupted = s != os.Interrupt || !e.Yielded.Load()
		}
	}
	inCall := e.InCall.Load()
	cancel()
	select {
	case code := <-done:
		return closeStdout(e, code)
	case <-again(interrupts):
	case <-time.After(env.Grace):
	}
	if inCall {
		fmt.Fprintln(e.Stderr, "rpcctl: CANCELLED (1): interrupted; what was not yet written is lost")
		return problem.StatusCode(codes.Canceled)
	}
	return problem.Interrupted
}

// sameSignal is how soon after the first a signal may be the same one that comes again.
const sameSignal = 100 * time.Millisecond

// again waits for a second interrupt of a person who cannot wait. Other signals come twice
// without meaning it: when a terminal goes away, both it and its shell send a hang-up, and
// timeout(1) sends its signal to the process and to its group.
func again(signals <-chan os.Signal) <-chan struct{} {
	pressed := make(chan struct{})
	first := time.Now()
	go func() {
		defer fault.Exit()
		for s := range signals {
			if s == os.Interrupt && time.Since(first) > sameSignal {
				close(pressed)
				return
			}
		}
	}()
	return pressed
}

// runGuarded is Run, but reports a panic as a crash of the program.
func runGuarded(ctx context.Context, env *env.Env, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fault.Tell(env.Stderr, r)
			code = problem.Crash
		}
	}()
	return Run(ctx, env, args)
}

// closeStdout closes standard output, where the last write to a full disk may
// show itself.
func closeStdout(env *env.Env, code int) int {
	if err := os.Stdout.Close(); err != nil && code == problem.OK && !problem.ClosedPipe(err) {
		fmt.Fprintf(env.Stderr, "rpcctl: closing the output: %v\n", err)
		return problem.Failure
	}
	return code
}

// Run runs one command line and returns its exit code. Cancelling ctx interrupts
// it.
func Run(ctx context.Context, env *env.Env, args []string) int {
	env = env.Guarded()
	a := app.New(env, app.Process{Prompt: fillIn})
	a.Session = session.New(session.World{
		Dial: env.Dial, Now: env.Now, Stdin: env.Stdin, CacheDir: env.CacheDir, Connected: a.Connected, Asked: a.Asked,
	})
	s := a.Session
	defer s.Close()
	root := newRoot(a)
	addHelp(a, root)
	out := &checkedWriter{Writer: env.Stdout}
	root.SetOut(out)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		othershells.Add(a, root, contextNames) // cobra keeps the functions in a table as long as the process lives
		othershells.PlainUsages(root)
	}
	root.SetArgs(flags.Arrange(root, args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err
	}
	err = problem.Overdue(err)
	a.Reporter().Report(err)
	return problem.Code(err)
}

// fillIn lets the user finish a call at a prompt that begins with the line l.
func fillIn(a *app.App, c *cobra.Command, l repl.Line) error {
	return shell.FillIn(a, c, l, newRoot)
}
