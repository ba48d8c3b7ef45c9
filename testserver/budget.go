package testserver

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// replyBudget is how much the large replies that are being made and sent may take
	// together, in bytes: a demo that is called a thousand times at once must not be killed.
	replyBudget = 256 << 20
	// replyCost is how many copies of a reply are held: the message, its encoding, and
	// garbage.
	replyCost = 3
	// growingCost is the same for a reply that is encoded into a growing buffer: JSON, and by
	// the library for the protocols of the web.
	growingCost = 6
	// sendingCost is the same for the messages of a stream, of which others wait to be written.
	sendingCost = 4
	// smallReply is the size of the largest reply that is not counted, in bytes.
	smallReply = 64 << 10
	// stalled is how long a client may read none of its replies while others wait for their
	// room.
	stalled = 5 * time.Second
)

// A budget is memory that calls share. Calls wait for their part in the order in which
// they came. It is safe for concurrent use.
type budget struct {
	total int64 // bytes

	mu       sync.Mutex
	taken    int64
	forgiven int64 // no longer counted, although it may still be held
	waiting  []*share
}

// A share is what a call waits for.
type share struct {
	size    int64
	granted chan struct{} // closed when the call may go on
}

// take waits for room for a reply, which is given back when the reply has been sent. Its error
// is a status. A reply that is larger than the budget gets all of it. A call that already has
// room does not wait.
func (b *budget) take(ctx context.Context, reply int64) error {
	i, counted := ctx.Value(intakeKey{}).(*intake)
	if reply <= smallReply || counted && !i.replies.CompareAndSwap(false, true) {
		return nil
	}
	s := &share{size: min(reply*costIn(ctx), b.total), granted: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, s)
	b.serve()
	b.mu.Unlock()
	select {
	case <-s.granted:
		b.sent(ctx, reply, s.size)
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiting {
		if other == s {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.serve() // it may have been in front of smaller ones
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	b.taken -= s.size // it was given just now
	b.serve()
	return status.Error(codes.Canceled, "the client is gone")
}

// costIn returns how many copies of a call's reply are held.
func costIn(ctx context.Context) int64 {
	if clientOf(ctx) == nil {
		return growingCost
	}
	md, _ := metadata.FromIncomingContext(ctx)
	if slices.ContainsFunc(md["content-type"], func(s string) bool { return strings.Contains(s, "json") }) {
		return growingCost
	}
	return replyCost
}

// clientOf returns the connection of a call over gRPC, or nil.
func clientOf(ctx context.Context) *connection {
	if p, ok := peer.FromContext(ctx); ok {
		if from, ok := p.Addr.(clientAddr); ok {
			return from.conn
		}
	}
	return nil
}

// sent gives the room of a reply back when the reply has been sent. grpc-go queues a reply and
// ends the call, so with it the connection counts what is written; the other protocols end a
// request when all of its reply is written. When a client leaves, the call ends before that,
// while its reply is still being made.
func (b *budget) sent(ctx context.Context, reply, size int64) {
	i, counted := ctx.Value(intakeKey{}).(*intake)
	conn := clientOf(ctx)
	switch {
	case conn != nil && conn.owe(b, reply, size, counted):
		if counted {
			i.atEnd(func() { conn.made(size) })
		}
	case counted:
		i.atEnd(func() { b.give(size) })
	case conn != nil:
		b.give(size)
	default:
		context.AfterFunc(ctx, func() { b.give(size) })
	}
}

// give gives room back.
func (b *budget) give(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= size
	b.serve()
}

// wanted reports whether others wait.
func (b *budget) wanted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 0
}

// forgive gives back the room of replies that a client does not read. It returns false when
// that was done for as much as the whole budget.
func (b *budget) forgive(size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.forgiven+size > b.total {
		return false
	}
	b.forgiven += size
	b.taken -= size
	b.serve()
	return true
}

// serve lets those go on whose turn has come. The budget is locked.
func (b *budget) serve() {
	for len(b.waiting) > 0 && b.taken+b.waiting[0].size <= b.total {
		s := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.taken += s.size
		close(s.granted)
	}
}

// clientAddr is the address of a client, which leads to its connection.
type clientAddr struct {
	net.Addr
	conn *connection
}

// debts are what a connection still has to write of large replies, as parts of a budget.
type debts struct {
	mu     sync.Mutex
	budget *budget
	bytes  int64       // that will be written
	size   int64       // their part
	stall  *time.Timer // since the last write
	closed bool

	making   int64 // parts of replies whose calls have not ended
	forgiven int64 // parts of what may still be held
}

// owe records that a reply will be written, and whether made will be called for it. It returns
// false when the connection is closed.
func (c *connection) owe(b *budget, bytes, size int64, told bool) bool {
	d := &c.debts
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	if told {
		d.making += size
	}
	d.budget = b
	d.bytes += bytes
	d.size += size
	if d.stall == nil {
		d.stall = time.AfterFunc(stalled, c.stalls)
	} else {
		d.stall.Reset(stalled)
	}
	return true
}

// made records that a reply is made, and is being sent if the connection still exists.
func (c *connection) made(size int64) {
	d := &c.debts
	d.mu.Lock()
	defer d.mu.Unlock()
	d.making -= size
	if d.closed {
		part := min(size, d.size)
		d.size -= part
		d.budget.give(part)
	}
}

// stalls ends the wait for a connection that has written nothing for long of what it holds, if
// others wait. Its calls may have been cancelled, so that nothing is held: that is assumed up
// to some amount, and beyond it the connection is closed.
func (c *connection) stalls() {
	d := &c.debts
	d.mu.Lock()
	closes := false
	switch {
	case d.size == 0:
	case !d.budget.wanted():
		d.stall.Reset(stalled)
	case d.budget.forgive(d.size):
		d.forgiven += d.size
		d.bytes, d.size = 0, 0
	default:
		closes = true
	}
	d.mu.Unlock()
	if closes {
		_ = c.Close() // its client takes nothing
	}
}

// pay gives back what was written, which is less than what is held.
func (d *debts) pay(written int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size == 0 {
		return
	}
	paid := d.size
	if written < d.bytes {
		paid = int64(float64(written) / float64(d.bytes) * float64(d.size))
	}
	d.bytes -= min(written, d.bytes)
	d.size -= paid
	d.budget.give(paid)
	if d.size == 0 {
		d.stall.Stop()
	} else {
		d.stall.Reset(stalled)
	}
}

// close gives back everything but the room of replies that are still being made.
func (d *debts) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed = true; d.budget == nil {
		return
	}
	d.stall.Stop()
	if d.forgiven > 0 {
		d.budget.mu.Lock()
		d.budget.forgiven -= d.forgiven
		d.budget.mu.Unlock()
		d.forgiven = 0
	}
	kept := min(d.making, d.size)
	d.budget.give(d.size - kept)
	d.bytes, d.size = 0, kept
}
