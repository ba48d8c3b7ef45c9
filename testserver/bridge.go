package testserver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	connectrpc "connectrpc.com/connect/v2"
	"github.com/quic-go/quic-go/http3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// registrar registers services for gRPC on grpc-go, and the same handlers for the
// protocols of the web, with the same interceptors.
type registrar struct {
	*grpc.Server
	web    *connectrpc.Server
	room   *room
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

// RegisterService registers a service for all protocols.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	r.Server.RegisterService(r.room.weighed(desc), impl)
	for _, m := range desc.Methods {
		spec := specOf(desc.ServiceName, m.MethodName, connectrpc.StreamTypeUnary)
		r.web.Register(connectrpc.Method{
			Spec: spec,
			Handler: func(ctx context.Context, spec connectrpc.Spec, s connectrpc.ServerStream) error {
				call := newBridged(ctx, spec.Procedure, s)
				reply, err := m.Handler(impl, call.ctx, call.RecvMsg, r.unary)
				if err != nil {
					return call.finish(err)
				}
				return call.finish(call.SendMsg(reply))
			},
		})
	}
	for _, m := range desc.Streams {
		shape := connectrpc.StreamTypeUnary
		if m.ClientStreams {
			shape |= connectrpc.StreamTypeClient
		}
		if m.ServerStreams {
			shape |= connectrpc.StreamTypeServer
		}
		r.web.Register(connectrpc.Method{
			Spec: specOf(desc.ServiceName, m.StreamName, shape),
			Handler: func(ctx context.Context, spec connectrpc.Spec, s connectrpc.ServerStream) error {
				call := newBridged(ctx, spec.Procedure, s)
				info := &grpc.StreamServerInfo{
					FullMethod: spec.Procedure, IsClientStream: m.ClientStreams,
					IsServerStream: m.ServerStreams,
				}
				return call.finish(r.stream(impl, call, info, m.Handler))
			},
		})
	}
}

// specOf describes a method. The schema says which methods may be called with GET.
func specOf(service, method string, shape connectrpc.StreamType) connectrpc.Spec {
	spec := connectrpc.Spec{Procedure: "/" + service + "/" + method, StreamType: shape}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return spec
	}
	if o, ok := d.Options().(*descriptorpb.MethodOptions); ok {
		spec.IdempotencyLevel = connectrpc.IdempotencyLevel(o.GetIdempotencyLevel())
	}
	return spec
}

// A bridged is a call over a protocol of the web in the form that handlers expect: a stream of
// grpc-go, and what grpc-go keeps in the context.
type bridged struct {
	ctx    context.Context
	method string
	stream connectrpc.ServerStream
	info   *connectrpc.CallInfo

	mu   sync.Mutex // guards the metadata, which handlers may set from any goroutine
	sent bool       // the headers are on their way
}

func newBridged(ctx context.Context, method string, stream connectrpc.ServerStream) *bridged {
	info, _ := connectrpc.CallInfoForServerContext(ctx) // there is always one
	b := &bridged{method: method, stream: stream, info: info}
	ctx = metadata.NewIncomingContext(ctx, incoming(info.RequestHeader()))
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: remote(info.PeerAddr)})
	b.ctx = grpc.NewContextWithServerTransportStream(ctx, transportStream{b})
	return b
}

// incoming is request metadata as gRPC hands it to handlers.
func incoming(h *connectrpc.Header) metadata.MD {
	md := metadata.MD{}
	for name, values := range h.All() {
		key := strings.ToLower(name)
		if key == "host" {
			key = ":authority"
		}
		for _, v := range values {
			if strings.HasSuffix(key, "-bin") {
				if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "=")); err == nil {
					v = string(b)
				}
			}
			md[key] = append(md[key], v)
		}
	}
	return md
}

// remote is the address of a client.
type remote string

func (remote) Network() string  { return "tcp" }
func (r remote) String() string { return string(r) }

func (b *bridged) Context() context.Context { return b.ctx }

func (b *bridged) SetHeader(md metadata.MD) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent {
		return errors.New("the headers have been sent")
	}
	outgoing(b.info.ResponseHeader(), md)
	return nil
}

func (b *bridged) SendHeader(md metadata.MD) error {
	if err := b.SetHeader(md); err != nil {
		return err
	}
	b.flushed()
	return b.stream.SendHeaders()
}

func (b *bridged) SetTrailer(md metadata.MD) {
	b.mu.Lock()
	defer b.mu.Unlock()
	outgoing(b.info.ResponseTrailer(), md)
}

func (b *bridged) flushed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = true
}

func outgoing(h *connectrpc.Header, md metadata.MD) {
	for key, values := range md {
		for _, v := range values {
			if strings.HasSuffix(key, "-bin") {
				v = connectrpc.EncodeBinaryHeader([]byte(v))
			}
			h.Add(key, v)
		}
	}
}

// SendMsg sends a message. The demo's messages can all be sent, so an error means that the
// client has gone, as with grpc-go.
func (b *bridged) SendMsg(m any) error {
	b.flushed()
	if err := b.stream.Send(m); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	return nil
}

// errGone means that the client has reset the stream. Over HTTP/3 a read may notice that
// before the context does.
var errGone = errors.New("the client is gone")

// RecvMsg receives a message. At the end it returns io.EOF itself, which handlers compare
// with.
func (b *bridged) RecvMsg(m any) error {
	err := b.stream.Receive(m)
	if i, ok := b.ctx.Value(intakeKey{}).(*intake); ok {
		err = i.why(err)
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if reset := new(http3.Error); errors.As(err, &reset) {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return err
}

// finish turns what a handler returned into an error of the web's protocols.
func (b *bridged) finish(err error) error {
	var own *connectrpc.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	s := status.Convert(err)
	if _, ok := status.FromError(err); !ok {
		s = status.FromContextError(err)
	}
	e := connectrpc.NewError(connectrpc.Code(s.Code()), s.Message())
	for _, d := range s.Proto().GetDetails() {
		_, name, _ := strings.Cut(d.GetTypeUrl(), "/")
		e = e.WithDetail(&connectrpc.ErrorDetail{Type: name, Value: d.GetValue()})
	}
	return e
}

// transportStream is what grpc.SetHeader and its like find in the context.
type transportStream struct{ *bridged }

func (t transportStream) Method() string { return t.method }

func (t transportStream) SetTrailer(md metadata.MD) error {
	t.bridged.SetTrailer(md)
	return nil
}
