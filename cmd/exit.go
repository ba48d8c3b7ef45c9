package cmd

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/fault"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/input"
	"google.golang.org/grpc/codes"
)

// Exit codes. They are part of the command line's contract.
const (
	exitOK          = 0
	exitFailure     = 1          // failed outside an RPC, or a stream ended before its input
	exitUsage       = 2          // usage, bad input, an unknown or ambiguous name
	exitStatus      = 64         // plus the code of an RPC status
	exitBeyond      = 127        // an RPC status whose code is above 16
	exitInterrupted = 130        // interrupted outside a call
	exitCrash       = fault.Code // a fault of rpcctl itself
)

// A UsageError is a command line that cannot be meant.
type UsageError struct {
	Err  error
	Hint string // the next step, or ""
}

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// usage makes a UsageError.
func usage(err error, hint string) error { return &UsageError{Err: err, Hint: hint} }

// A toldError is the end of a call whose status was printed for a program, which takes
// the exit code for the same.
type toldError struct {
	error
	code codes.Code
}

// Unwrap returns how the call ended.
func (e *toldError) Unwrap() error { return e.error }

// toldFor is the error of a call in a format that prints its status.
func toldFor(format formatters.Format, err error) error {
	var status *invoke.StatusError
	if format != formatters.Events || !errors.As(err, &status) {
		return err
	}
	return &toldError{err, status.Status.Code}
}

// exitCode is the exit code for the result of a command.
func exitCode(err error) int {
	var (
		status    *invoke.StatusError
		badUsage  *UsageError
		badInput  *input.Error
		filter    *formatters.FilterError
		ambiguous *discovery.AmbiguousError
		unknown   *discovery.UnknownError
	)
	var gone *leaving
	var told *toldError
	var wait *boundfile.WaitError
	switch {
	case errors.As(err, &told):
		return statusExit(told.code)
	case errors.As(err, &gone):
		return gone.code
	case errors.As(err, &status) && !interruptedLookup(err) && closedPipe(err):
		return statusExit(status.Status.Code) // it failed before the reader left
	case err == nil, closedPipe(err):
		return exitOK
	case interruptedLookup(err):
		return exitInterrupted
	case errors.As(err, new(*session.ExposedError)), errors.As(err, new(*grpcwire.OptionError)), errors.As(err, new(*connect.ProxyError)), errors.As(err, new(*formatters.FieldError)), errors.As(err, new(*discovery.NameError)):
		return exitUsage
	case errors.As(err, &wait) && errors.Is(wait, context.Canceled):
		return exitInterrupted
	case errors.As(err, &badInput) && badInput.Err != nil: // the file, not what is in it
		return exitFailure
	case errors.As(err, &filter) && errors.Is(filter, context.DeadlineExceeded):
		return statusExit(codes.DeadlineExceeded)
	case errors.As(err, &filter) && errors.Is(filter, context.Canceled):
		return exitInterrupted
	case errors.As(err, &filter) && filter.Program == "": // it failed on an answer
		return exitFailure
	case errors.Is(err, session.ErrNoTarget), errors.As(err, &badUsage), errors.As(err, &badInput), errors.As(err, &filter), errors.As(err, &ambiguous), errors.As(err, &unknown):
		return exitUsage
	case errors.As(err, new(*session.CredentialError)) && errors.Is(err, context.Canceled):
		return exitInterrupted // nothing was sent
	case errors.As(err, new(*session.CredentialError)) && !errors.Is(err, context.DeadlineExceeded):
		return exitFailure
	case errors.As(err, &status):
		return statusExit(status.Status.Code)
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitFailure
	}
}

// interruptedLookup tells whether an interrupt came while the server was asked for
// its schema, before there was a call to cancel.
func interruptedLookup(err error) bool {
	var lookup *discovery.ReflectionError
	return errors.As(err, &lookup) && lookup.Status.Code == codes.Canceled && lookup.Status.Origin != invoke.OriginServer
}

func statusExit(c codes.Code) int {
	if c > codes.Unauthenticated {
		return exitBeyond
	}
	return exitStatus + int(c)
}

// closedPipe tells whether err is that whoever read our standard output has
// left, as head does.
func closedPipe(err error) bool {
	var pe *os.PathError
	return errors.Is(err, syscall.EPIPE) && errors.As(err, &pe) && pe.Path == os.Stdout.Name()
}
