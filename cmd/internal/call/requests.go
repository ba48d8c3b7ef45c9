package call

import (
	"context"
	"errors"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// nextRequest returns the next message of a call that has not begun. Reading a file ends when
// ready is done, and the error names the file. Reading standard input ends only with ctx,
// since a pipeline may take its time.
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
	if err != nil && err == until.Err() && until != ctx && source.Stdin() { // earlier files were read in time
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
	if !ok || !errors.As(err, &status) || status.Status.Code != codes.DeadlineExceeded || source.Stdin() ||
		source.Reading() == "" {
		return err
	}
	return &unreadError{err, source.Reading()}
}

// AddInputFlags defines the flags that say how messages are read.
func AddInputFlags(f *pflag.FlagSet, in *flags.Choice, maxSend *flags.Size, allowUnknown *bool) {
	for _, format := range input.Formats() {
		in.Allowed = append(in.Allowed, string(format))
	}
	f.Var(in, "in", "format of the messages given (default: by the extension of a file, else json)")
	f.Var(maxSend, "max-send-size", "greatest message to send (default 64MiB)")
	f.BoolVar(allowUnknown, "allow-unknown-fields", false, "leave out fields that the schema does not have")
}
