package httpwire

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	connectrpc "connectrpc.com/connect/v2"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

// grace is how long the library may take to notice that a call has been cancelled or is out of
// time. After that the call ends without it.
const grace = 300 * time.Millisecond

// A stream is one call on the library.
//
// The library receives in a goroutine of its own: some of its waits do not end with the
// context, and the call must.
type stream struct {
	ctx      context.Context // of the call, to tell why it ended
	cancel   context.CancelFunc
	library  connectrpc.ClientStream
	info     *connectrpc.CallInfo
	ex       *exchange
	protocol string
	limit    int  // bytes of the greatest message to receive
	prefixed bool // the trailers are headers with a prefix

	single   bool   // the client does not stream: the request goes out with CloseSend
	request  []byte // until then
	hasSent  bool
	received atomic.Bool // the receiving goroutine has been started

	messages  chan []byte
	ended     chan struct{} // closed when the library is done; err is set then
	err       error
	abandoned chan struct{} // closed when nobody waits for the library any more

	finished bool
	status   *invoke.Status
	trailer  invoke.Metadata
}

// begin starts the goroutines of the call.
func (s *stream) begin(clientStreams bool) {
	s.single = !clientStreams
	context.AfterFunc(s.ctx, func() {
		if !s.received.Load() {
			close(s.abandoned)
			return
		}
		patience := time.NewTimer(grace)
		defer patience.Stop()
		select {
		case <-s.ended:
		case <-patience.C:
		}
		close(s.abandoned)
	})
	if clientStreams {
		s.received.Store(true)
		// The headers are sent at once: the server may have something to send first.
		_ = s.library.SendHeaders() // an error of this is what Receive returns
		go s.receive()
	}
}

// Send hands a message to the library.
func (s *stream) Send(msg []byte) error {
	if s.single {
		s.request, s.hasSent = slices.Clone(msg), true
		return nil
	}
	if s.library.Send(msg) != nil {
		return io.EOF
	}
	return nil
}

// CloseSend half-closes. Where the client does not stream the request goes out now.
func (s *stream) CloseSend() error {
	if !s.single {
		return s.library.CloseSend()
	}
	if s.received.CompareAndSwap(false, true) {
		go func() {
			defer fault.Exit()
			if s.hasSent {
				_ = s.library.Send(s.request) // an error of this is what Receive returns
			}
			_ = s.library.CloseSend()
			s.receive()
		}()
	}
	return nil
}

// receive hands on messages until the call has ended. There are two buffers: one is filled
// while the other is used.
func (s *stream) receive() {
	defer fault.Exit()
	var buffers [2]incoming
	for i := 0; ; i++ {
		in := &buffers[i%len(buffers)]
		in.wire = in.wire[:0]
		s.ex.in = in
		if err := s.library.Receive(in); err != nil {
			s.finishedBy(err)
			return
		}
		select {
		case s.messages <- in.wire:
		case <-s.abandoned:
			s.finishedBy(s.ctx.Err())
			return
		}
	}
}

func (s *stream) finishedBy(err error) {
	s.err = err
	close(s.ended)
}

// Header blocks until the response is there.
func (s *stream) Header() invoke.Metadata {
	select {
	case <-s.ex.answered:
	case <-s.ended:
	case <-s.abandoned:
	}
	if !s.hasResponse() {
		return nil
	}
	md, _ := fromWire(s.ex.header, s.prefixed)
	return md
}

// hasResponse reports whether there is a response yet.
func (s *stream) hasResponse() bool {
	select {
	case <-s.ex.answered:
		return s.ex.header != nil
	default:
		return false
	}
}

// trailersOnly reports whether the trailers are the headers, as in gRPC-Web for a response
// without a body. Which field was meant as what is then unknown, so all are both.
func (s *stream) trailersOnly() bool {
	return s.protocol == GRPCWeb && len(s.ex.header["Grpc-Status"]) > 0
}

// HTTP describes the response.
func (s *stream) HTTP() (status int, version string) {
	if !s.hasResponse() {
		return 0, ""
	}
	return s.ex.status, s.ex.version
}

// Recv returns the next message.
func (s *stream) Recv() ([]byte, error) {
	select {
	case m := <-s.messages:
		return m, nil
	case <-s.ended:
	case <-s.abandoned:
	}
	return nil, io.EOF
}

// Finish drops what was not received and returns how the call ended.
func (s *stream) Finish() (*invoke.Status, invoke.Metadata) {
	if s.finished {
		return s.status, s.trailer
	}
	s.finished = true
	for more := true; more; {
		_, err := s.Recv()
		more = err == nil
	}
	err, complete := s.ctx.Err(), false
	select {
	case <-s.ended:
		err, complete = s.err, true
	default:
	}
	s.status = s.statusOf(err)
	s.trailer = s.trailers(complete)
	s.cancel() // this also ends what is still being sent
	if !s.ex.sent.Load() {
		s.ex.conn.release()
	}
	return s.status, s.trailer
}

// trailers returns the trailers. The library's may be read only when it is done.
func (s *stream) trailers(complete bool) invoke.Metadata {
	var md invoke.Metadata
	switch {
	case !s.hasResponse():
	case s.trailersOnly():
		md, _ = fromWire(s.ex.header, false)
		delete(md, "content-type")
	case s.prefixed:
		_, md = fromWire(s.ex.header, true)
	case complete && s.ex.trailer != nil:
		md, _ = fromWire(s.ex.trailer, false)
	case complete:
		header := map[string][]string{}
		for key, values := range s.info.ResponseTrailer().All() {
			header[key] = values
		}
		md, _ = fromWire(header, false)
	}
	return md
}
