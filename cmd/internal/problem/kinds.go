package problem

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// A UsageError is a command line that makes no sense: a mistake in what was typed.
type UsageError struct {
	Err  error
	Hint string // the next step, or ""
}

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usage returns a *UsageError. hint is the next step, or "".
func Usage(err error, hint string) error { return &UsageError{Err: err, Hint: hint} }

// A printedError marks a failed call whose status is already in the output, for a
// program. Its exit code is that of the status.
type printedError struct {
	error
	code codes.Code
}

// Unwrap returns the error of the call.
func (e *printedError) Unwrap() error { return e.error }

// Printed marks the error of a call as one whose status is in the output, when the format
// is one that prints it. It returns other errors, and nil, as they are.
func Printed(format formatters.Format, err error) error {
	var status *invoke.StatusError
	if format != formatters.Events || !errors.As(err, &status) {
		return err
	}
	return &printedError{err, status.Status.Code}
}

// An ExitError ends the process with an exit code, and everything that a person needs to
// know has been printed.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Exit returns an *ExitError, or nil for the code 0.
func Exit(code int) error {
	if code == OK {
		return nil
	}
	return &ExitError{code}
}

// A framedError is an error about one part of the work, and names the part around the
// text of its cause.
type framedError interface {
	error
	Unwrap() error
	Frame(cause string) string
}

// A sharedLimitError is a message that was too large for calls that share one limit.
type sharedLimitError struct {
	err   error
	calls int // at the same time
	bytes int // that they share
}

func (e *sharedLimitError) Error() string { return e.err.Error() }

// Unwrap returns the error of the call.
func (e *sharedLimitError) Unwrap() error { return e.err }

// SharedLimit returns the error of one of several calls that share a number of bytes. When err
// is not about that limit, it returns err.
func SharedLimit(err error, calls, bytes int) error {
	var status *invoke.StatusError
	if !errors.As(err, &status) || !errors.Is(status.Status.Cause, invoke.ErrTooLarge) {
		return err
	}
	return &sharedLimitError{err, calls, bytes}
}

// A refusedError is a call that a server refused as unauthenticated although it carried
// credentials.
type refusedError struct {
	err  error
	from []string // where the credentials came from, such as --bearer-env; never their values
}

func (e *refusedError) Error() string { return e.err.Error() }

// Unwrap returns the error of the call.
func (e *refusedError) Unwrap() error { return e.err }

// Refused returns a *refusedError. from is where the credentials came from.
func Refused(err error, from []string) error { return &refusedError{err, from} }

// A flagFileError is a file with credentials that a flag names and that cannot be read.
type flagFileError struct {
	flag string
	err  error
}

func (e *flagFileError) Error() string { return e.flag + ": " + e.err.Error() }

// Unwrap returns why the file cannot be read.
func (e *flagFileError) Unwrap() error { return e.err }

// FlagFile returns a *flagFileError. flag has its dashes.
func FlagFile(flag string, err error) error { return &flagFileError{flag, err} }

// A keptError is a failure after which a message that a person wrote is still in a file.
type keptError struct {
	path string
	err  error
}

func (e *keptError) Error() string { return e.err.Error() }

// Unwrap returns the failure.
func (e *keptError) Unwrap() error { return e.err }

// NextStep says where the message is.
func (e *keptError) NextStep() string { return "what was written is in " + e.path }

// KeptIn returns a *keptError.
func KeptIn(path string, err error) error { return &keptError{path, err} }

// Overdue makes a command whose wait for a file, or whose own work, met the deadline of the
// call fail with the status that the call would have had. For a wait that was interrupted it
// returns the *boundfile.WaitError alone: the input is not at fault.
func Overdue(err error) error {
	var wait *boundfile.WaitError
	switch {
	case errors.As(err, new(*invoke.StatusError)):
		return err
	case err == context.DeadlineExceeded:
		return invoke.DeadlinePassed("", err).Err()
	case !errors.As(err, &wait):
		return err
	case !errors.Is(wait, context.DeadlineExceeded):
		return wait
	}
	text := wait.Error()
	if !errors.As(err, new(*input.Error)) && !errors.As(err, new(*discovery.ImportError)) { // which show a place
		text = err.Error()
	}
	return (&invoke.Status{Code: codes.DeadlineExceeded, Message: text, Origin: invoke.OriginClient, Cause: wait}).Err()
}
