package testserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	connectrpc "connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectgzip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// requestBudget is how much the large requests that are being received and answered may
	// take together, in bytes. They do not wait as replies do: one that is half received would
	// block the others.
	requestBudget = 64 << 20
	// smallRequest is the size of the largest request that is not counted, in bytes.
	smallRequest = 64 << 10
	// growth is how many times its size a request takes while it is received: the buffer
	// doubles.
	growth = 2
)

// fullText is the message for a request that has no room.
var fullText = fmt.Sprintf(
	"the demo takes %d MiB of requests at a time, of all calls together; try again with fewer at once",
	requestBudget>>20)

// A room is memory for requests, of all calls. It is safe for concurrent use.
type room struct {
	total int64 // bytes
	taken atomic.Int64
}

// claim takes room, and returns false when there is not enough.
func (r *room) claim(n int64) bool {
	if r.taken.Add(n) <= r.total {
		return true
	}
	r.taken.Add(-n)
	return false
}

// An intake is the room that one call has. Small messages count as nothing.
type intake struct {
	room *room

	mu     sync.Mutex
	held   int64
	come   int64 // bytes since the last complete message
	weight int64 // of the message that is being decoded
	full   bool  // there was no room
	ends   []func()

	replies atomic.Bool // the call has room for its reply
}

// atEnd runs a function when the request is answered, whether or not its client waits for
// that.
func (i *intake) atEnd(do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ends = append(i.ends, do)
}

// end gives back what the call has.
func (i *intake) end() {
	i.empty()
	for _, do := range i.ends {
		do()
	}
}

// empty gives the room back that the call has for messages.
func (i *intake) empty() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.resize(0)
}

// resize makes n the room that the call has for messages, and returns false when there is not
// enough.
func (i *intake) resize(n int64) bool {
	if n <= smallRequest {
		n = 0
	}
	if n > i.held && !i.room.claim(n-i.held) {
		i.full = true
		return false
	}
	if n < i.held {
		i.room.taken.Add(n - i.held)
	}
	i.held = n
	return true
}

// comes counts bytes of an incomplete message.
func (i *intake) comes(n int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.come += int64(n)
	return growth*i.come <= i.held || i.resize((growth*i.come/smallRequest+1)*smallRequest)
}

// weighs counts a complete message that will take n bytes.
func (i *intake) weighs(n int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.weight = n
	return i.resize(n)
}

// why is the error of a message that could not be received.
func (i *intake) why(err error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.full && err != nil {
		return status.Error(codes.ResourceExhausted, fullText)
	}
	return err
}

// whole counts a complete message, until the next one is complete or the call ends.
func (i *intake) whole(m any) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	size := i.weight
	i.come, i.weight = 0, 0
	if p, ok := m.(proto.Message); ok && size == 0 {
		size = int64(proto.Size(p))
	}
	if !i.resize(size) {
		return status.Error(codes.ResourceExhausted, fullText)
	}
	return nil
}

// unary counts the request of a call until it is answered.
func (r *room) unary(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	i := r.of(ctx)
	defer i.empty()
	if err := i.whole(request); err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

// stream counts the messages of a call, each until the next.
func (r *room) stream(
	server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	i := r.of(stream.Context())
	defer i.empty()
	return handler(server, &takenIn{stream, i})
}

type takenIn struct {
	grpc.ServerStream
	intake *intake
}

func (s *takenIn) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.intake.whole(m)
}

type intakeKey struct{}

// A watch sees the calls over gRPC begin and end.
type watch struct{ room *room }

// TagRPC begins a call.
func (w watch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, intakeKey{}, &intake{room: w.room})
}

// HandleRPC gives back the room of a call that ends.
func (watch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ends := event.(*stats.End); ends {
		ctx.Value(intakeKey{}).(*intake).end()
	}
}

// TagConn does nothing.
func (watch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (watch) HandleConn(context.Context, stats.ConnStats) {}

// of returns the intake of a call: the one with which its messages were received, if there was
// one.
func (r *room) of(ctx context.Context) *intake {
	if i, ok := ctx.Value(intakeKey{}).(*intake); ok {
		return i
	}
	return &intake{room: r}
}

// handler counts what is received over the protocols of the web.
func (r *room) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		i := &intake{room: r}
		defer i.end()
		q = q.WithContext(context.WithValue(q.Context(), intakeKey{}, i))
		q.Body = &counting{q.Body, i.comes}
		next.ServeHTTP(w, q)
	})
}

// A counting reader fails when there is no room for what it reads.
type counting struct {
	io.ReadCloser
	comes func(n int) bool
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if !c.comes(n) {
		return n, connectrpc.NewError(connectrpc.CodeResourceExhausted, fullText)
	}
	return n, err
}

// An unpacker is gzip whose expanded bytes are counted while they are made.
type unpacker struct {
	*connectgzip.Compressor
	room *room
}

// Decompress returns a reader of compressed data.
func (u unpacker) Decompress(src io.Reader) (io.ReadCloser, error) {
	r, err := u.Compressor.Decompress(src)
	if err != nil {
		return nil, err
	}
	i := &intake{room: u.room}
	return &unpacking{counting{r, i.comes}, i}, nil
}

type unpacking struct {
	counting
	intake *intake
}

// Close gives the room back, since the message is now counted by itself.
func (u *unpacking) Close() error {
	u.intake.empty()
	return u.counting.Close()
}
