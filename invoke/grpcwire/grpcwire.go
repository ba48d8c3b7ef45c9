package grpcwire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// DefaultMaxRecv is the greatest message received when nobody set a limit, in
// bytes.
const DefaultMaxRecv = 64 << 20

// Options are what a Transport needs to know besides its target.
type Options struct {
	TLS       connect.TLSOptions
	Authority string // the :authority of calls; "": the target's
	UserAgent string // put before grpc-go's own; "": none
	MaxRecv   int    // bytes of the greatest message; 0: DefaultMaxRecv
	Compress  string // of requests, a name of compress.Names; "": none
	Connect   connect.Dialer

	LoadBalancing string        // PickFirst or RoundRobin; "": the default, which is one address
	ServiceConfig string        // of gRPC, JSON; it excludes LoadBalancing; "": none
	Keepalive     time.Duration // between two pings that find out whether a silent server lives; 0: there are none
}

// A Transport is gRPC over HTTP/2 to one target. It connects with the first call
// and is safe for concurrent use.
type Transport struct {
	target invoke.Target
	o      Options
	tls    *tls.Config // nil: TLS is never used
	config string      // service config; "": none
	// buffers holds messages while their frames arrive. A server chooses the size of its
	// frames; with only grpc-go's own sizes of buffers each frame could take four times its
	// size.
	buffers mem.BufferPool

	endings endings

	mu      sync.Mutex
	conn    *channel   // of the current security; nil before the first call
	dropped []*channel // that were still in use when they were dropped
	secure  bool
	decided bool  // no more changes of secure
	lastErr error // why the last connection could not be made
	closed  bool
}

// bufferSizes are close to each other for small frames: a message that arrives in frames is
// kept in a buffer for each frame until it is whole, which is at most half as long again as
// the frame.
var bufferSizes = []int{256, 1536, 2 << 10, 3 << 10, 4 << 10, 6 << 10, 8 << 10, 12 << 10, 16 << 10, 32 << 10, 1 << 20}

// New makes a Transport and reads the files that TLS needs, until ctx is done. It dials nothing. An
// error may be an *OptionError.
func New(ctx context.Context, target invoke.Target, o Options) (*Transport, error) {
	if err := checkTarget(target); err != nil {
		return nil, err
	}
	if o.Compress != "" && !compress.Known(o.Compress) {
		return nil, fmt.Errorf("%q is no known compression", o.Compress)
	}
	registerCodings()
	t := &Transport{target: target, o: o, buffers: mem.NewTieredBufferPool(bufferSizes...)}
	var err error
	if t.config, err = o.serviceConfig(); err != nil {
		return nil, err
	}
	t.secure = target.Security == invoke.SecurityTLS || target.Security == invoke.SecurityAuto && !target.Local()
	t.decided = target.Security != invoke.SecurityAuto || t.secure
	if t.secure || !t.decided {
		config, err := o.TLS.Config(ctx)
		if err != nil {
			return nil, err
		}
		connect.OfferALPN(config, connect.VersionHTTP2)
		t.tls = config
	}
	return t, nil
}

// Wire says how a call is carried.
func (t *Transport) Wire(m invoke.Method) invoke.Wire {
	t.mu.Lock()
	secure := t.secure
	t.mu.Unlock()
	url := "http://"
	if secure {
		url = "https://"
	}
	switch t.target.Network {
	case "tcp":
		url += t.target.Address + m.Path
	default:
		url = t.target.String() + m.Path
	}
	return invoke.Wire{
		URL: url, Protocol: "grpc", HTTP: "2",
		Codec: cmp.Or(m.Codec, invoke.CodecProto), Compression: cmp.Or(t.o.Compress, compress.Identity),
	}
}

// Open begins a call, connecting first if need be. A server on this machine that
// turns out to speak TLS is connected to again, with TLS: no request was sent
// before, because requests wait for the server's SETTINGS frame.
func (t *Transport) Open(ctx context.Context, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	began := time.Now()
	for {
		conn, secure, err := t.client()
		if err != nil {
			return nil, &invoke.StatusError{Status: &invoke.Status{
				Code: codes.Unavailable, Message: err.Error(), Origin: invoke.OriginTransport, Cause: err,
			}}
		}
		s := &stream{ctx: ctx, t: t, conn: conn, limit: t.maxRecv(m), codec: codecOf(m)}
		callCtx := context.WithValue(ctx, seenKey{}, &s.seen)
		if len(md) > 0 {
			callCtx = metadata.NewOutgoingContext(callCtx, metadata.MD(md))
		}
		// This is always a server stream: the Invoker checks the number of responses.
		desc := &grpc.StreamDesc{ClientStreams: m.ClientStreams, ServerStreams: true}
		s.ClientStream, err = conn.NewStream(callCtx, desc, m.Path, t.callOptions(m, s.limit)...)
		if err == nil {
			return s, nil
		}
		t.release(conn)
		if status.Code(err) == codes.Unavailable && t.stepUp(ctx, began, secure) {
			continue
		}
		t.drop(conn, err)
		return nil, &invoke.StatusError{Status: t.openStatus(ctx, began, err, secure)}
	}
}

// openStatus is the status of a call for which there was no connection.
func (t *Transport) openStatus(ctx context.Context, began time.Time, err error, secure bool) *invoke.Status {
	s := callStatus(ctx, err, nil, 0)
	t.mu.Lock()
	last := t.lastErr
	t.mu.Unlock()
	var ce *connect.Error
	if errors.As(last, &ce) {
		if maybeTLS(ce.Kind) && !secure && t.target.Network == "tcp" &&
			t.answersTLS(ctx, began) {
			ce = &connect.Error{Kind: connect.ServerTLS, Address: ce.Address, Err: ce}
		}
		if s.Code == codes.Unavailable {
			s.Message, s.Cause = ce.Error(), ce
		} else if s.Code == codes.DeadlineExceeded {
			late := &connect.LateError{Address: t.target.Address, Err: ce}
			s.Message, s.Cause = late.Error(), late
		}
	} else if s.Code == codes.DeadlineExceeded {
		late := &connect.LateError{Address: t.target.Address}
		s.Message, s.Cause = late.Error(), late
	} else if strings.HasPrefix(s.Message, "name resolver error: ") && t.target.Network == invoke.NetworkResolver {
		ce = &connect.Error{Kind: connect.UnknownHost, Address: resolvedName(t.target.Address), Err: err}
		s.Message, s.Cause = ce.Error(), ce
	}
	return s
}

// maybeTLS reports whether a server that answered plaintext like this may want TLS: some close
// the connection, and some that know HTTP/1, too, answer a bad request in that.
func maybeTLS(k connect.Kind) bool { return k == connect.Closed || k == connect.HTTP1 }

// stepUp changes to TLS when the target allows both, and its server answered plaintext like a
// server that speaks TLS.
func (t *Transport) stepUp(ctx context.Context, began time.Time, wasSecure bool) bool {
	t.mu.Lock()
	last, decided := t.lastErr, t.decided
	secure := t.secure
	t.mu.Unlock()
	if secure != wasSecure {
		return true // another call has found it out
	}
	var ce *connect.Error
	if decided || !errors.As(last, &ce) {
		return false
	}
	if ce.Kind != connect.ServerTLS && ce.Kind != connect.Elsewhere &&
		(!maybeTLS(ce.Kind) || !t.answersTLS(ctx, began)) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.decided {
		t.secure, t.decided, t.lastErr = true, true, nil
		if t.conn != nil {
			_ = t.conn.Close()
			t.conn = nil
		}
	}
	return true
}

// answersTLS finds out whether the server speaks TLS, as long as there is time for connecting.
func (t *Transport) answersTLS(ctx context.Context, began time.Time) bool {
	ctx, cancel := context.WithDeadline(ctx, began.Add(t.o.Connect.Limit()))
	defer cancel()
	return t.o.Connect.AnswersTLS(ctx, t.target.Network, t.target.Address)
}

// client returns the connection, made on first use, for a call that releases it.
func (t *Transport) client() (conn *channel, secure bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, false, net.ErrClosed
	}
	if t.conn == nil {
		made, err := grpc.NewClient(t.name(), t.dialOptions()...)
		if err != nil {
			return nil, false, err
		}
		t.conn = &channel{ClientConn: made}
	}
	t.conn.calls++
	return t.conn, t.secure, nil
}

func (t *Transport) dialOptions() []grpc.DialOption {
	limit := t.o.Connect.Limit()
	opts := []grpc.DialOption{
		grpc.WithContextDialer(t.dial),
		grpc.WithTransportCredentials(&creds{t: t, secure: t.secure}),
		grpc.WithStatsHandler(watch{&t.endings}),
		grpc.WithIdleTimeout(0),
		grpc.WithMaxHeaderListSize(invoke.MaxHeaders),
		grpc.WithInitialWindowSize(windowSize),
		grpc.WithInitialConnWindowSize(windowSize),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1<<31 - 1)),
		experimental.WithBufferPool(t.buffers),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: min(time.Second, limit), Multiplier: 1.6, Jitter: 0.2, MaxDelay: 10 * time.Second},
			MinConnectTimeout: limit,
		}),
	}
	opts = append(opts, t.reachOptions()...)
	if t.o.UserAgent != "" {
		opts = append(opts, grpc.WithUserAgent(t.o.UserAgent))
	}
	if a := t.authority(); a != "" {
		opts = append(opts, grpc.WithAuthority(a))
	}
	return opts
}

// callOptions returns the options of one call.
func (t *Transport) callOptions(m invoke.Method, limit int) []grpc.CallOption {
	opts := []grpc.CallOption{grpc.ForceCodecV2(codecOf(m)), grpc.MaxCallRecvMsgSize(limit)}
	if t.o.Compress != "" && !m.Uncompressed {
		opts = append(opts, grpc.UseCompressor(t.o.Compress))
	}
	return opts
}

// maxRecv is the greatest message received for a method, in bytes.
func (t *Transport) maxRecv(m invoke.Method) int {
	return cmp.Or(m.MaxRecv, t.o.MaxRecv, DefaultMaxRecv)
}

// windowSize is the flow-control window of streams and connections, in bytes: 10 MB/s over a
// round trip of 50 ms. It takes as much memory, and more of it did not make calls faster.
const windowSize = 512 << 10

// authority is the :authority to claim, or "" for the one of grpc-go's resolver.
func (t *Transport) authority() string {
	switch {
	case t.o.Authority != "":
		return t.o.Authority
	case t.target.Network == "unix", t.target.Network == invoke.NetworkDemo:
		return "localhost"
	default:
		return ""
	}
}

// dial makes the connection. grpc-go passes the addresses that its resolver found; for targets
// without its resolver there is one.
func (t *Transport) dial(ctx context.Context, address string) (net.Conn, error) {
	network := t.target.Network
	if network == invoke.NetworkResolver {
		network = "tcp"
	}
	t.mu.Lock()
	dial := t.o.Connect.DialPlain
	if t.secure {
		dial = t.o.Connect.Dial
	}
	t.mu.Unlock()
	conn, err := dial(ctx, network, address)
	var ce *connect.Error
	if errors.As(err, &ce) && !ce.Proxy {
		ce.Address = t.dialled(ce.Address)
	}
	t.note(err)
	if err == nil && network == "tcp" && address != t.target.Address {
		conn = &dialledConn{Conn: conn, address: t.dialled(address)}
	}
	return conn, err
}

// note keeps why a connection could not be made: grpc-go keeps only the text of an error.
func (t *Transport) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastErr = err
}

// Close drops the connection.
func (t *Transport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, c := range t.dropped {
		_ = c.Close()
	}
	if t.conn == nil {
		return nil
	}
	return t.conn.Close()
}
