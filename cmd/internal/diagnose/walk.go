package diagnose

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A Walk makes connections to a server, each to find out one thing: up to HTTP/2.
type Walk struct {
	Settings session.Settings
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Now      func() time.Time
	Done     func(*Step)

	dialer  connect.Dialer
	target  invoke.Target
	network string
	address string // what is dialled: host:port, or a path
	server  string // that knows the name; "": the system's
	found   string // the address that it gave, with the port; "": the system finds them
}

// expirySoon is how long before its end a certificate is remarked on.
const expirySoon = 14 * 24 * time.Hour

// Run walks, and reports whether there is a way to ask further.
func (w *Walk) Run(ctx context.Context) bool {
	w.target = *w.Settings.Target
	w.dialer = connect.Dialer{Timeout: w.Settings.ConnectTimeout, Net: w.Dial}
	if !w.target.Local() {
		w.dialer.Proxy = w.Settings.Proxy
	}
	w.network, w.address = w.target.Network, w.target.Address
	switch w.network {
	case invoke.NetworkDemo:
		w.Done(skippedStep("connect", "the demo is inside this process"))
		return true
	case invoke.NetworkResolver:
		server, host, ok := resolverAddress(w.address)
		if !ok {
			w.Done(skippedStep("connect", "the resolver of "+w.address+" finds the server"))
			return true
		}
		w.network, w.address, w.server = "tcp", host, server
	}
	return w.connection(ctx)
}

// connection connects, and finds out what is spoken over the connection.
func (w *Walk) connection(ctx context.Context) bool {
	if w.network == "tcp" && !w.name(ctx) {
		w.skip("no address to connect to", "tcp", "tls", "http/2")
		return false
	}
	conn := w.connect(ctx)
	if conn == nil {
		w.skip("no connection", "tls", "http/2")
		return false
	}
	defer func() { conn.Close() }()
	if w.otherProtocol() && w.target.Security == invoke.SecurityAuto && w.target.Local() {
		w.skip("protocol "+w.Settings.Wire.Protocol+" finds out by itself", "tls", "http/2")
		return true
	}
	secure := w.target.Security == invoke.SecurityTLS || w.target.Security == invoke.SecurityAuto && !w.target.Local()
	if !secure && w.otherProtocol() {
		w.skip("plaintext is spoken", "tls")
		w.skip("protocol "+w.Settings.Wire.Protocol+" takes any version", "http/2")
		return true
	}
	if !secure {
		return w.plain(ctx, conn)
	}
	secured := w.tls(ctx, conn)
	if secured == nil {
		w.skip("no TLS", "http/2")
		return false
	}
	if w.otherProtocol() {
		w.skip("protocol "+w.Settings.Wire.Protocol+" takes any version", "http/2")
		return true
	}
	return w.http2(ctx, secured)
}

// otherProtocol reports whether calls are made otherwise than by gRPC, which alone
// wants HTTP/2.
func (w *Walk) otherProtocol() bool {
	p := w.Settings.Wire.Protocol
	return p != "" && p != session.ProtocolGRPC
}

func (w *Walk) skip(why string, steps ...string) {
	for _, name := range steps {
		w.Done(skippedStep(name, why))
	}
}

// resolverAddress splits dns://server/host:port.
func resolverAddress(target string) (server, address string, ok bool) {
	rest, isDNS := strings.CutPrefix(target, "dns://")
	server, address, found := strings.Cut(rest, "/")
	if _, _, err := net.SplitHostPort(address); !isDNS || !found || err != nil {
		return "", "", false
	}
	return server, address, true
}

// dialled is what to connect to.
func (w *Walk) dialled() string { return cmp.Or(w.found, w.address) }

// name looks the name up, unless a proxy does.
func (w *Walk) name(ctx context.Context) bool {
	p := &Step{Name: "name"}
	defer func() { w.Done(p) }()
	if w.dialer.Proxy != nil {
		u, err := w.dialer.Proxy(w.address)
		switch {
		case err != nil: // which connecting tells
			p.Verdict, p.Detail = Skipped, "a proxy looks it up"
			return true
		case u != nil:
			p.Verdict, p.Detail = Skipped, "the proxy "+u.Host+" looks it up"
			return true
		}
	}
	p.measure(w.Now, func() error {
		addrs, err := w.dialer.Lookup(ctx, w.server, w.address)
		for _, a := range addrs {
			p.Addresses = append(p.Addresses, a.String())
		}
		if _, port, perr := net.SplitHostPort(w.address); w.server != "" && perr == nil && len(addrs) > 0 {
			w.found = net.JoinHostPort(p.Addresses[0], port)
		}
		p.Detail = strings.Join(p.Addresses, ", ")
		return err
	})
	return p.Verdict == OK
}

// connect dials.
func (w *Walk) connect(ctx context.Context) net.Conn {
	p := &Step{Name: "tcp"}
	if w.network == "unix" {
		p.Name = "socket"
	}
	var conn net.Conn
	p.measure(w.Now, func() (err error) {
		conn, err = w.dialer.Dial(ctx, w.network, w.dialled())
		if err == nil {
			p.Detail = conn.RemoteAddr().String()
			if w.network == "unix" {
				p.Detail = w.address
			}
		}
		return err
	})
	w.Done(p)
	return conn
}

// plain asks for HTTP/2 in plaintext, and goes on with TLS where the server speaks
// it and the target lets it.
func (w *Walk) plain(ctx context.Context, conn net.Conn) bool {
	p := &Step{Name: "http/2"}
	var fault *connect.Error
	p.measure(w.Now, func() error {
		err := w.dialer.SpeaksHTTP2(ctx, conn, w.address, false)
		if errors.As(err, &fault) && (fault.Kind == connect.Closed || fault.Kind == connect.HTTP1) &&
			w.network == "tcp" && w.dialer.AnswersTLS(ctx, w.network, w.dialled()) {
			fault = &connect.Error{Kind: connect.ServerTLS, Address: w.address, Err: err}
			return fault
		}
		return err
	})
	p.Detail = stepDetail(p, "in plaintext")
	if fault == nil || fault.Kind != connect.ServerTLS || w.target.Security != invoke.SecurityAuto {
		w.Done(skippedStep("tls", "plaintext is spoken"))
		w.Done(p)
		return p.Verdict == OK
	}
	again, err := w.dialer.Dial(ctx, w.network, w.dialled())
	if err != nil {
		w.Done(p)
		return false
	}
	defer again.Close()
	secured := w.tls(ctx, again)
	if secured == nil {
		w.skip("no TLS", "http/2")
		return false
	}
	return w.http2(ctx, secured)
}

// stepDetail is what a step says when nothing is wrong.
func stepDetail(p *Step, fine string) string {
	if p.Verdict == OK {
		return fine
	}
	return p.Detail
}

// http2 asks for HTTP/2 over TLS.
func (w *Walk) http2(ctx context.Context, conn *tls.Conn) bool {
	p := &Step{Name: "http/2"}
	p.measure(w.Now, func() error {
		return w.dialer.SpeaksHTTP2(ctx, conn, w.address, w.Settings.TLS.Cert != "")
	})
	p.Detail = stepDetail(p, "over TLS")
	w.Done(p)
	return p.Verdict == OK
}

// tlsFacts are what a TLS handshake showed.
type tlsFacts struct {
	Version string      `json:"version"`
	ALPN    string      `json:"alpn"`
	Chain   []certFacts `json:"chain"`
}

// certFacts are what a certificate says.
type certFacts struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Names     []string  `json:"names,omitempty"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}

// tls runs a handshake, and shows the certificates even when something is wrong with them.
func (w *Walk) tls(ctx context.Context, conn net.Conn) *tls.Conn {
	p := &Step{Name: "tls"}
	var secured *tls.Conn
	p.measure(w.Now, func() error {
		config, err := w.Settings.TLS.Config(ctx)
		if err != nil {
			return err
		}
		connect.OfferALPN(config, connect.VersionHTTP2)
		if config.ServerName == "" {
			config.ServerName = hostOnly(w.Settings.Authority, w.address)
		}
		var seen *tls.ConnectionState
		secured, seen, err = w.dialer.InspectTLS(ctx, conn, w.address, config)
		if seen != nil {
			p.TLS = factsOf(seen)
		}
		return err
	})
	if p.Verdict == OK {
		w.judge(p)
	} else if p.TLS != nil {
		p.Detail += "; " + p.TLS.text()
	}
	w.Done(p)
	return secured
}

// judge remarks on what works and is odd.
func (w *Walk) judge(p *Step) {
	p.Detail = p.TLS.text()
	left := time.Duration(1<<63 - 1)
	for _, c := range p.TLS.Chain {
		left = min(left, c.NotAfter.Sub(w.Now()))
	}
	switch {
	case w.Settings.TLS.Insecure:
		p.Verdict, p.Detail = Warn, "not verified, as -k asks; "+p.Detail
	case p.TLS.ALPN != connect.ALPN(connect.VersionHTTP2):
		p.Verdict, p.Hint = Warn, "the server agrees on no protocol (ALPN), which many clients of gRPC insist on"
	case left < expirySoon:
		p.Verdict, p.Hint = Warn, fmt.Sprintf("a certificate expires in %d hours", int(left.Hours()))
	}
}

// hostOnly returns the name that a certificate must have: the authority's host, or else the
// address's.
func hostOnly(authority, address string) string {
	for _, s := range []string{authority, address} {
		if host, _, err := net.SplitHostPort(s); err == nil {
			return host
		}
		if s != "" {
			return s
		}
	}
	return ""
}

func factsOf(cs *tls.ConnectionState) *tlsFacts {
	f := &tlsFacts{Version: connect.TLSVersion(cs.Version), ALPN: cs.NegotiatedProtocol}
	for _, c := range cs.PeerCertificates {
		facts := certFacts{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), NotBefore: c.NotBefore.UTC(),
			NotAfter: c.NotAfter.UTC(), Names: c.DNSNames,
		}
		for _, ip := range c.IPAddresses {
			facts.Names = append(facts.Names, ip.String())
		}
		f.Chain = append(f.Chain, facts)
	}
	return f
}

// text tells the facts in a line.
func (f *tlsFacts) text() string {
	alpn := f.ALPN
	if alpn == "" {
		alpn = "none"
	}
	s := fmt.Sprintf("TLS %s, ALPN %s", f.Version, alpn)
	if len(f.Chain) == 0 {
		return s
	}
	c := f.Chain[0]
	names := strings.Join(c.Names, ", ")
	if names == "" {
		names = "no names"
	}
	return fmt.Sprintf("%s; certificate for %s, issued by %s, valid from %s to %s UTC; %d in the chain", s, names,
		c.Issuer,
		c.NotBefore.Format(time.DateTime), c.NotAfter.Format(time.DateTime), len(f.Chain))
}
