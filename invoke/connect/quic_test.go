package connect_test

import (
	"context"
	"crypto/tls"
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

// Over QUIC errors come in the words of another library, and have the same kinds.
func TestQUICErrors(t *testing.T) {
	authority, other := newIssuer(t, "authority"), newIssuer(t, "other")
	certificates := []tls.Certificate{authority.issueFor(t, "h.example")}
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
			checkError(t, connect.QUICError(tt.address, err, limit), tt.kind, tt.address, tt.detail)
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
			err := connect.QUICError("h:1", tt.err, time.Second)
			checkError(t, err, tt.kind, "h:1", tt.detail)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v lacks its cause", err)
			}
		})
	}
}
