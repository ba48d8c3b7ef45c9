package grpcwire

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// creds secures connections, or leaves them plain, and records what goes wrong until the
// server's first bytes.
type creds struct {
	t      *Transport
	secure bool
}

// authInfo is what grpc-go needs to know of a secured connection.
type authInfo struct{ credentials.CommonAuthInfo }

func (authInfo) AuthType() string { return "rpcctl" }

// ClientHandshake runs the TLS handshake, if the connection is to be secured.
func (c *creds) ClientHandshake(
	ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	address := c.t.target.Address
	if d, ok := raw.(*dialledConn); ok {
		address = d.address
	}
	raw = shortWrites{raw}
	info := authInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}
	conn, gaveCert := raw, false
	if c.secure {
		config := c.t.tls.Clone()
		if config.ServerName == "" {
			config.ServerName = hostOf(authority)
		}
		secured, err := c.t.o.Connect.Handshake(ctx, raw, address, config)
		if err != nil {
			c.t.note(err)
			return nil, nil, err
		}
		conn, info.SecurityLevel = secured, credentials.PrivacyAndIntegrity
		gaveCert = len(config.Certificates) > 0
	}
	late := func() bool { return errors.Is(ctx.Err(), context.DeadlineExceeded) }
	c.t.endings.begin()
	return &watched{
		Sniffer: connect.Sniff(conn, address).GaveCert(gaveCert), t: c.t, late: late, address: address,
		frames: frameWatch{to: &c.t.endings},
	}, info, nil
}

func hostOf(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return authority
}

// Info has the protocol "tls" for secured connections, from which grpc-go takes
// the :scheme.
func (c *creds) Info() credentials.ProtocolInfo {
	if c.secure {
		return credentials.ProtocolInfo{SecurityProtocol: "tls"}
	}
	return credentials.ProtocolInfo{SecurityProtocol: "insecure"}
}

// ServerHandshake fails: this is for clients.
func (c *creds) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return raw, nil, net.ErrClosed
}

// Clone returns creds of the same transport.
func (c *creds) Clone() credentials.TransportCredentials {
	clone := *c
	return &clone
}

// OverrideServerName does nothing: the name is decided in ClientHandshake.
func (c *creds) OverrideServerName(string) error { return nil }

// A shortWrites connection gives the last writes of grpc-go and TLS little time, when a server
// does not read: grpc-go would wait 5 s to send GOAWAY, and TLS as long to send an alert.
type shortWrites struct{ net.Conn }

// lastWrite is how long a last write may take.
const lastWrite = 200 * time.Millisecond

// SetWriteDeadline sets the limit of writes, which is only done to close the connection.
func (h shortWrites) SetWriteDeadline(limit time.Time) error {
	if soon := time.Now().Add(lastWrite); limit.After(soon) {
		limit = soon
	}
	return h.Conn.SetWriteDeadline(limit)
}

// watched is a connection that records why a server does not answer with HTTP/2. grpc-go
// closes it in all these cases.
type watched struct {
	*connect.Sniffer
	t        *Transport
	address  string
	late     func() bool // the limit for connecting is over
	heard    bool        // it is known whether the server speaks HTTP/2
	received bool        // something came
	frames   frameWatch
}

// Read reads, and records faults of the first bytes.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Sniffer.Read(p)
	w.frames.see(p[:n])
	if w.heard {
		return n, err
	}
	w.received = w.received || n > 0
	fault := w.Fault()
	w.heard = fault != nil || err != nil || w.frames.whole || w.frames.blind
	switch {
	case fault != nil:
		w.t.note(fault)
	case err != nil && !w.frames.whole:
		if why := w.noPreface(err); why != nil {
			w.t.note(why)
		}
	}
	return n, err
}

// noPreface returns why a server's preface did not come, or nil when the server did not cause
// the end of the connection. grpc-go gives up waiting, and closes the connection.
func (w *watched) noPreface(err error) error {
	e := &connect.Error{Kind: connect.TimedOut, Address: w.address, Err: err}
	limit := w.t.o.Connect.Limit()
	switch late := w.late(); {
	case late && w.received:
		e.Detail = "connected, but it sent no whole HTTP/2 settings within " + limit.String()
	case late:
		e.Detail = "connected, but it sent no HTTP/2 settings within " + limit.String()
	case w.received && !errors.Is(err, net.ErrClosed):
		e.Kind, e.Detail = connect.Closed, "in the middle of its HTTP/2 settings"
	default:
		return nil
	}
	return e
}

// Write writes, and records a server that closes the connection before it has sent anything.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Sniffer.Write(p)
	if err != nil {
		if fault := w.Fault(); fault != nil {
			w.t.note(fault)
		}
	}
	return n, err
}
