package httpwire

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

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// DefaultMaxRecv is the greatest message received when nobody set a limit, in
// bytes.
const DefaultMaxRecv = 64 << 20

// The protocols.
const (
	Connect = "connect"
	GRPCWeb = "grpc-web"
)

// Options are what a Transport needs to know besides its target.
type Options struct {
	Protocol string // Connect or GRPCWeb
	// HTTP is a version of HTTP, such as connect.VersionHTTP2. HTTP/3 needs TLS. With "" the
	// handshake of TLS decides (ALPN), and in cleartext HTTP/2 is tried before HTTP/1.1.
	HTTP      string
	Compress  string // of requests, a name of compress.Names; "": none
	Get       bool   // Connect: use GET where the schema promises no side effects
	TLS       connect.TLSOptions
	Authority string // the host to claim; "": the target's
	UserAgent string // "": the library's own
	MaxRecv   int    // bytes of the greatest message; 0: DefaultMaxRecv
	Connect   connect.Dialer
}

// A Transport is Connect or gRPC-Web to one target. It connects with the first call
// and is safe for concurrent use.
type Transport struct {
	target  invoke.Target
	o       Options
	tls     *tls.Config // nil: TLS is never used
	codings []*compress.Coding

	turn chan struct{} // held by the one who connects

	mu      sync.Mutex
	conns   []conn
	secure  bool
	decided bool   // no more changes of secure
	version string // the version of HTTP that was asked for or found out
	closed  bool
}

// New makes a Transport and reads the files that TLS needs, until ctx is done. It dials nothing.
func New(ctx context.Context, target invoke.Target, o Options) (*Transport, error) {
	if err := o.check(target); err != nil {
		return nil, err
	}
	t := &Transport{target: target, o: o, codings: compress.Codings(), version: o.HTTP, turn: make(chan struct{}, 1)}
	t.secure = target.Security == invoke.SecurityTLS || o.HTTP == connect.VersionHTTP3 ||
		target.Security == invoke.SecurityAuto && !target.Local()
	t.decided = target.Security != invoke.SecurityAuto || t.secure
	if t.secure || !t.decided {
		config, err := o.TLS.Config(ctx)
		if err != nil {
			return nil, err
		}
		t.tls = config
	}
	return t, nil
}

// check returns what is wrong with the options for a target.
func (o *Options) check(target invoke.Target) error {
	switch {
	case o.Protocol != Connect && o.Protocol != GRPCWeb:
		return fmt.Errorf("%q is no protocol over HTTP", o.Protocol)
	case target.Network == invoke.NetworkResolver:
		return fmt.Errorf("%s: the resolvers of gRPC are for gRPC alone", target)
	case o.Compress != "" && o.Compress != compress.Identity && !compress.Known(o.Compress):
		return fmt.Errorf("%q is no known compression", o.Compress)
	case o.HTTP == connect.VersionHTTP3 && (target.Security == invoke.SecurityPlaintext || target.Network != "tcp"):
		return fmt.Errorf("%s: HTTP/3 is always over TLS and UDP", target)
	}
	return nil
}

// Wire says how a call is carried.
func (t *Transport) Wire(m invoke.Method) invoke.Wire {
	w := invoke.Wire{
		Protocol:    t.o.Protocol,
		HTTP:        cmp.Or(t.o.HTTP, "auto"),
		Codec:       cmp.Or(m.Codec, invoke.CodecProto),
		Compression: cmp.Or(t.o.Compress, compress.Identity),
	}
	if t.target.Network == "tcp" {
		w.URL = t.scheme() + "://" + t.target.Address + t.target.Prefix + m.Path
	} else {
		w.URL = t.target.String() + m.Path
	}
	return w
}

func (t *Transport) scheme() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.secure {
		return "https"
	}
	return "http"
}

// authority is the host to put into requests.
func (t *Transport) authority() string {
	switch {
	case t.o.Authority != "":
		return t.o.Authority
	case t.target.Network == "tcp":
		return withoutZone(t.target.Address)
	default:
		return "localhost"
	}
}

// withoutZone takes the zone out of an IPv6 address, which means nothing to the other
// side (RFC 6874, section 4).
func withoutZone(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip, _, zoned := strings.Cut(host, "%"); err == nil && zoned {
		return net.JoinHostPort(ip, port)
	}
	return address
}

// Open begins a call, connecting first if need be.
func (t *Transport) Open(ctx context.Context, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	c, err := t.lease(ctx)
	if err != nil {
		return nil, &invoke.StatusError{Status: t.openStatus(ctx, err)}
	}
	return t.open(ctx, c, m, md)
}

// openStatus is the status of a call for which there was no connection.
func (t *Transport) openStatus(ctx context.Context, err error) *invoke.Status {
	s := &invoke.Status{Code: codes.Unavailable, Message: err.Error(), Origin: invoke.OriginTransport, Cause: err}
	switch {
	case overdue(ctx):
		late := &connect.LateError{Address: t.target.Address}
		var ce *connect.Error
		if errors.As(err, &ce) && ce.Kind != connect.TimedOut { // that was our own deadline
			late.Err = ce
		}
		s.Code, s.Origin, s.Cause, s.Message = codes.DeadlineExceeded, invoke.OriginClient, late, late.Error()
	case ctx.Err() != nil:
		return invoke.EndedHere(ctx.Err())
	}
	return s
}

// overdue reports whether a context's deadline is over. The context may notice it later than a
// connection with the same deadline.
func overdue(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || ok && ctx.Err() == nil && !time.Now().Before(deadline)
}

// maxRecv is the greatest message received for a method, in bytes.
func (t *Transport) maxRecv(m invoke.Method) int {
	return cmp.Or(m.MaxRecv, t.o.MaxRecv, DefaultMaxRecv)
}

// Close drops the connections.
func (t *Transport) Close() error {
	t.mu.Lock()
	conns := t.conns
	t.conns, t.closed = nil, true
	t.mu.Unlock()
	var errs []error
	for _, c := range conns {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
