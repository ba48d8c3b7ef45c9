package testserver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Stats is what a server has seen since it was made. It is a copy that its caller owns.
type Stats struct {
	// Accepted counts connections, those that never spoke included.
	Accepted int
	// Open counts the connections that are not closed yet.
	Open int
	// Calls has the methods that were called, by path: "/pkg.Service/Method".
	// Reflection and health are among them.
	Calls map[string]MethodStats
}

// MethodStats is what a server has seen of one method.
type MethodStats struct {
	// Started and Ended count calls; a call that started and has not ended is
	// still running.
	Started, Ended int
	// Cancelled counts the ended calls whose client was gone: it cancelled, or
	// its connection broke. Expired counts those that ran out of time.
	Cancelled, Expired int
	// Received and Sent count messages. Those of a call that still runs are
	// among them.
	Received, Sent int64
}

// A Call is one call that has ended.
type Call struct {
	// Method is the path: "/pkg.Service/Method".
	Method string
	// Metadata is what came with the call, with keys in lower case.
	Metadata metadata.MD
	// Code is what the call ended with.
	Code codes.Code
	// Cancelled is set when the client was gone before the call ended.
	Cancelled bool
	// Received and Sent count messages.
	Received, Sent int64
}

// recorder counts calls and connections. Counting a message costs two atomic
// operations, so that a stream is no slower for it.
type recorder struct {
	methods  map[string]*counters // never written once the server serves
	onCall   func(Call)
	accepted atomic.Int64
	open     atomic.Int64
	stopping atomic.Bool // from now on a broken connection is our own doing

	waiters atomic.Int64
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at a change, while somebody waits
}

type counters struct {
	started, ended, cancelled, expired, received, sent atomic.Int64
}

func newRecorder(onCall func(Call)) *recorder {
	return &recorder{methods: map[string]*counters{}, onCall: onCall, changed: make(chan struct{})}
}

// know makes room for the methods of a server; others are not counted, which
// keeps the map from growing with every path that a client makes up.
func (r *recorder) know(services map[string]grpc.ServiceInfo) {
	for service, info := range services {
		for _, method := range info.Methods {
			r.methods["/"+service+"/"+method.Name] = &counters{}
		}
	}
}

func (r *recorder) note() {
	if r.waiters.Load() == 0 {
		return
	}
	r.mu.Lock()
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
}

func (r *recorder) stats() Stats {
	s := Stats{Accepted: int(r.accepted.Load()), Open: int(r.open.Load()), Calls: map[string]MethodStats{}}
	for path, c := range r.methods {
		// Read in the reverse of the order in which they are written, so that a
		// copy never has more ended calls than started ones.
		m := MethodStats{
			Ended:     int(c.ended.Load()),
			Cancelled: int(c.cancelled.Load()),
			Expired:   int(c.expired.Load()),
			Sent:      c.sent.Load(),
			Received:  c.received.Load(),
			Started:   int(c.started.Load()),
		}
		if m.Started > 0 {
			s.Calls[path] = m
		}
	}
	return s
}

func (r *recorder) wait(ctx context.Context, done func(Stats) bool) error {
	r.waiters.Add(1)
	defer r.waiters.Add(-1)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if done(r.stats()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *recorder) begin(path string) *counters {
	c := r.methods[path]
	c.started.Add(1)
	r.note()
	return c
}

// end counts the end of a call; why is what the client's side did to it, if anything: the
// error of a context.
func (r *recorder) end(ctx context.Context, why error, c *counters, path string, err error, received, sent int64) {
	cancelled := false
	if !r.stopping.Load() {
		switch why {
		case context.Canceled:
			cancelled = true
			c.cancelled.Add(1)
		case context.DeadlineExceeded:
			c.expired.Add(1)
		}
	}
	c.ended.Add(1)
	r.note()
	if r.onCall != nil {
		md, _ := metadata.FromIncomingContext(ctx)
		code := status.FromContextError(err).Code()
		if s, ok := status.FromError(err); ok {
			code = s.Code()
		}
		r.onCall(Call{
			Method: path, Metadata: md.Copy(), Code: code, Cancelled: cancelled,
			Received: received, Sent: sent,
		})
	}
}

func (r *recorder) unary(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	c := r.begin(info.FullMethod)
	c.received.Add(1)
	reply, err := handler(ctx, request)
	var sent int64
	if err == nil {
		sent = 1
		c.sent.Add(1)
	}
	r.end(ctx, ctx.Err(), c, info.FullMethod, err, 1, sent)
	return reply, err
}

func (r *recorder) stream(
	server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	counted := &countedStream{ServerStream: stream, recorder: r, counters: r.begin(info.FullMethod)}
	err := handler(server, counted)
	// The context of a call may notice a broken connection after the handler does.
	why := stream.Context().Err()
	if why == nil && counted.broken.Load() {
		why = context.Canceled
	}
	r.end(stream.Context(), why, counted.counters, info.FullMethod, err, counted.received.Load(), counted.sent.Load())
	return err
}

type countedStream struct {
	grpc.ServerStream
	recorder       *recorder
	counters       *counters
	received, sent atomic.Int64
	broken         atomic.Bool // the connection broke, or the client left, during a message
}

func (s *countedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.received.Add(1)
		s.counters.received.Add(1)
		s.recorder.note()
	} else if errors.Is(err, errGone) {
		s.broken.Store(true)
	}
	return err
}

func (s *countedStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if err == nil {
		s.sent.Add(1)
		s.counters.sent.Add(1)
		s.recorder.note()
	} else {
		switch status.Code(err) {
		// grpc-go's codes for a connection, a context, a stream that ended
		case codes.Unavailable, codes.Canceled, codes.Unknown:
			s.broken.Store(true)
		}
	}
	return err
}
