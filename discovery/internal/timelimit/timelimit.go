// Package timelimit bounds how long one lookup in a schema may take. A lookup may consist of
// others, each with a limit of its own.
//
// Connecting to a server has limits outside of this package, and its errors say more about a
// server that is not there. A lookup therefore gets more time while a connection is made.
package timelimit

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
)

// ErrSlow is the cause of a context that has ended because a lookup took too long.
var ErrSlow = errors.New("no answer in time")

// A clock ends the context of a lookup. It is safe for concurrent use.
type clock struct {
	outer *clock // the clock of the lookup that this one is a part of, or nil
	timer *time.Timer

	mu        sync.Mutex
	remaining time.Duration // the time left at since, without the time that opening streams takes
	since     time.Time
	opens     int // streams that are being opened

	unreachable *invoke.Status // why the server cannot be reached, or nil
}

type clockKey struct{}

// With returns a context that ends after a limit with ErrSlow as its cause, and a function
// that releases it.
func With(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	outer, _ := ctx.Value(clockKey{}).(*clock)
	ctx, cancel := context.WithCancelCause(ctx)
	c := &clock{outer: outer, remaining: limit, since: time.Now()}
	c.timer = time.AfterFunc(limit, func() { cancel(ErrSlow) })
	return context.WithValue(ctx, clockKey{}, c), func() {
		c.timer.Stop()
		cancel(nil)
	}
}

// Extend stops the time of a lookup, and of those that it is a part of, while a stream is
// opened, but for no longer than limit. The caller calls opened when the stream is open.
func Extend(ctx context.Context, limit time.Duration) (opened func()) {
	innermost, _ := ctx.Value(clockKey{}).(*clock)
	for c := innermost; c != nil; c = c.outer {
		c.extend(1, limit)
	}
	return func() {
		for c := innermost; c != nil; c = c.outer {
			c.extend(-1, 0)
		}
	}
}

// extend adds to the number of streams that are being opened, and sets the timer anew.
func (c *clock) extend(opens int, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.opens == 0 {
		c.remaining -= now.Sub(c.since)
	}
	c.since = now
	if c.opens += opens; c.opens == 0 {
		by = 0
	} else if opens < 0 {
		return // another stream is still being opened
	}
	if c.timer.Stop() { // otherwise it has fired, or the lookup has ended
		c.timer.Reset(max(c.remaining+by, 0))
	}
}

// outermost returns the clock of the whole lookup, or nil when there is none.
func outermost(ctx context.Context) *clock {
	c, _ := ctx.Value(clockKey{}).(*clock)
	for c != nil && c.outer != nil {
		c = c.outer
	}
	return c
}

// NoteUnreachable records for the rest of the whole lookup why a stream could not be opened, if
// the reason is that there is no connection.
func NoteUnreachable(ctx context.Context, s *invoke.Status) {
	if c := outermost(ctx); c != nil && s.Origin == invoke.OriginTransport {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unreachable = s
	}
}

// Unreachable returns what NoteUnreachable recorded, or nil. A lookup that has once waited in
// vain for a connection does not wait again.
func Unreachable(ctx context.Context) *invoke.Status {
	c := outermost(ctx)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unreachable
}

// Err returns nil until ctx is done, and then the error for a schema that is not complete: a
// *invoke.StatusError when a limit or a deadline has passed, and otherwise ctx.Err().
func Err(ctx context.Context) error {
	switch {
	case errors.Is(context.Cause(ctx), ErrSlow):
		return (&invoke.Status{
			Code: codes.Unavailable, Message: "one lookup has no time left to put the schema together",
			Origin: invoke.OriginClient, Cause: context.DeadlineExceeded,
		}).Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return invoke.DeadlinePassed("putting the schema together", ctx.Err()).Err()
	}
	return ctx.Err()
}

// Stopped returns the error for work that ended because ctx is done. When one of the errors of
// that work is a *boundfile.WaitError, which names the file that was waited for, it is that one.
func Stopped(ctx context.Context, errs ...error) error {
	for _, err := range errs {
		var wait *boundfile.WaitError
		if errors.As(err, &wait) {
			return wait
		}
	}
	return Err(ctx)
}
