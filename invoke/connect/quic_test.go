package connect_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// serveQUIC accepts connections of QUIC on this machine until the test ends.
func serveQUIC(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	l, err := quic.ListenAddr("127.0.0.1:0", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// sentAlert returns the alert that the server sent, which is a code of QUIC's.
func sentAlert(err error) tls.AlertError {
	var e *quic.TransportError
	if errors.As(err, &e) && e.Remote {
		return tls.AlertError(e.ErrorCode - 0x100)
	}
	return 0
}

// An alert that asks for a client certificate, or refuses one, says so over QUIC, too.
func TestQUICAlerts(t *testing.T) {
	refused := errors.New("CRYPTO_ERROR 0x174 (remote): tls: certificate required")
	checkError(t, connect.QUICError("h:1", refused, 116, time.Second), connect.ClientCert, "h:1",
		"it sent the alert certificate required")
	checkError(t, connect.QUICError("h:1", refused, 40, time.Second), connect.Handshake, "h:1",
		"it sent the alert handshake failure; it may want a client certificate, or none of the versions and ciphers that are offered")
	checkError(t, connect.QUICError("h:1", refused, 80, time.Second), connect.Handshake, "h:1",
		"it sent the alert internal error")
}

// Errors over QUIC have the texts of another library, and the same kinds.
func TestQUICErrors(t *testing.T) {
	authority, other := newIssuer(t, "authority"), newIssuer(t, "other")
	certificates := []tls.Certificate{authority.issueFor(t, "h.example")}
	forClients := authority.issue(t, x509.Certificate{
		DNSNames: []string{"h.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	h3 := []string{"h3"}
	trusting := func(host string, protocols ...string) *tls.Config {
		return &tls.Config{RootCAs: authority.pool, ServerName: host, NextProtos: protocols}
	}
	silentUDP, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silentUDP.Close()
	good := serveQUIC(t, &tls.Config{Certificates: certificates, NextProtos: h3})
	for _, tt := range []struct {
		name    string
		address string
		client  *tls.Config
		kind    connect.Kind
		detail  string
	}{
		{"another name", good, trusting("h.test", "h3"), connect.WrongName, "not h.test; it has h.example"},
		{"another issuer", serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{other.issueFor(t, "h.example")}, NextProtos: h3}), trusting("h.example", "h3"), connect.UnknownAuthority, "issued by CN=other"},
		{"a certificate for clients", serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{forClients}, NextProtos: h3}), trusting("h.example", "h3"), connect.Handshake, "x509: certificate specifies an incompatible key usage"},
		{"another protocol", serveQUIC(t, &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}}), trusting("h.example", "h3"), connect.Handshake, "it refused HTTP/3 (ALPN)"},
		{"silence", silentUDP.LocalAddr().String(), trusting("h.example", "h3"), connect.TimedOut, "over QUIC (UDP) within 200ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			limit := 10 * time.Second
			if tt.kind == connect.TimedOut {
				limit = 200 * time.Millisecond
			}
			conn, err := quic.DialAddr(t.Context(), tt.address, tt.client, &quic.Config{HandshakeIdleTimeout: limit / 2})
			if err == nil {
				t.Fatalf("connected to %s", conn.RemoteAddr())
			}
			checkError(t, connect.QUICError(tt.address, err, sentAlert(err), limit), tt.kind, tt.address, tt.detail)
		})
	}
}

// Errors of the system below QUIC are those of any connection.
func TestQUICErrorsOfTheSystem(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		kind   connect.Kind
		detail string
	}{
		{"no name", &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}, connect.UnknownHost, ""},
		{"refused", &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("recvmsg", syscall.ECONNREFUSED)}, connect.Refused, ""},
		{"the limit", context.DeadlineExceeded, connect.TimedOut, "over QUIC (UDP) within 1s"},
		{"anything else", errors.New("it is Monday"), connect.Handshake, "it is Monday"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := connect.QUICError("h:1", tt.err, 0, time.Second)
			checkError(t, err, tt.kind, "h:1", tt.detail)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v lacks its cause", err)
			}
		})
	}
}
