package grpcwire

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// stream is one call on grpc-go.
type stream struct {
	grpc.ClientStream
	ctx   context.Context // of the call, to tell why it ended
	seen  seen
	t     *Transport
	conn  *channel // is given back in the end
	limit int      // bytes of the greatest message to receive
	last  received // the message
	ended error    // what ended receiving, io.EOF for OK; nil while it goes on
	codec codec
	known bool // the response's codec has been checked

	asked  bool // the headers were asked for: grpc-go makes a copy each time
	header metadata.MD

	finished bool
	trailer  invoke.Metadata
	status   *invoke.Status
}

// Send hands a message to grpc-go.
func (s *stream) Send(msg []byte) error {
	if err := s.SendMsg(msg); err != nil {
		return io.EOF
	}
	return nil
}

// Header blocks until the headers. grpc-go gives nil for a response that is
// trailers only.
func (s *stream) Header() invoke.Metadata {
	if !s.asked {
		s.asked = true
		if md, err := s.ClientStream.Header(); err == nil {
			s.header = md
		}
	}
	return invoke.Metadata(s.header)
}

// HTTP describes the response. Headers exist only for responses of gRPC: for any other status
// than 200 grpc-go returns none.
func (s *stream) HTTP() (status int, version string) {
	if s.Header() == nil {
		return 0, ""
	}
	return 200, "2"
}

// Recv returns the next message.
func (s *stream) Recv() ([]byte, error) {
	if s.ended != nil {
		return nil, io.EOF
	}
	if !s.known {
		s.known = true
		s.ended = s.checkCodec()
	}
	if s.ended == nil {
		s.ended = s.RecvMsg(&s.last)
	}
	if s.ended != nil {
		return nil, io.EOF
	}
	return s.last.wire, nil
}

// checkCodec refuses a response in another codec than the request's, as the gRPC protocol
// demands (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Responses). grpc-go
// accepts it.
func (s *stream) checkCodec() error {
	if types := s.Header()["content-type"]; len(types) > 0 && !s.codec.accepts(types[0]) {
		return status.Errorf(codes.Internal, "the server answered in %q, which is not the encoding of the request",
			types[0])
	}
	return nil
}

// Finish drops what was not received and returns how the call ended.
func (s *stream) Finish() (*invoke.Status, invoke.Metadata) {
	if s.finished {
		return s.status, s.trailer
	}
	for s.ended == nil {
		if err := s.ctx.Err(); err != nil {
			return s.drop(err)
		}
		_, _ = s.Recv()
	}
	s.finished = true
	alone := s.t.release(s.conn)
	heard := s.seen.trailers.Load()
	s.status = callStatus(s.ctx, s.ended, heard, s.limit)
	if s.status.Cause != nil {
		notGRPC(s.status, s.t.target.Address)
		salvage(s.status, &s.t.endings, alone)
		brokenOff(s.status, &s.t.endings)
	}
	if heard != nil {
		s.trailer = heard.metadata(invoke.Metadata(s.Trailer()), s.status)
	}
	return s.status, s.trailer
}

// drop ends a call whose context has ended, although messages, and maybe a status, have
// arrived. grpc-go returns these all the same, and expanding them may take as long as the
// server likes.
func (s *stream) drop(err error) (*invoke.Status, invoke.Metadata) {
	s.finished, s.ended = true, err
	s.t.release(s.conn)
	s.status = invoke.EndedHere(err)
	return s.status, nil
}

// metadata puts back the fields that grpc-go takes out of the trailers, into its copy of them.
func (t *trailers) metadata(md invoke.Metadata, st *invoke.Status) invoke.Metadata {
	if md == nil {
		md = invoke.Metadata{}
	}
	switch {
	case t.ending != nil:
		if t.hasStatus {
			md["grpc-status"] = []string{t.status}
		}
		if t.message != "" { // many servers send an empty message with each OK
			md["grpc-message"] = []string{t.message}
		}
	case st.Origin == invoke.OriginServer:
		md["grpc-status"] = []string{strconv.FormatUint(uint64(st.Code), 10)}
		if st.Message != "" {
			md["grpc-message"] = []string{percentEncode(st.Message)}
		}
	}
	return md
}

// percentEncode writes a status message in the form in which it is sent
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Percent-Encoded).
func percentEncode(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// callStatus reads the error that ended a call; heard are the trailers, if there were any.
func callStatus(ctx context.Context, err error, heard *trailers, limit int) *invoke.Status {
	if err == io.EOF {
		return &invoke.Status{Origin: invoke.OriginServer}
	}
	st := status.Convert(err)
	s := &invoke.Status{Code: st.Code(), Message: st.Message(), Origin: invoke.OriginClient}
	if heard != nil { // else nobody needs them, and grpc-go's copy for this is expensive
		s.Details = st.Proto().GetDetails()
	}
	if tooLarge(s, limit) {
		return s
	}
	if heard != nil && (heard.ending == nil || heard.says(s)) {
		s.Origin = invoke.OriginServer
		return s
	}
	s.Cause = err
	switch {
	case s.Code == codes.DeadlineExceeded: // the server's reset may come before our own clock says so
		return invoke.EndedHere(context.DeadlineExceeded)
	case ctx.Err() != nil && s.Code == codes.Canceled:
		return invoke.EndedHere(context.Canceled)
	case heard != nil && heard.ending != nil && !heard.hasStatus && s.Message == "":
		s.Message = "the server ended the call without a status"
	case heard != nil && s.Message == io.ErrUnexpectedEOF.Error():
		s.Message = "the server ended the call in the middle of a message"
	case s.Code == codes.Unavailable:
		s.Origin = invoke.OriginTransport
	}
	return s
}

// brokenOff recognises grpc-go's text for a call or a connection that the server broke off,
// and replaces it by our own, with what the server said.
func brokenOff(s *invoke.Status, e *endings) {
	const (
		reset  = "stream terminated by RST_STREAM with error code: "
		closed = "closing transport due to: "
		broken = "error reading from server: "
	)
	if code, ok := strings.CutPrefix(s.Message, reset); ok {
		ended := &connect.EndedError{Code: code}
		s.Message, s.Cause = ended.Error(), ended
		return
	}
	if s.Origin != invoke.OriginTransport || !strings.Contains(s.Message, closed) &&
		!strings.Contains(s.Message, broken) && !strings.Contains(s.Message, "GOAWAY") {
		return
	}
	if ended := e.lastWords(); ended != nil {
		s.Message, s.Cause = ended.Error(), ended
	} else if strings.HasPrefix(s.Message, broken) || strings.HasPrefix(s.Message, closed) {
		s.Message = "the server closed the connection"
	}
}

// tooLarge recognises grpc-go's refusal of a message, which may come when the server's status
// has arrived, and words it for people.
func tooLarge(s *invoke.Status, limit int) bool {
	if s.Code != codes.ResourceExhausted {
		return false
	}
	var n, exceeded int
	if _, err := fmt.Sscanf(s.Message, "grpc: received message larger than max (%d vs. %d)", &n,
		&exceeded); err == nil && exceeded == limit {
		s.Message, s.Cause = fmt.Sprintf("the server sent a message of %d bytes, and the limit is %d", n,
			limit), invoke.ErrTooLarge
		return true
	}
	if _, err := fmt.Sscanf(s.Message, "grpc: received message after decompression larger than max %d",
		&exceeded); err == nil && exceeded == limit {
		s.Message, s.Cause = fmt.Sprintf("the server sent a message that unpacks to more than the limit of %d bytes",
			limit), invoke.ErrTooLarge
		return true
	}
	return false
}

// seen is what was seen of one call in its frames. Without it a status that the server sent
// and one that grpc-go made look the same.
type seen struct{ trailers atomic.Pointer[trailers] }

// trailers are those of one call, with what was seen of them in the frames: nil when they were
// not recognised there.
type trailers struct{ *ending }

type seenKey struct{}

// watch is the grpc-go stats handler that fills in a call's seen.
type watch struct{ endings *endings }

// TagRPC implements stats.Handler.
func (watch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC records trailers.
func (w watch) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if t, ok := s.(*stats.InTrailer); ok {
		if seen, ok := ctx.Value(seenKey{}).(*seen); ok {
			seen.trailers.Store(&trailers{w.endings.take(t.WireLength, t.Trailer)})
		}
	}
}

// TagConn implements stats.Handler.
func (watch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (watch) HandleConn(context.Context, stats.ConnStats) {}
