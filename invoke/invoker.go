package invoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// An Invoker drives calls over a Transport. It is safe for concurrent use when
// its fields are not changed.
type Invoker struct {
	Transport Transport
	Now       func() time.Time // the clock of events; nil: time.Now
}

// Do runs a call to its end and reports it to sink. It returns nil when the
// status is OK, a *StatusError when it is not, the sink's error when the sink
// failed, and the error of c.Requests when that gave anything but io.EOF: then
// the call was cancelled. Cancelling ctx ends the call in CANCELLED. Nothing
// that Do started is running when it returns.
func (v *Invoker) Do(ctx context.Context, c *Call, sink Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{call: c, method: c.WireMethod(), sink: sink, now: v.Now, cancel: cancel}
	if r.now == nil {
		r.now = time.Now
	}
	r.out = &r.in
	opened := r.in.of(Opened)
	opened.Wire, opened.Metadata = v.Transport.Wire(r.method), c.Metadata
	r.emit(opened)
	if c.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.Timeout)
		defer stop()
	}
	if r.sinkErr != nil {
		return r.sinkErr
	}
	stream, err := v.Transport.Open(ctx, r.method, c.Metadata)
	if err != nil {
		return r.finish(StatusOf(err), nil)
	}
	return r.drive(ctx, stream)
}

// run is the state of one call in Do.
type run struct {
	call   *Call
	method Method
	now    func() time.Time
	cancel context.CancelFunc

	mu      sync.Mutex // held while the sink is called
	sink    Sink
	last    time.Time
	sinkErr error // the sink's first error; nothing is reported after it
	badErr  error // the requests' error

	in  report  // for received events, and for all events that are not sent beside them
	out *report // of what is sent
}

// A report is an event and its message, reused for each event of one goroutine.
type report struct {
	event   Event
	message Message
}

// of makes the report that of another event.
func (p *report) of(k Kind) *Event {
	p.event = Event{Kind: k}
	return &p.event
}

// ofMessage makes the report that of a message.
func (p *report) ofMessage(k Kind, seq int, m Message) *Event {
	p.message = m
	p.event = Event{Kind: k, Seq: seq, Message: &p.message}
	return &p.event
}

// emit reports an event. It returns false when the sink failed, now or before.
func (r *run) emit(e *Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sinkErr != nil {
		return false
	}
	e.Call = r.call
	if e.At = r.now(); e.At.Before(r.last) {
		e.At = r.last
	}
	r.last = e.At
	if err := r.sink.Event(e); err != nil {
		r.sinkErr = err
		r.cancel()
		return false
	}
	return true
}

// drive sends and receives until the call has ended. When the client does not stream, the
// request is sent before anything is received, so that the order of events is always the same.
func (r *run) drive(ctx context.Context, stream Stream) error {
	sent := func() {}
	if r.method.ClientStreams {
		sent = r.sendBeside(ctx, stream)
	} else {
		r.send(ctx, stream)
	}
	if h := stream.Header(); h != nil {
		e := r.in.of(HeadersReceived)
		e.Metadata = h
		if s, ok := stream.(HTTPStream); ok {
			e.HTTPStatus, e.HTTPVersion = s.HTTP()
		}
		r.emit(e)
	}
	var status *Status
	var trailers Metadata
	if r.method.ServerStreams {
		status, trailers = r.receiveAll(ctx, stream)
	} else {
		status, trailers = r.receiveOne(stream)
	}
	sent()
	return r.finish(status, trailers)
}

// sendBeside sends while the caller receives. stop ends the sending and waits for its end.
func (r *run) sendBeside(ctx context.Context, stream Stream) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	r.out = new(report)
	go func() {
		defer fault.Exit()
		defer close(done)
		r.send(ctx, stream)
	}()
	return func() {
		cancel() // a sender that waits for input is woken: nothing more can be sent
		<-done
	}
}

// finish reports the end and returns what Do returns.
func (r *run) finish(status *Status, trailers Metadata) error {
	r.mu.Lock()
	bad := r.badErr
	r.mu.Unlock()
	e := r.in.of(Finished)
	e.Status, e.Metadata, e.Abandoned = status, trailers, bad
	r.emit(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.sinkErr != nil:
		return r.sinkErr
	case bad != nil:
		return bad
	default:
		return status.Err()
	}
}

// send sends the requests and half-closes. Errors of the transport are reported by the
// receiving side, which sees the end of the call.
func (r *run) send(ctx context.Context, stream Stream) {
	for seq := 0; ; seq++ {
		wire, err := r.call.Requests.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			if ctx.Err() == nil {
				r.abandon(err)
			}
			return
		}
		if err := stream.Send(wire); err != nil {
			if err != io.EOF {
				r.abandon(err)
			}
			return
		}
		if !r.emit(r.out.ofMessage(RequestSent, seq,
			Message{Desc: r.call.Method.Input(), Types: r.call.Types, Wire: wire})) {
			return
		}
	}
	// This is reported first, since a quick server may answer before CloseSend returns.
	if r.emit(r.out.of(RequestsDone)) {
		_ = stream.CloseSend()
	}
}

// abandon cancels the call because of its requests.
func (r *run) abandon(err error) {
	r.mu.Lock()
	r.badErr = err
	r.mu.Unlock()
	r.cancel()
}

// The faults of a server that sends more or fewer responses than the method has. gRPC clients
// answer both with UNIMPLEMENTED
// (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
var (
	errTooMany = errors.New("the server sent more than one message, and the method answers with one")
	errNone    = errors.New("the server sent no message, and the method answers with one")
)

// receiveAll reports each message until the stream or ctx ends. When ctx ends, messages that
// have arrived and were not read, which may be many, are dropped. The call has then failed,
// even if the server's OK follows them.
func (r *run) receiveAll(ctx context.Context, stream Stream) (*Status, Metadata) {
	for seq := 0; ctx.Err() == nil; seq++ {
		wire, err := stream.Recv()
		if err != nil {
			return stream.Finish()
		}
		if !r.received(wire, seq) {
			break
		}
	}
	status, trailers := stream.Finish()
	if status.Code == codes.OK {
		return EndedHere(ctx.Err()), nil
	}
	return status, trailers
}

// received reports a message. It returns false when the sink failed.
func (r *run) received(wire []byte, seq int) bool {
	return r.emit(r.in.ofMessage(ResponseReceived, seq,
		Message{Desc: r.call.Method.Output(), Types: r.call.Types, Wire: wire}))
}

// receiveOne reports the response of a method that has only one, when that is certain: after a
// status of OK, and without a second message.
func (r *run) receiveOne(stream Stream) (*Status, Metadata) {
	wire, err := stream.Recv()
	answered := err == nil
	var fault error
	if answered {
		if _, err := stream.Recv(); err == nil {
			fault = errTooMany
			r.cancel()
		}
	}
	status, trailers := stream.Finish()
	if !answered && status.Code == codes.OK {
		fault = errNone
	}
	if fault != nil {
		status = &Status{Code: codes.Unimplemented, Message: fault.Error(), Origin: OriginClient, Cause: fault}
	}
	if answered && status.Code == codes.OK {
		r.received(wire, 0)
	}
	return status, trailers
}

// One runs a call and returns its only response message, for callers that want
// an answer rather than events.
func (v *Invoker) One(ctx context.Context, c *Call) (*Message, error) {
	var answer *Message
	err := v.Do(ctx, c, SinkFunc(func(e *Event) error {
		if e.Kind == ResponseReceived {
			answer = e.Message.Clone()
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, fmt.Errorf("calling %s: %w", MethodName(c.Method), errNone)
	}
	return answer, nil
}
