package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Lookup resolves the host of an address host:port by asking a name server, host or
// host:port, or the system when that is "". A host that is an address is returned as
// it is. Its error is an *Error.
func (d *Dialer) Lookup(ctx context.Context, server, address string) ([]netip.Addr, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{Kind: Other, Address: address, Err: err, Detail: err.Error()}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.Limit())
	defer cancel()
	addrs, err := asking(server).LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, dialError(address, err, d.Limit())
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// asking returns the resolver that asks a name server.
func asking(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

// InspectTLS runs a TLS handshake as Handshake does, and returns what was seen of the other
// side even when its certificate is refused; nil when nothing was.
func (d *Dialer) InspectTLS(
	ctx context.Context, conn net.Conn, address string, config *tls.Config,
) (*tls.Conn, *tls.ConnectionState, error) {
	var seen *tls.ConnectionState
	config = config.Clone()
	verify := !config.InsecureSkipVerify
	// crypto/tls verifies before it calls its hooks, which see nothing of a certificate that
	// fails. The verification below is the same.
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(cs tls.ConnectionState) error {
		seen = &cs
		if !verify {
			return nil
		}
		o := x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName, Intermediates: x509.NewCertPool()}
		for _, c := range cs.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := cs.PeerCertificates[0].Verify(o)
		return err
	}
	secured, err := d.Handshake(ctx, conn, address, config)
	return secured, seen, err
}

// preface is what a client of HTTP/2 says first (RFC 9113, section 3.4), with a
// SETTINGS frame that changes nothing.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// SpeaksHTTP2 asks whether the other side of a fresh connection speaks HTTP/2. The
// connection is of no further use. Its error is an *Error.
func (d *Dialer) SpeaksHTTP2(ctx context.Context, conn net.Conn, address string, gaveCert bool) error {
	limit := d.Limit()
	deadline := time.Now().Add(limit)
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		deadline = own
	}
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := Sniff(conn, address).GaveCert(gaveCert)
	_, err := s.Write([]byte(preface))
	if err == nil {
		// A frame's header is enough. Of anything else, what follows is for the error.
		_, err = io.ReadAtLeast(s, make([]byte, 512), 9)
	}
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case isTimeout(err):
		return &Error{
			Kind: TimedOut, Address: address, Err: err,
			Detail: "connected, but it sent no HTTP/2 settings within " + limit.String(),
		}
	case closedEarly(err):
		return &Error{Kind: Closed, Address: address, Err: err, Detail: "in the middle of its first words"}
	}
	return &Error{Kind: Other, Address: address, Err: err, Detail: innermost(err).Error()}
}

// TLSVersion names a version of TLS.
func TLSVersion(v uint16) string {
	switch v {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return fmt.Sprintf("%#04x", v)
}
