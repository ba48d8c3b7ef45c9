package fanout

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

// A Request is one request of a list. Its memory is used again when it is given to
// List.Next.
type Request struct {
	Text    []byte          // as it stood in the list
	Wire    []byte          // the encoded message, when Err is nil
	Err     error           // why it is no message: nothing is sent
	Invoker *invoke.Invoker // makes the call; nil: that of the Run
	Target  string          // where the call goes, when calls go to several places
}

// A List yields requests. Next is never called by two goroutines at once. It returns
// io.EOF after the last request, ctx.Err() soon after ctx is done, and any other error when
// the list cannot be read further.
type List interface {
	Next(ctx context.Context, r *Request) error
}

// A Sink takes the events of calls, one call after another.
type Sink interface {
	// Begin comes before the first event of a call.
	Begin(index int, r *Request)
	invoke.Sink
}

// A Result is how one request ended. It and what it points to are valid while Done runs.
type Result struct {
	Index   int // 0-based, in the list
	Request *Request
	Status  *invoke.Status // nil when nothing was sent
	// nil, a *invoke.StatusError, the Request's Err, or an error of the sink that concerns this call alone
	Err  error
	Took time.Duration
	// Stopped is set when the call was in flight when the run was stopped, and was cancelled:
	// the server may have done what it was asked, or not.
	Stopped bool
}

// A Run is many calls. Its fields are not changed while it runs.
type Run struct {
	Invoker     *invoke.Invoker
	Call        invoke.Call // of all calls; its Requests are not used. The client must not stream
	List        List
	First       int // the index of the first request: that many requests of the list are skipped
	Concurrency int // calls in flight at most, from 1
	Unordered   bool
	KeepGoing   bool    // a failure does not stop the run
	Rate        float64 // calls begun per second at most; 0: no limit

	// Everything makes sinks get all events; else they get the answers alone.
	Everything bool
	// Sinks makes a sink. There are no more of them than calls ahead of their turn, and
	// calls to any of them and to Done never overlap.
	Sinks func() Sink
	// Done is called with the result of each request, when its turn has come. An error
	// stops the run.
	Done func(*Result) error
	// AboutOneCall reports whether an error of a sink concerns one call alone. When it is nil,
	// no error does.
	AboutOneCall func(error) bool

	Counts Counts
}

// Counts say how far a run is. They may be read while it runs.
type Counts struct {
	Answered atomic.Int64 // calls that ended in OK
	Failed   atomic.Int64 // requests that failed in any way
	Messages atomic.Int64 // answers
}

// A Summary is how a run ended.
type Summary struct {
	Next     int  // the index of the first request that was not sent
	Complete bool // all requests of the list were handled
	Answered int
	Failed   int // those stopped not counted
	Stopped  int // calls that were in flight when the run stopped, and were cancelled
	// First is the first failure by the order of the list, and its index; nil when no call
	// failed, other than those that were stopped.
	First      error
	FirstIndex int
	// ListErr is why the list could not be read to its end; nil when it could.
	ListErr error
}

// one is the request of a call.
type one struct {
	wire []byte
	sent bool
}

// Next returns the request, and then the end.
func (o *one) Next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.sent {
		return nil, io.EOF
	}
	o.sent = true
	return o.wire, nil
}
