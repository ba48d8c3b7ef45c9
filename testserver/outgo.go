package testserver

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// An outgo counts the answers of all calls: replies and statuses wait for earlier replies, and
// the messages of a stream count as long as the stream runs.
type outgo struct {
	replies *budget
	calls   *room
}

// unary counts the reply of a call, unless its handler has counted it before it was made.
func (o outgo) unary(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	reply, err := handler(ctx, request)
	if err != nil {
		return nil, o.status(ctx, err)
	}
	if m, ok := reply.(proto.Message); ok {
		if err := o.made(ctx, m); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

// made counts a reply that is made, and waits for its turn.
func (o outgo) made(ctx context.Context, m proto.Message) error {
	if i, ok := ctx.Value(intakeKey{}).(*intake); ok && i.replies.Load() {
		return nil
	}
	size := int64(proto.Size(m))
	if err := o.calls.charge(ctx, size); err != nil {
		return err
	}
	return o.replies.take(ctx, size)
}

// stream counts the messages of a call, and its status.
func (o outgo) stream(
	server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	err := handler(server, &sending{ServerStream: stream, calls: o.calls})
	if err != nil {
		return o.status(stream.Context(), err)
	}
	return nil
}

// status counts the status of an error.
func (o outgo) status(ctx context.Context, err error) error {
	if s, ok := status.FromError(err); ok {
		if full := o.made(ctx, s.Proto()); full != nil {
			return full
		}
	}
	return err
}

// A sending is a stream whose largest message counts as many times as messages wait to be
// sent.
type sending struct {
	grpc.ServerStream
	calls   *room
	counted atomic.Int64 // bytes
}

// SendMsg sends a message, if there is room for it.
func (s *sending) SendMsg(m any) error {
	if p, ok := m.(proto.Message); ok {
		size := int64(proto.Size(p))
		if before := s.counted.Load(); size > smallReply && size > before {
			if err := s.calls.charge(s.Context(), sendingCost*(size-before)); err != nil {
				return err
			}
			s.counted.Store(size)
		}
	}
	return s.ServerStream.SendMsg(m)
}
