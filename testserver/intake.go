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
	// requestBudget is how much the great requests that are being received and answered may
	// take together, in bytes. They do not wait as replies do: one that is half sent would
	// keep the others waiting.
	requestBudget = 64 << 20
	// smallRequest is how great a request may be that is not counted, in bytes.
	smallRequest = 64 << 10
	// growth is how much room a request takes that is being received: what it is read into
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

// claim takes a part, and is false when there is not so much.
func (r *room) claim(n int64) bool {
	if r.taken.Add(n) <= r.total {
		return true
	}
	r.taken.Add(-n)
	return false
}

// An intake is the room that one call has. What is small counts as nothing.
type intake struct {
	room *room

	mu     sync.Mutex
	held   int64
	come   int64 // bytes since the last whole message
	weight int64 // of the message that is being made
	full   bool  // there was no room
	ends   []func()

	replies atomic.Bool // the call has room for its reply
}

// atEnd does something when the request is answered, whether or not its client waits for that.
func (i *intake) atEnd(do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ends = append(i.ends, do)
}

// end gives back what the call has.
func (i *intake) end() {
	i.hold(0)
	for _, do := range i.ends {
		do()
	}
}

// hold makes what the call has as much as this, and is false when there is not so much room.
func (i *intake) hold(n int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.resize(n)
}

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

// comes counts bytes of a message that is not whole.
func (i *intake) comes(n int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.come += int64(n)
	return growth*i.come <= i.held || i.resize((growth*i.come/smallRequest+1)*smallRequest)
}

// weighs counts a message that is whole and will take so much.
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

// whole counts a message that has come, until the next has, or the call ends.
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
	defer i.hold(0)
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
	defer i.hold(0)
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

// HandleRPC gives back what a call has that ends.
func (watch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ends := event.(*stats.End); ends {
		ctx.Value(intakeKey{}).(*intake).end()
	}
}

// TagConn does nothing.
func (watch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (watch) HandleConn(context.Context, stats.ConnStats) {}

// of is what a call has: what it had when its messages were received, where that was seen.
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

// An unpacker is gzip whose unpacked bytes are counted while they are made.
type unpacker struct {
	*connectgzip.Compressor
	room *room
}

// Decompress reads what was packed.
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

// Close gives the room back: the message has its own.
func (u *unpacking) Close() error {
	u.intake.hold(0)
	return u.counting.Close()
}
