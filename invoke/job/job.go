// Package job runs calls in the background. Its main type is [Job], which keeps the events of
// a call, within bounds, until somebody looks.
package job

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

// Bounds on what a job keeps, when Options do not say others.
const (
	DefaultEvents = 10_000
	DefaultBytes  = 16 << 20
)

// ErrFollowed means that somebody else follows the job.
var ErrFollowed = errors.New("the job is followed already")

// Options bound what a job keeps.
type Options struct {
	Events int    // 0: DefaultEvents
	Bytes  int64  // of messages; 0: DefaultBytes
	Store  *Store // bounds it together with other jobs; nil: it is alone
}

// A Job is a call in the background. Its events wait for a follower. While nobody follows, the
// oldest make room for new ones; while somebody does, the call waits for them, so that a
// follower misses nothing. A Job is safe for concurrent use.
type Job struct {
	cancel context.CancelFunc
	max    Options
	done   chan struct{}

	store     *Store
	mu        *sync.Mutex // the store's
	changed   sync.Cond   // of mu
	events    []*invoke.Event
	first     int   // the number of events[0], counted from the beginning of the call
	seen      int   // the number of the first event that no follower had
	size      int64 // of the messages in events
	held      int64 // of the events, as the store counts it
	stored    bool  // the store knows of it
	following bool
	state     State
	err       error
}

// A State is how far a job is.
type State struct {
	Call           *invoke.Call // nil before the call began
	Began, Ended   time.Time    // Ended is zero while it runs
	Sent, Received int          // messages
	Bytes          int64        // received
	Dropped        int          // messages that made room for others and that nobody saw
	Kept           int          // messages received that are still there
	Status         *invoke.Status
}

// Start runs do, which reports to the sink that it gets, as invoke.Invoker.Do does. The job
// ends with ctx.
func Start(ctx context.Context, o Options, do func(context.Context, invoke.Sink) error) *Job {
	if o.Events <= 0 {
		o.Events = DefaultEvents
	}
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	ctx, cancel := context.WithCancel(ctx)
	if o.Store == nil {
		o.Store = new(Store)
	}
	j := &Job{cancel: cancel, max: o, done: make(chan struct{}), store: o.Store, mu: &o.Store.mu}
	j.changed.L = j.mu
	stop := context.AfterFunc(ctx, j.wake)
	go func() {
		defer fault.Exit()
		defer stop()
		defer cancel()
		err := do(ctx, invoke.SinkFunc(func(e *invoke.Event) error { return j.keep(ctx, e) }))
		j.mu.Lock()
		j.err = err
		close(j.done)
		j.mu.Unlock()
		j.changed.Broadcast()
	}()
	return j
}

// wake makes all that wait check again. It holds the lock, so that it cannot come between a
// check and the wait that follows.
func (j *Job) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.changed.Broadcast()
}

// keep keeps an event of the call.
func (j *Job) keep(ctx context.Context, e *invoke.Event) error {
	kept := *e
	if e.Message != nil {
		kept.Message = e.Message.Clone()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.following && j.full() && j.seen <= j.first && ctx.Err() == nil {
		j.changed.Wait()
	}
	for j.full() {
		j.dropFirst()
	}
	j.store.admit(j, weight(&kept))
	j.events = append(j.events, &kept)
	j.size += weight(&kept)
	j.count(&kept)
	j.changed.Broadcast()
	return nil
}

func (j *Job) full() bool {
	return len(j.events) > 0 && (len(j.events) >= j.max.Events || j.size >= j.max.Bytes)
}

// dropFirst makes room.
func (j *Job) dropFirst() {
	e := j.events[0]
	j.events[0] = nil
	j.events = j.events[1:]
	j.size -= weight(e)
	j.store.release(j, weight(e))
	if e.Kind == invoke.ResponseReceived {
		j.state.Kept--
	}
	if j.first++; j.seen < j.first {
		j.seen = j.first
		if e.Kind == invoke.ResponseReceived {
			j.state.Dropped++
		}
	}
}

func weight(e *invoke.Event) int64 {
	if e.Message == nil {
		return 0
	}
	return int64(len(e.Message.Wire))
}

func (j *Job) count(e *invoke.Event) {
	switch s := &j.state; e.Kind {
	case invoke.Opened:
		s.Call, s.Began = e.Call, e.At
	case invoke.RequestSent:
		s.Sent++
	case invoke.ResponseReceived:
		s.Received++
		s.Kept++
		s.Bytes += weight(e)
	case invoke.Finished:
		s.Status, s.Ended = e.Status, e.At
	}
}

// Follow hands the events that nobody has seen yet to a sink, and then new ones, until the
// call has ended; it returns the error of the call. When ctx is done it returns its error and
// the call goes on. An error of the sink ends the call and is what Follow returns.
func (j *Job) Follow(ctx context.Context, sink invoke.Sink) error {
	j.mu.Lock()
	if j.following {
		j.mu.Unlock()
		return ErrFollowed
	}
	j.following = true
	stop := context.AfterFunc(ctx, j.wake)
	defer func() {
		stop()
		j.mu.Lock()
		j.following = false
		j.mu.Unlock()
		j.changed.Broadcast()
	}()
	defer j.mu.Unlock()
	for {
		batch := slices.Clone(j.events[j.seen-j.first:])
		for _, e := range batch {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			j.seen++
			j.mu.Unlock()
			err := sink.Event(e)
			j.changed.Broadcast()
			j.mu.Lock()
			if err != nil {
				j.cancel()
				return err
			}
		}
		switch {
		case len(batch) > 0:
		case j.ended():
			return j.err
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			j.changed.Wait()
		}
	}
}

func (j *Job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// Replay hands all events that are kept to a sink, seen or not. It does not wait for more.
func (j *Job) Replay(sink invoke.Sink) error {
	j.mu.Lock()
	all := slices.Clone(j.events)
	j.mu.Unlock()
	for _, e := range all {
		if err := sink.Event(e); err != nil {
			return err
		}
	}
	return nil
}

// Messages returns the messages that are kept, of requests or of responses, the oldest first.
func (j *Job) Messages(kind invoke.Kind) []*invoke.Message {
	var messages []*invoke.Message
	_ = j.Replay(invoke.SinkFunc(func(e *invoke.Event) error {
		if e.Kind == kind {
			messages = append(messages, e.Message)
		}
		return nil
	}))
	return messages
}

// Last returns the newest event of a kind that is kept, nil when there is none.
func (j *Job) Last(kind invoke.Kind) *invoke.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range slices.Backward(j.events) {
		if e.Kind == kind {
			return e
		}
	}
	return nil
}

// Cancel ends the call. It does not wait for its end.
func (j *Job) Cancel() { j.cancel() }

// Done is closed when the call has ended.
func (j *Job) Done() <-chan struct{} { return j.done }

// Wait waits for the end of the call and returns its error, or that of ctx.
func (j *Job) Wait(ctx context.Context) error {
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State returns how far the job is.
func (j *Job) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state
}

// Err returns the error of the call, nil while it runs.
func (j *Job) Err() error {
	if !j.ended() {
		return nil
	}
	return j.err
}

// Following reports whether somebody follows the job.
func (j *Job) Following() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.following
}
