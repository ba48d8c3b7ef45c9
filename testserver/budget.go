package testserver

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// replyBudget is how much the great replies that are being made and sent may take
	// together, in bytes: a demo that is called a thousand times at once is no reason to
	// be killed.
	replyBudget = 256 << 20
	// replyCost is how often the bytes of a reply are held: in the message, and encoded.
	replyCost = 2
	// smallReply is how great a reply may be that is not counted, in bytes.
	smallReply = 64 << 10
	// stalled is how long a client may take nothing of its replies before they do not
	// count any more: calls that were cancelled are never taken.
	stalled = 5 * time.Second
)

// A budget is memory that calls share. Calls wait for their part in the order in which
// they came. It is safe for concurrent use.
type budget struct {
	total int64 // bytes

	mu      sync.Mutex
	taken   int64
	waiting []*share
}

// A share is what a call waits for.
type share struct {
	size  int64
	given chan struct{} // closed when the call may go on
}

// take waits for the part of a reply, which is given back when the reply has been sent.
// Its error is a status. A reply that is greater than the budget has it alone.
func (b *budget) take(ctx context.Context, reply int64) error {
	if reply <= smallReply {
		return nil
	}
	s := &share{size: min(reply*replyCost, b.total), given: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, s)
	b.serve()
	b.mu.Unlock()
	select {
	case <-s.given:
		b.sent(ctx, s.size)
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiting {
		if other == s {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.serve() // it may have been in the way of smaller ones
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	b.taken -= s.size // it was given just now
	b.serve()
	return status.Error(codes.Canceled, "the client is gone")
}

// sent gives a part back when the reply has been sent. grpc-go puts a reply in a queue
// and ends the call, so there the connection counts; the other protocols end a call when
// all of its reply is written.
func (b *budget) sent(ctx context.Context, size int64) {
	if p, ok := peer.FromContext(ctx); ok {
		if from, ok := p.Addr.(clientAddr); ok {
			from.conn.owe(b, size)
			return
		}
	}
	context.AfterFunc(ctx, func() { b.give(size) })
}

// give gives a part back.
func (b *budget) give(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= size
	b.serve()
}

// serve lets those go on whose turn it is. The budget is locked.
func (b *budget) serve() {
	for len(b.waiting) > 0 && b.taken+b.waiting[0].size <= b.total {
		s := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.taken += s.size
		close(s.given)
	}
}

// clientAddr is the address of a client, which leads to its connection.
type clientAddr struct {
	net.Addr
	conn *connection
}

// debts are what a connection has still to write of great replies, as parts of a budget.
type debts struct {
	mu     sync.Mutex
	budget *budget
	size   int64
	forget *time.Timer // since the last write
	closed bool
}

// owe notes that a reply will be written.
func (d *debts) owe(b *budget, size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		b.give(size)
		return
	}
	d.budget = b
	d.size += size
	if d.forget == nil {
		d.forget = time.AfterFunc(stalled, func() { d.pay(1 << 62) })
	} else {
		d.forget.Reset(stalled)
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
	if written < d.size/replyCost {
		paid = written * replyCost
	}
	d.size -= paid
	d.budget.give(paid)
	if d.size == 0 {
		d.forget.Stop()
	} else {
		d.forget.Reset(stalled)
	}
}

// close gives back all.
func (d *debts) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.pay(1 << 62)
}
