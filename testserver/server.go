package testserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	connectrpc "connectrpc.com/connect/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // Requests may be compressed, and then replies are, too.
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"github.com/rpcctl/rpcctl/internal/longrunning"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// Reflection says which versions of the reflection service a server has.
type Reflection string

// The choices of [Options]; [ParseReflection] reads them.
const (
	ReflectionBoth    Reflection = "both"
	ReflectionV1      Reflection = "v1"
	ReflectionV1Alpha Reflection = "v1alpha"
	ReflectionNone    Reflection = "none"
)

// ParseReflection reads the name of a choice; the empty string is
// [ReflectionBoth].
func ParseReflection(s string) (Reflection, error) {
	switch r := Reflection(s); r {
	case "":
		return ReflectionBoth, nil
	case ReflectionBoth, ReflectionV1, ReflectionV1Alpha, ReflectionNone:
		return r, nil
	}
	return "", fmt.Errorf("unknown reflection %q: want both, v1, v1alpha or none", s)
}

// Options says what a server is like. The zero value is a good one.
type Options struct {
	// Reflection chooses the reflection services; "" is ReflectionBoth.
	Reflection Reflection
	// ReflectionToken, when not empty, is what calls of the reflection
	// services must carry as "authorization: Bearer TOKEN". All others are
	// UNAUTHENTICATED.
	ReflectionToken string
	// TLS is the server's side of TLS, as [Certs.Server] makes it; nil is
	// plaintext. The server keeps it and does not change it.
	TLS *tls.Config
	// Now is the clock that messages carry; nil is time.Now. Delays run by the
	// real clock. It must be safe for concurrent use.
	Now func() time.Time
	// MaxRecv is the greatest request message in bytes; 0 is 8 MiB.
	MaxRecv int
	// MaxMemory is how much memory the process may have in use, in bytes, before the server
	// closes its connections; 0 is no such bound.
	MaxMemory uint64
	// Grace is how long Stop waits for calls that still run; 0 is one second.
	Grace time.Duration
	// OnCall, when not nil, is called at the end of every call, reflection and
	// health included. Calls end at the same time, so it must be safe for
	// concurrent use; and it must not block.
	OnCall func(Call)
}

// A Server is the demo server. It is safe for concurrent use.
type Server struct {
	grpc        *grpc.Server
	web         *http.Server // of the other protocols
	front       *front
	ends        ends
	handlers    *sync.WaitGroup // of the web's calls
	serving     sync.Once       // of the servers to which the front hands connections
	recorder    *recorder
	connections *connections
	grace       time.Duration
	maxMemory   uint64
}

const (
	defaultMaxRecv = 8 << 20
	defaultGrace   = time.Second
	// A client that connects and then sends nothing is disconnected after this.
	handshakeTimeout = 10 * time.Second
)

// New makes a server that listens nowhere yet. It panics when o.Reflection is
// not one of the choices.
func New(o Options) *Server {
	choice, err := ParseReflection(string(o.Reflection))
	if err != nil {
		panic("testserver: " + err.Error())
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxRecv == 0 {
		o.MaxRecv = defaultMaxRecv
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	registerJSON()
	r := newRecorder(o.OnCall)
	in, calls := &room{total: requestBudget}, &room{total: callBudget}
	out := outgo{&budget{total: replyBudget}, calls}
	gate := tokenGate{token: o.ReflectionToken}
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(r.unary, in.unary, out.unary),
		grpc.ChainStreamInterceptor(in.weighStream, r.stream, in.stream, out.stream, gate.stream),
		grpc.MaxRecvMsgSize(o.MaxRecv),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.InTapHandle(calls.tap),
		grpc.StatsHandler(watch{in}),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.WaitForHandlers(true),
		// Clients under test may ping as often as they like.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime:             time.Millisecond,
			PermitWithoutStream: true,
		}),
	}
	s := &Server{
		recorder: r, connections: newConnections(r, calls), grace: o.Grace, maxMemory: o.MaxMemory,
		ends: ends{done: make(chan struct{})}, front: &front{grpc: newQueue(), web: newQueue()},
	}
	if o.TLS != nil {
		options = append(options, grpc.Creds(shaken{credentials.NewTLS(o.TLS)}))
		s.front.tls = o.TLS.Clone()
		s.front.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	s.grpc = grpc.NewServer(options...)
	both := &registrar{
		Server: s.grpc, web: connectrpc.NewServer(), room: in,
		unary: func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any,
			error,
		) {
			return r.unary(ctx, request, info, func(ctx context.Context, request any) (any, error) {
				return in.unary(ctx, request, info, func(ctx context.Context, request any) (any, error) {
					return out.unary(ctx, request, info, handler)
				})
			})
		},
		stream: func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo,
			handler grpc.StreamHandler,
		) error {
			return r.stream(server, stream, info, func(server any, stream grpc.ServerStream) error {
				return in.stream(server, stream, info, func(server any, stream grpc.ServerStream) error {
					return out.stream(server, stream, info, func(server any, stream grpc.ServerStream) error {
						return gate.stream(server, stream, info, handler)
					})
				})
			})
		},
	}
	register(both, choice, o.Now, out)
	r.know(s.grpc.GetServiceInfo())
	s.web, s.handlers = newWeb(both.web, o.MaxRecv, in, calls)
	return s
}

func register(g *registrar, choice Reflection, now func() time.Time, out outgo) {
	doctor := health.NewServer()
	demov1.RegisterGreeterServer(g, &greeter{})
	demov1.RegisterShopServer(g, newShop(now))
	demov1.RegisterLabServer(g, newLab(now, out.calls, out.replies))
	demov1.RegisterEditionsServer(g, &editions{})
	bakery := newBakery()
	demov1.RegisterBakeryServer(g, bakery)
	longrunning.RegisterOperationsServer(g, bakery)
	for service := range g.GetServiceInfo() {
		doctor.SetServingStatus(service, healthv1.HealthCheckResponse_SERVING)
	}
	demov1.RegisterWarehouseServer(g, newWarehouse(doctor))
	healthv1.RegisterHealthServer(g, doctor)

	schema := &schema{}
	options := reflection.ServerOptions{Services: g, DescriptorResolver: schema, ExtensionResolver: extensions{schema}}
	if choice == ReflectionBoth || choice == ReflectionV1 {
		reflectionv1.RegisterServerReflectionServer(g, reflection.NewServerV1(options))
	}
	if choice == ReflectionBoth || choice == ReflectionV1Alpha {
		reflectionv1alpha.RegisterServerReflectionServer(g, reflection.NewServer(options))
	}
}

// Stats returns what the server has seen so far. Counts of calls that run meanwhile may be a
// moment apart.
func (s *Server) Stats() Stats { return s.recorder.stats() }

// Wait blocks until done, which is given the server's Stats after each change, returns true.
// It returns ctx's error when that ends first. Tests use it to wait for something to reach the
// server, such as a cancellation.
func (s *Server) Wait(ctx context.Context, done func(Stats) bool) error {
	return s.recorder.wait(ctx, done)
}
