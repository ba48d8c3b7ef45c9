package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"
)

// addTimeout defines the limit of a command that asks a server for no more than its
// schema.
func addTimeout(f *pflag.FlagSet, timeout *flags.Seconds) {
	f.Var(timeout, "timeout", "limit of the whole: 2.5 (seconds), 200ms")
	flags.AddAlias(f, "max-time", "timeout")
}

// within gives a command its limit. The function that it returns ends it.
func within(c *cobra.Command, timeout flags.Seconds) func() {
	ctx, cancel := limited(c.Context(), timeout.Duration())
	c.SetContext(ctx)
	return cancel
}

// limited returns a context with a limit, 0 for none. What is read before a call has that of the
// call.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// readUntil returns what reads files that words name, until ctx is done.
func readUntil(ctx context.Context) func(name string, limit int64) ([]byte, error) {
	return func(name string, limit int64) ([]byte, error) { return boundfile.Read(ctx, name, limit) }
}

// nextRequest returns the next message of a call that has not begun. A file is read until ready is
// done, and the error names it. From standard input on only ctx ends the reading: a pipeline takes
// the time that it takes.
func nextRequest(ctx, ready context.Context, requests invoke.Requests) ([]byte, error) {
	source, ok := requests.(*input.Source)
	if !ok {
		return requests.Next(ctx)
	}
	until := ready
	if source.Stdin() {
		until = ctx
	}
	wire, err := source.Next(until)
	if err != nil && err == until.Err() && until != ctx && source.Stdin() { // the files before it were there in time
		until = ctx
		wire, err = source.Next(ctx)
	}
	if err != nil && err == until.Err() && source.Reading() != "" {
		defer source.Close()
		return nil, &boundfile.WaitError{Path: source.Reading(), Open: true, Err: err}
	}
	return wire, err
}

// An unreadError is a call that met its deadline before a file with messages had ended.
type unreadError struct {
	error
	path string
}

// Unwrap returns the error of the call.
func (e *unreadError) Unwrap() error { return e.error }

// NextStep says which file had not ended.
func (e *unreadError) NextStep() string {
	return e.path + " had not ended, and all its messages are part of the call"
}

// unread adds to the error of a call which file it still read when it met its deadline.
func unread(err error, requests invoke.Requests) error {
	var status *invoke.StatusError
	source, ok := requests.(*input.Source)
	if !ok || !errors.As(err, &status) || status.Status.Code != codes.DeadlineExceeded || source.Stdin() || source.Reading() == "" {
		return err
	}
	return &unreadError{err, source.Reading()}
}
