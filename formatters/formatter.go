package formatters

import (
	"errors"

	"github.com/rpcctl/rpcctl/invoke"
)

// A Formatter is a Sink that writes. It is used by one goroutine at a time, for
// one call or for calls one after another. Flush must be called once, after the
// last event; it returns the first error of writing, also when Event returned it
// before. Errors of the underlying writer are returned as they are. A message
// that does not fit its descriptor is an error that wraps a
// *transcode.WireError, and nothing of it is printed unless it is very large.
type Formatter interface {
	invoke.Sink
	Flush() error
}

// ErrTerminal is the error of New for Raw on a terminal, to which any byte of a server could be a
// command.
var ErrTerminal = errors.New("raw bytes do not belong on a terminal")
