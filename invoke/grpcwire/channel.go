package grpcwire

import (
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/status"
)

// Silence keeps grpc-go from writing lines of its own to standard error, whatever its
// environment variables say: what concerns a call is in the call's status. It is for a
// process to call once, before anything else of gRPC.
func Silence() { grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) }

// A channel is grpc-go's set of connections, and the number of calls that use it.
type channel struct {
	*grpc.ClientConn
	calls   int  // in flight; this and what follows: guarded by Transport.mu
	dropped bool // no call may begin on it
}

// release notes that a call on a channel has ended. It reports whether no other call uses the
// channel.
func (t *Transport) release(c *channel) (alone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.calls--; c.calls == 0 && c.dropped {
		_ = c.Close()
	}
	return c.calls == 0
}

// drop makes the next call connect anew after a call that ended in err because it had no
// connection. A channel that could not connect lets no call try again for a while, which suits
// clients that nobody waits for. Calls that have a connection keep it. grpc-go fails calls a
// moment before it puts the channel into the state of failure.
func (t *Transport) drop(c *channel, err error) {
	switch state := c.GetState(); {
	case state == connectivity.TransientFailure:
	case state != connectivity.Ready && status.Code(err) == codes.Unavailable:
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != c {
		return
	}
	t.conn = nil
	if c.calls == 0 {
		_ = c.Close()
		return
	}
	c.dropped = true
	t.dropped = append(t.dropped, c)
}
