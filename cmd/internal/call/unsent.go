package call

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// restWait is how long the rest of the input is waited for when a call has ended. The end of a
// file is seen at once; a pipe without data is not waited for longer.
const restWait = 100 * time.Millisecond

// An unsentError is a call that the server ended with OK before its input had ended. gRPC
// allows that, but whoever sends a file would take it for received.
type unsentError struct{ sent int64 }

func (e *unsentError) Error() string {
	messages := "messages"
	if e.sent == 1 {
		messages = "message"
	}
	return fmt.Sprintf("the server ended the call after %d %s; the rest of the input was not sent", e.sent, messages)
}

// NextStep says what the status means.
func (e *unsentError) NextStep() string {
	return "the status is OK all the same: the server's answer tells what it took"
}

// A counted is the requests of a stream and, as a Sink, knows which of them were sent.
type counted struct {
	invoke.Requests
	terminal bool         // standard input is one
	read     atomic.Int64 // from the input
	sent     atomic.Int64
}

// Next returns the next request.
func (c *counted) Next(ctx context.Context) ([]byte, error) {
	wire, err := c.Requests.Next(ctx)
	if err == nil {
		c.read.Add(1)
	}
	return wire, err
}

// Event counts what was sent.
func (c *counted) Event(e *invoke.Event) error {
	if e.Kind == invoke.RequestSent {
		c.sent.Add(1)
	}
	return nil
}

// check returns the error of a call that ended with OK although input is left. It is nil when
// all was sent, when nothing more can be read yet, and when a person types the input, who sees
// that the call has ended.
func (c *counted) check(ctx context.Context) error {
	if c.terminal && c.typed() {
		return nil
	}
	if c.read.Load() > c.sent.Load() {
		return &unsentError{c.sent.Load()}
	}
	ctx, cancel := context.WithTimeout(ctx, restWait)
	defer cancel()
	if _, err := c.Requests.Next(ctx); err == io.EOF || err != nil && err == ctx.Err() {
		return nil
	}
	return &unsentError{c.sent.Load()}
}

// typed reports whether standard input is read, or was.
func (c *counted) typed() bool {
	requests := c.Requests
	if h, ok := requests.(*held); ok {
		requests = h.Requests
	}
	source, ok := requests.(*input.Source)
	return ok && source.Stdin()
}

// whole makes a run of a call fail if the server ended the call before the input had ended.
func (c *counted) whole(do func(context.Context, invoke.Sink) error) func(context.Context, invoke.Sink) error {
	return func(ctx context.Context, sink invoke.Sink) error {
		if err := do(ctx, invoke.Tee{sink, c}); err != nil {
			return err
		}
		return c.check(ctx)
	}
}
