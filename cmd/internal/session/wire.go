package session

import (
	"cmp"
	"context"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/invoke/jsonwire"
)

// ProtocolGRPC is the protocol of calls when none is asked for.
const ProtocolGRPC = "grpc"

// Wire says how calls are carried. The zero value is gRPC with protobuf's wire
// format, uncompressed.
type Wire struct {
	Protocol string // ProtocolGRPC, httpwire.Connect or httpwire.GRPCWeb
	HTTP     string // the version: 1.1, 2, 3, or "": what the server has
	Codec    string // invoke.CodecProto or invoke.CodecJSON
	Compress string // of requests, one of compress.Names; "": none
	Get      bool   // GET for Connect's methods without side effects
}

// transport makes the transport that carries calls like this. The options of gRPC have those
// that all transports share.
func (w Wire) transport(ctx context.Context, target invoke.Target, o grpcwire.Options) (invoke.Transport, error) {
	t, err := w.open(ctx, target, o)
	if err != nil || w.Codec != invoke.CodecJSON {
		return t, err
	}
	return jsonwire.Over(t, cmp.Or(o.MaxRecv, grpcwire.DefaultMaxRecv)), nil
}

func (w Wire) open(ctx context.Context, target invoke.Target, o grpcwire.Options) (invoke.Transport, error) {
	if cmp.Or(w.Protocol, ProtocolGRPC) == ProtocolGRPC {
		o.Compress = w.Compress
		return opened(grpcwire.New(ctx, target, o))
	}
	return opened(httpwire.New(ctx, target, httpwire.Options{
		Protocol:  w.Protocol,
		HTTP:      w.HTTP,
		Compress:  w.Compress,
		Get:       w.Get,
		TLS:       o.TLS,
		Authority: o.Authority,
		UserAgent: o.UserAgent,
		MaxRecv:   o.MaxRecv,
		Connect:   o.Connect,
	}))
}

// Duplex returns a transport over HTTP/2 when calls go over HTTP/1.1: over that, many servers
// refuse streams in both directions, which reflection is. It is nil when calls are not bound
// to HTTP/1.1, since they then use HTTP/2 if the server does. The demo inside this process
// refuses nothing.
func (s *Session) Duplex(ctx context.Context) (invoke.Transport, error) {
	target, w := s.settings.Target, s.settings.Wire
	if target == nil {
		return nil, ErrNoTarget
	}
	if w.HTTP != connect.VersionHTTP1 || target.Network == invoke.NetworkDemo {
		return nil, nil
	}
	w.HTTP = connect.VersionHTTP2
	return s.open(ctx, *target, w)
}

// opened returns a nil Transport for a nil *T.
func opened[T invoke.Transport](t T, err error) (invoke.Transport, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}
