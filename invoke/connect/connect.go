package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"time"
)

// DefaultTimeout limits connecting, TLS and the server's first bytes included,
// when nobody set a limit.
const DefaultTimeout = 10 * time.Second

// A Dialer makes connections and explains why one could not be made. It is safe for concurrent
// use.
type Dialer struct {
	Timeout time.Duration // of each connection, through the handshake; 0: DefaultTimeout
	// Net dials; nil: net.Dialer, which tries a name's addresses of both families
	// (RFC 8305).
	Net func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy chooses the HTTP proxy through which a tcp address is reached; a nil
	// URL, or a nil Proxy, is none. See ProxyFromEnvironment.
	Proxy    func(address string) (*url.URL, error)
	ProxyTLS TLSOptions // for proxies that are https
	Here     *Here      // watches plaintext connections to a target that is named as this machine; may be nil
	Told     func(Step) // is called for each step, maybe by several goroutines; may be nil
}

// Limit returns the time that one connection may take.
func (d *Dialer) Limit() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return DefaultTimeout
}

// Dial connects. Its error is an *Error.
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	began := time.Now()
	conn, err := d.dial(ctx, network, address)
	step := Step{Address: address, Err: err}
	if err == nil && conn.RemoteAddr() != nil && network != "demo" {
		step.Remote = conn.RemoteAddr().String()
	}
	d.told(step, began)
	return conn, err
}

func (d *Dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Limit())
	defer cancel()
	if d.Proxy != nil && network == "tcp" {
		proxy, err := d.Proxy(address)
		if err != nil {
			return nil, &Error{Kind: ProxyUnusable, Address: address, Detail: err.Error(), Err: err}
		}
		if proxy != nil {
			return d.tunnel(ctx, proxy, address)
		}
	}
	conn, err := d.net()(ctx, network, address)
	if err != nil {
		return nil, dialError(address, err, d.Limit())
	}
	return conn, nil
}

// net returns what dials.
func (d *Dialer) net() func(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Net != nil {
		return d.Net
	}
	return (&net.Dialer{}).DialContext
}

// Handshake runs a TLS handshake over conn, whose owner it becomes when it
// succeeds. Its error is an *Error.
func (d *Dialer) Handshake(ctx context.Context, conn net.Conn, address string, config *tls.Config) (*tls.Conn, error) {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, d.Limit())
	defer cancel()
	t := tls.Client(conn, config)
	if err := t.HandshakeContext(limited); err != nil {
		e := handshakeError(address, cutShort(err, ctx, limited), d.Limit())
		if len(config.Certificates) > 0 {
			e = e.refusedCert()
		}
		d.told(Step{Address: address, Err: e}, began)
		return nil, e
	}
	d.Secured(address, t.ConnectionState(), began)
	return t, nil
}

// cutShort returns what ended an operation on a connection. When one of the contexts is done,
// somebody closes the connection, so the error is about either of the two, whichever is seen
// first.
func cutShort(err error, contexts ...context.Context) error {
	if isTimeout(err) {
		return err
	}
	for _, ctx := range contexts {
		if cause := ctx.Err(); cause != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)) {
			return errors.Join(cause, err)
		}
	}
	return err
}

// probeLimit is the time given to find out what a server speaks, after a
// connection to it has failed.
const probeLimit = 700 * time.Millisecond

// AnswersTLS reports whether a server answers a TLS handshake, whatever its certificate. It is
// used after a plaintext connection was closed without an answer, as many TLS servers do.
func (d *Dialer) AnswersTLS(ctx context.Context, network, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return false
	}
	defer conn.Close()
	// Nothing is sent over this connection, so nothing needs to be verified.
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	OfferALPN(config, VersionHTTP2)
	t := tls.Client(conn, config)
	err = t.HandshakeContext(ctx)
	_, alerted := remoteAlert(err)
	return err == nil || alerted
}
