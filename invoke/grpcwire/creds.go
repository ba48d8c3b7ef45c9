package grpcwire

import (
	"context"
	"errors"
	"net"

	"github.com/rpcctl/rpcctl/invoke/connect"
	"google.golang.org/grpc/credentials"
)

// creds secures connections, or leaves them plain, and takes note of what goes
// wrong until the server's first bytes.
type creds struct {
	t      *Transport
	secure bool
}

// authInfo is what grpc-go wants to know of a secured connection.
type authInfo struct{ credentials.CommonAuthInfo }

func (authInfo) AuthType() string { return "rpcctl" }

// ClientHandshake runs the TLS handshake, if there is to be one.
func (c *creds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	address := c.t.target.Address
	if d, ok := raw.(*dialledConn); ok {
		address = d.address
	}
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
	return &watched{Sniffer: connect.Sniff(conn, address).GaveCert(gaveCert), t: c.t, address: address, late: func() bool {
		return errors.Is(ctx.Err(), context.DeadlineExceeded)
	}}, info, nil
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

// ServerHandshake is of no use to a client.
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

// watched is a connection that takes note of a server that does not answer with
// HTTP/2. grpc-go closes it in all these cases.
type watched struct {
	*connect.Sniffer
	t       *Transport
	address string
	late    func() bool // the limit for connecting is over
	heard   bool
}

// Read reads, and takes note of faults of the first bytes.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Sniffer.Read(p)
	if !w.heard {
		w.heard = true
		if fault := w.Fault(); fault != nil {
			w.t.note(fault)
		} else if err != nil && w.late() {
			w.t.note(&connect.Error{
				Kind: connect.TimedOut, Address: w.address, Err: err,
				Detail: "connected, but it sent no HTTP/2 settings within " + w.t.o.Connect.Limit().String(),
			})
		}
	}
	return n, err
}

// Write writes, and takes note of a server that closes the connection before it was
// heard.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Sniffer.Write(p)
	if err != nil {
		if fault := w.Fault(); fault != nil {
			w.t.note(fault)
		}
	}
	return n, err
}
