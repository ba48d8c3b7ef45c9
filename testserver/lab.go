package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// Limits of the laboratory.
const (
	maxNumbers = 100_000_000
	maxPayload = 1 << 20
	maxBlob    = 80 << 20
	maxSleep   = time.Hour
	maxDepth   = 5000
)

type lab struct {
	demov1.UnimplementedLabServer
	now   func() time.Time
	flaky *flaky
	// replies is shared by the calls whose replies may be as large as the request asks.
	replies *budget
	calls   *room
}

func newLab(now func() time.Time, calls *room, replies *budget) *lab {
	return &lab{now: now, calls: calls, replies: replies, flaky: newFlaky()}
}

type editions struct {
	demov1.UnimplementedEditionsServer
}

func (*editions) EchoModern(_ context.Context, r *demov1.Modern) (*demov1.Modern, error) {
	return r, nil
}

func (*lab) Echo(_ context.Context, r *demov1.Everything) (*demov1.Everything, error) {
	return r, nil
}

func (*lab) EchoLegacy(_ context.Context, r *demov1.Legacy) (*demov1.Legacy, error) {
	return r, nil
}

func (*lab) EchoStream(stream grpc.BidiStreamingServer[demov1.Everything, demov1.Everything]) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func (*lab) Collect(stream grpc.ClientStreamingServer[demov1.Everything, demov1.CollectReply]) error {
	sum := &demov1.CollectReply{}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(sum)
		}
		if err != nil {
			return err
		}
		sum.Count++
		sum.Bytes += int64(proto.Size(m))
		sum.Last = m
	}
}

func (l *lab) Slow(ctx context.Context, r *demov1.SlowRequest) (*demov1.SlowReply, error) {
	d := r.GetDuration()
	if d == nil {
		d = durationpb.New(10 * time.Second)
	}
	var f faults
	switch {
	case d.CheckValid() != nil:
		f.add("duration", "is not a duration: %v", d.CheckValid())
	case d.AsDuration() < 0 || d.AsDuration() > maxSleep:
		f.add("duration", "must be 0s to %ds, not %v", int(maxSleep.Seconds()), d.AsDuration())
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := sleep(ctx, d.AsDuration()); err != nil {
		return nil, err
	}
	return &demov1.SlowReply{Slept: d, WokeAt: timestamppb.New(l.now())}, nil
}

func (*lab) Count(r *demov1.CountRequest, stream grpc.ServerStreamingServer[demov1.CountReply]) error {
	n := int64(10)
	if r.N != nil {
		n = r.GetN()
	}
	var f faults
	f.within("n", n, 0, maxNumbers)
	f.within("payload_bytes", int64(r.GetPayloadBytes()), 0, maxPayload)
	if err := f.err(); err != nil {
		return err
	}
	// One message is enough: Send has encoded it when it returns.
	reply := &demov1.CountReply{Payload: pattern(int(r.GetPayloadBytes()))}
	for reply.I < n {
		reply.I++
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) Blob(ctx context.Context, r *demov1.BlobRequest) (*demov1.BlobReply, error) {
	size := int64(1024)
	if r.Size != nil {
		size = r.GetSize()
	}
	var f faults
	f.within("size", size, 0, maxBlob)
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := l.replies.take(ctx, size); err != nil {
		return nil, err
	}
	return &demov1.BlobReply{Data: pattern(int(size))}, nil
}

// pattern is n bytes, 0 to 250 over and over: the length shares no factor with powers of two,
// so that pieces in a wrong order show.
func pattern(n int) []byte {
	const period = 251
	data := make([]byte, n)
	for i := range min(n, period) {
		data[i] = byte(i)
	}
	for done := period; done < n; done *= 2 {
		copy(data[done:], data[:done])
	}
	return data
}

func (l *lab) Flaky(_ context.Context, r *demov1.FlakyRequest) (*demov1.FlakyReply, error) {
	failures := int32(2)
	if r.Failures != nil {
		failures = r.GetFailures()
	}
	var f faults
	f.within("failures", int64(failures), 0, 1000)
	if len(r.GetKey()) > maxFlakyKey {
		f.add("key", "must have at most %d bytes, not %d", maxFlakyKey, len(r.GetKey()))
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	attempts, works := l.flaky.try(r.GetKey(), int(failures))
	if !works {
		return nil, unavailable(fmt.Sprintf("attempt %d of %d that fail", attempts, failures), 100*time.Millisecond)
	}
	return &demov1.FlakyReply{Attempts: int32(attempts)}, nil
}
