package discovery

import (
	"context"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

// A clock ends a lookup that takes too long, with errSlow as the cause. Connecting has
// limits of its own and says more about a server that is not there, so a clock waits
// longer meanwhile. It is safe for concurrent use.
type clock struct {
	outer *clock // of the lookup that this one is a part of; nil: of none
	timer *time.Timer

	mu    sync.Mutex
	left  time.Duration // without what opening streams takes
	since time.Time     // when left was that
	opens int           // streams that are being opened

	unreached *invoke.Status // why there was no connection; nil: there was, or nobody has tried
}

type clockKey struct{}

// withClock returns a context that a clock ends after a limit. The function ends it.
func withClock(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	outer, _ := ctx.Value(clockKey{}).(*clock)
	ctx, cancel := context.WithCancelCause(ctx)
	c := &clock{outer: outer, left: limit, since: time.Now()}
	c.timer = time.AfterFunc(limit, func() { cancel(errSlow) })
	return context.WithValue(ctx, clockKey{}, c), func() {
		c.timer.Stop()
		cancel(nil)
	}
}

// opening gives the clocks of a context more time until the function that it returns is
// called: so much that opening a stream ends first.
func opening(ctx context.Context, limit time.Duration) (opened func()) {
	last, _ := ctx.Value(clockKey{}).(*clock)
	for c := last; c != nil; c = c.outer {
		c.extend(1, limit)
	}
	return func() {
		for c := last; c != nil; c = c.outer {
			c.extend(-1, 0)
		}
	}
}

// outermost returns the clock of the whole lookup; nil where there is none.
func outermost(ctx context.Context) *clock {
	c, _ := ctx.Value(clockKey{}).(*clock)
	for c != nil && c.outer != nil {
		c = c.outer
	}
	return c
}

// unreached returns why there was no connection before in the same lookup, nil when it
// is worth a try. What a server in the void has said once is not waited for again.
func unreached(ctx context.Context) *invoke.Status {
	c := outermost(ctx)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unreached
}

// noteUnreached keeps the status of an attempt to open a stream, if there was no
// connection.
func noteUnreached(ctx context.Context, s *invoke.Status) {
	if c := outermost(ctx); c != nil && s.Origin == invoke.OriginTransport {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unreached = s
	}
}

// extend counts the streams that are being opened, and sets the timer.
func (c *clock) extend(opens int, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.opens == 0 {
		c.left -= now.Sub(c.since)
	}
	c.since = now
	if c.opens += opens; c.opens == 0 {
		by = 0
	} else if opens < 0 {
		return // another is still being opened
	}
	if c.timer.Stop() { // else it has fired, or nobody looks any more
		c.timer.Reset(max(c.left+by, 0))
	}
}
