package httpwire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// dial makes one connection, in one way. All steps share the limit.
func (t *Transport) dial(ctx context.Context, secure bool, version string) (conn, error) {
	if version == connect.VersionHTTP3 {
		return t.dialQUIC(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, t.o.Connect.Limit())
	defer cancel()
	dial := t.o.Connect.DialPlain
	if secure {
		dial = t.o.Connect.Dial
	}
	raw, err := dial(limited, t.target.Network, t.target.Address)
	if err != nil {
		return nil, err
	}
	if secure {
		secured, err := t.handshake(limited, raw, version)
		if err != nil {
			_ = raw.Close()
			return nil, err
		}
		// A server without ALPN speaks HTTP/1.1, unless the user knows better.
		version = cmp.Or(connect.AgreedVersion(secured.ConnectionState()), version, connect.VersionHTTP1)
		raw = secured
	}
	if version == connect.VersionHTTP1 {
		return t.overTCP(ctx, connect.SniffHTTP1(raw, t.target.Address), connect.VersionHTTP1)
	}
	c, err := t.overTCP(ctx, connect.Sniff(raw, t.target.Address), connect.VersionHTTP2)
	if err != nil {
		return nil, err
	}
	if err := c.awaitSettings(ctx, limited, &t.o.Connect); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// handshake secures a connection and offers the versions that are wanted.
func (t *Transport) handshake(ctx context.Context, raw net.Conn, version string) (*tls.Conn, error) {
	config := t.tls.Clone()
	if version == "" {
		connect.OfferALPN(config, connect.VersionHTTP2, connect.VersionHTTP1)
	} else {
		connect.OfferALPN(config, version)
	}
	t.nameServer(config)
	secured, err := t.o.Connect.Handshake(ctx, raw, t.target.Address, config)
	var ce *connect.Error
	if version == connect.VersionHTTP1 && errors.As(err, &ce) && ce.Kind == connect.HTTP1 {
		// The text of that kind is for clients that want HTTP/2.
		return nil, &connect.Error{
			Kind: connect.Handshake, Address: ce.Address, Err: ce,
			Detail: "it refused HTTP/1.1 (ALPN)",
		}
	}
	return secured, err
}

// nameServer fills in the name that the certificate must have.
func (t *Transport) nameServer(config *tls.Config) {
	if config.ServerName != "" {
		return
	}
	if config.ServerName = t.target.Host(); config.ServerName == "" {
		config.ServerName = "localhost"
	}
}

// overTCP speaks HTTP on a connection. To net/http every connection is in
// cleartext, for TLS is done: it leaves the scheme of requests alone.
func (t *Transport) overTCP(ctx context.Context, raw *connect.Sniffer, version string) (*tcpConn, error) {
	c := &tcpConn{raw: &heardConn{Sniffer: raw, heard: make(chan struct{})}, address: t.target.Address}
	c.raw.ended, c.raw.end = context.WithCancel(context.Background())
	var protocols http.Protocols
	protocols.SetHTTP1(version == connect.VersionHTTP1)
	protocols.SetUnencryptedHTTP2(version == connect.VersionHTTP2)
	transport := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return c.raw, nil },
		Protocols:              &protocols,
		DisableCompression:     true, // the protocols have compression of their own
		MaxResponseHeaderBytes: invoke.MaxHeaders,
	}
	// The address is not dialled, and the path of a socket is not allowed here.
	client, err := transport.NewClientConn(ctx, "http", "localhost:80")
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	c.client = client
	return c, nil
}

// A tcpConn is HTTP/1.1 or HTTP/2 on TCP, on a socket, or in memory.
type tcpConn struct {
	raw     *heardConn
	client  *http.ClientConn
	address string
}

// awaitSettings waits for the server's first frame, so that nothing is sent to a server that
// does not speak HTTP/2 (RFC 9113, section 3.4). The second context is the first with the
// limit for connecting.
func (c *tcpConn) awaitSettings(ctx, limited context.Context, d *connect.Dialer) error {
	select {
	case <-c.raw.heard:
		if fault := c.raw.Fault(); fault != nil {
			return fault
		}
		return nil
	case <-limited.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &connect.Error{
			Kind: connect.TimedOut, Address: c.address,
			Detail: "connected, but it sent no HTTP/2 settings within " + d.Limit().String(),
		}
	}
}

func (c *tcpConn) RoundTrip(r *http.Request) (*http.Response, error) { return c.client.RoundTrip(r) }

func (c *tcpConn) reserve() bool          { return c.client.Reserve() == nil }
func (c *tcpConn) release()               { c.client.Release() }
func (c *tcpConn) alive() bool            { return c.client.Err() == nil }
func (c *tcpConn) fault() *connect.Error  { return c.raw.Fault() }
func (c *tcpConn) ended() context.Context { return c.raw.ended }
func (c *tcpConn) Close() error           { return c.client.Close() }

// A heardConn notifies when the server has sent something.
type heardConn struct {
	*connect.Sniffer
	heard chan struct{} // closed with the first bytes, or the error in their place
	began bool          // used by the one goroutine that reads
	ended context.Context
	end   context.CancelFunc // of ended
}

// Read reads for net/http.
func (c *heardConn) Read(p []byte) (int, error) {
	n, err := c.Sniffer.Read(p)
	if err != nil {
		c.end()
	}
	if !c.began && (n > 0 || err != nil) {
		c.began = true
		close(c.heard)
	}
	return n, err
}

// Close closes the connection for net/http.
func (c *heardConn) Close() error {
	c.end()
	return c.Sniffer.Close()
}
