package httpwire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// keepAlive is how often a connection without traffic is kept from being closed:
// a call may wait as long as it likes.
const keepAlive = 10 * time.Second

// dialQUIC makes a connection of HTTP/3.
func (t *Transport) dialQUIC(ctx context.Context) (conn, error) {
	limited, cancel := context.WithTimeout(ctx, t.o.Connect.Limit())
	defer cancel()
	raw, err := t.o.Connect.Dial(limited, "udp", t.target.Address)
	if err != nil {
		return nil, err
	}
	config := t.tls.Clone()
	connect.OfferALPN(config, connect.VersionHTTP3)
	config.MinVersion = tls.VersionTLS13
	t.nameServer(config)
	began := time.Now()
	under := &quic.Transport{Conn: &peerConn{raw}}
	session, err := under.Dial(limited, raw.RemoteAddr(), config, &quic.Config{
		HandshakeIdleTimeout: t.o.Connect.Limit(),
		KeepAlivePeriod:      keepAlive,
		Versions:             []quic.Version{quic.Version1},
	})
	if err != nil {
		_ = under.Close()
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, connect.QUICError(t.target.Address, err, sentAlert(err), t.o.Connect.Limit())
	}
	t.o.Connect.Secured(t.target.Address, session.ConnectionState().TLS, began)
	h3 := &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: invoke.MaxHeaders}
	return &quicConn{client: h3.NewClientConn(session), session: session, under: under, raw: raw}, nil
}

// sentAlert returns the TLS alert with which the server ended the handshake; 0 if the server did not
// end it, or sent no alert. QUIC carries alerts as its codes from 0x100 on (RFC 9001, section 4.8).
func sentAlert(err error) tls.AlertError {
	var e *quic.TransportError
	if errors.As(err, &e) && e.Remote && e.ErrorCode.IsCryptoError() {
		return tls.AlertError(e.ErrorCode - 0x100)
	}
	return 0
}

// A quicConn is HTTP/3.
type quicConn struct {
	client  *http3.ClientConn
	session *quic.Conn
	under   *quic.Transport
	raw     net.Conn
}

func (c *quicConn) RoundTrip(r *http.Request) (*http.Response, error) { return c.client.RoundTrip(r) }
func (c *quicConn) reserve() bool                                     { return c.alive() }
func (c *quicConn) release()                                          {}
func (c *quicConn) alive() bool                                       { return c.session.Context().Err() == nil }
func (c *quicConn) ended() context.Context                            { return c.session.Context() }
func (c *quicConn) fault() *connect.Error                             { return nil }

// Close tells the server and closes the socket.
func (c *quicConn) Close() error {
	return errors.Join(
		c.session.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), ""), c.under.Close(), c.raw.Close())
}

// A peerConn is a connected socket with the methods that quic-go needs. A connected socket
// reports when nobody listens at the other end.
type peerConn struct{ net.Conn }

// ReadFrom reads a datagram from the peer.
func (c *peerConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.RemoteAddr(), err
}

// WriteTo writes a datagram to the peer, which is the only address there is.
func (c *peerConn) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

// SetReadBuffer makes the buffer of the socket larger, as far as the system lets it.
func (c *peerConn) SetReadBuffer(bytes int) error {
	if udp, ok := c.Conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(bytes) // quic-go would log an error to standard error
	}
	return nil
}

// SetWriteBuffer is the same for writing.
func (c *peerConn) SetWriteBuffer(bytes int) error {
	if udp, ok := c.Conn.(*net.UDPConn); ok {
		_ = udp.SetWriteBuffer(bytes)
	}
	return nil
}
