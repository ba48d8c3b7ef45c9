package fanout

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

// parkedBytes is how much of what came back may wait for its turn, in bytes.
const parkedBytes = 2 << 20

// slots is how many requests may be open: those in flight, and others that are ahead of a slow
// one, so that one slow call does not hold up the rest.
func slots(concurrency int) int { return concurrency*4 + 16 }

// run is the state of a Run in Do.
type run struct {
	*Run
	ctx  context.Context
	stop context.CancelFunc

	taking sync.Mutex // held by the goroutine that reads the list
	next   int        // index of the next request
	closed bool       // nothing more is taken
	due    time.Time  // when the next call may begin

	mu     sync.Mutex
	moved  sync.Cond // the turn has moved on, a slot is free, or the run is stopping
	head   int       // the index whose turn it is
	under  []*slot   // by index modulo length, when there is an order
	free   []*slot
	parked int // bytes of what is kept
	budget int
	err    error // of a sink or of Done, which ends the run
	sum    Summary
}

// Do makes the calls. It returns when nothing that it began is running. The error is that of a
// sink or of Done; all other errors are in the summary. Cancelling ctx stops the run.
func (v *Run) Do(ctx context.Context) (*Summary, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := &run{Run: v, ctx: ctx, stop: stop, head: v.First, next: v.First, budget: parkedBytes}
	r.moved.L = &r.mu
	defer context.AfterFunc(ctx, r.wake)()
	if err := r.pass(); err != nil {
		r.sum.ListErr = err
		return r.summary(), nil
	}
	concurrency := max(1, v.Concurrency)
	n := slots(concurrency)
	r.under = make([]*slot, n)
	for range n {
		r.free = append(r.free, &slot{r: r})
	}
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			defer fault.Exit()
			for s := r.take(); s != nil; s = r.take() {
				r.deal(s)
			}
		})
	}
	workers.Wait()
	return r.summary(), r.err
}

// pass skips the requests before the first.
func (r *run) pass() error {
	var passed Request
	for i := range r.First {
		err := r.List.Next(r.ctx, &passed)
		if err == io.EOF {
			r.next, r.head, r.closed, r.sum.Complete = i, i, true, true
			return nil
		}
		if err != nil {
			return r.listError(err)
		}
	}
	return nil
}

// listError is the error of the list; nil when the run was stopped meanwhile.
func (r *run) listError(err error) error {
	if r.ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *run) summary() *Summary {
	r.sum.Next = r.next
	return &r.sum
}

// wake wakes all that wait.
func (r *run) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved.Broadcast()
}

func (r *run) stopping() bool { return r.ctx.Err() != nil }

// fail ends the run with an error of the output. The run is locked.
func (r *run) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.stop()
}

// take returns the next request, or nil when there is none, or none is to be sent. Each
// request that it returns is handled.
func (r *run) take() *slot {
	r.taking.Lock()
	defer r.taking.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	s := r.vacant()
	if s == nil || !r.pace() {
		return nil
	}
	err := r.List.Next(r.ctx, &s.request)
	switch {
	case err == io.EOF:
		r.sum.Complete = true
		return nil
	case err != nil:
		if r.sum.ListErr = r.listError(err); r.sum.ListErr != nil && !r.KeepGoing {
			r.stop()
		}
		return nil
	case r.stopping(): // read, and not sent
		return nil
	}
	r.closed = false
	r.mu.Lock()
	defer r.mu.Unlock()
	s.index = r.next
	r.next++
	s.result = Result{Index: s.index, Request: &s.request}
	r.under[s.index%len(r.under)] = s
	return s
}

// vacant waits for a slot. It returns nil when the run stops.
func (r *run) vacant() *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.free) == 0 && !r.stopping() {
		r.moved.Wait()
	}
	if r.stopping() {
		return nil
	}
	s := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	if s.sink == nil {
		s.sink = r.Sinks()
	}
	return s
}

// pace waits until the next call may begin. It returns false when the run stops.
func (r *run) pace() bool {
	if r.Rate <= 0 {
		return true
	}
	now := time.Now()
	if r.due.Before(now) {
		r.due = now
	}
	ok := r.sleep(r.due.Sub(now))
	r.due = r.due.Add(time.Duration(float64(time.Second) / r.Rate))
	return ok
}

// sleep waits. It returns false when the run stops.
func (r *run) sleep(d time.Duration) bool {
	if d <= 0 {
		return !r.stopping()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// deal makes the call of a request, and hands on the results whose turn has come.
func (r *run) deal(s *slot) {
	if s.request.Err != nil {
		s.result.Err = s.request.Err
	} else {
		r.invoke(s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	index := s.index
	s.done = true
	if s.result.Err != nil {
		r.failed(s)
	}
	if r.Unordered {
		r.settle(s)
	} else {
		r.advance()
	}
	r.moved.Broadcast()
	for !r.Unordered && r.head <= index && r.parked > r.budget && !r.stopping() {
		r.moved.Wait()
	}
}

// failed records a failure, which may stop the run. The run is locked.
func (r *run) failed(s *slot) {
	if s.result.Stopped {
		return
	}
	r.Counts.Failed.Add(1)
	if r.sum.First == nil || s.index < r.sum.FirstIndex {
		r.sum.First, r.sum.FirstIndex = s.result.Err, s.index
	}
	if !r.KeepGoing {
		r.stop()
	}
}

// turn reports whether results of a request may be handed on. The run is locked.
func (r *run) turn(s *slot) bool { return r.Unordered || s.index == r.head }

// advance settles finished requests in their order, and hands on what the call whose turn it
// then is has kept. The run is locked.
func (r *run) advance() {
	for {
		s := r.under[r.head%len(r.under)]
		if s == nil || s.index != r.head {
			return
		}
		if !s.done {
			s.release()
			return
		}
		r.settle(s)
		r.head++
	}
}

// settle ends a request and frees its slot. The run is locked.
func (r *run) settle(s *slot) {
	s.settle()
	if r.under[s.index%len(r.under)] == s {
		r.under[s.index%len(r.under)] = nil
	}
	r.free = append(r.free, s)
}

// invoke makes the call.
func (r *run) invoke(s *slot) {
	invoker := r.Invoker
	if s.request.Invoker != nil {
		invoker = s.request.Invoker
	}
	s.call = r.Call
	s.call.Requests = &s.once
	s.once = one{wire: s.request.Wire}
	s.result.Err = invoker.Do(r.ctx, &s.call, s)
	var se *invoke.StatusError
	if !errors.As(s.result.Err, &se) {
		s.result.Stopped = s.result.Err != nil // the output has failed
		return
	}
	s.result.Stopped = r.stopping() && se.Status.Code == codes.Canceled && se.Status.Origin != invoke.OriginServer
}
