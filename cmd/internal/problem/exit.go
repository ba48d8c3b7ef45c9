package problem

import (
	"context"
	"errors"
	"os"
	"syscall"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// Exit codes. They are part of the command line's contract.
const (
	OK           = 0
	Failure      = 1          // failed outside an RPC, or a stream ended before its input
	BadUsage     = 2          // usage, bad input, an unknown or ambiguous name
	statusBase   = 64         // plus the code of an RPC status
	beyondStatus = 127        // an RPC status whose code is above 16
	Interrupted  = 130        // interrupted outside a call
	Crash        = fault.Code // a fault of rpcctl itself
)

// Code returns the exit code for the result of a command.
func Code(err error) int {
	var (
		status   *invoke.StatusError
		badInput *input.Error
		filter   *formatters.FilterError
		exit     *ExitError
		printed  *printedError
		wait     *boundfile.WaitError
	)
	switch {
	case errors.As(err, &printed):
		return StatusCode(printed.code)
	case errors.As(err, &exit):
		return exit.Code
	case errors.As(err, &status) && !interruptedLookup(err) && ClosedPipe(err):
		return StatusCode(status.Status.Code) // the call failed before the reader was gone
	case err == nil, ClosedPipe(err):
		return OK
	case interruptedLookup(err):
		return Interrupted
	case isUsage(err):
		return BadUsage
	case errors.As(err, &wait) && errors.Is(wait, context.Canceled):
		return Interrupted
	case errors.As(err, &badInput) && badInput.Err != nil: // reading the file failed, not what is in it
		return Failure
	case errors.As(err, &filter):
		return filterCode(filter)
	case isInput(err):
		return BadUsage
	case errors.As(err, new(*session.CredentialError)) && errors.Is(err, context.Canceled):
		return Interrupted // nothing was sent
	case errors.As(err, new(*session.CredentialError)) && !errors.Is(err, context.DeadlineExceeded):
		return Failure
	case errors.As(err, &status):
		return StatusCode(status.Status.Code)
	case errors.Is(err, context.Canceled):
		return Interrupted
	default:
		return Failure
	}
}

// isUsage reports whether an error is that of options, whatever else went wrong.
func isUsage(err error) bool {
	return errors.As(err, new(*session.ExposedError)) || errors.As(err, new(*grpcwire.OptionError)) ||
		errors.As(err, new(*connect.ProxyError)) || errors.As(err, new(*formatters.FieldError)) ||
		errors.As(err, new(*discovery.NameError))
}

// isInput reports whether an error is that of what was typed.
func isInput(err error) bool {
	return errors.Is(err, session.ErrNoTarget) || errors.As(err, new(*UsageError)) ||
		errors.As(err, new(*input.Error)) ||
		errors.As(err, new(*discovery.AmbiguousError)) || errors.As(err, new(*discovery.UnknownError))
}

// filterCode returns the exit code for a jq program that failed.
func filterCode(err *formatters.FilterError) int {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return StatusCode(codes.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return Interrupted
	case err.Program == "": // it failed on a response
		return Failure
	}
	return BadUsage
}

// interruptedLookup reports whether an interrupt came during a schema lookup, before
// there was a call to cancel.
func interruptedLookup(err error) bool {
	var lookup *discovery.ReflectionError
	return errors.As(err, &lookup) && lookup.Status.Code == codes.Canceled &&
		lookup.Status.Origin != invoke.OriginServer
}

// StatusCode returns the exit code for the status of an RPC.
func StatusCode(c codes.Code) int {
	if c > codes.Unauthenticated {
		return beyondStatus
	}
	return statusBase + int(c)
}

// ClosedPipe reports whether the reader of standard output has closed its end, as head
// does.
func ClosedPipe(err error) bool {
	var pe *os.PathError
	return errors.Is(err, syscall.EPIPE) && errors.As(err, &pe) && pe.Path == os.Stdout.Name()
}
