package connect_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A displaced connection says that it leads to another address than it does.
type displaced struct {
	net.Conn
	remote net.Addr
}

func (d displaced) RemoteAddr() net.Addr { return d.remote }

// displace returns a dialling function that connects to a server of the test, and whose
// connections report the address remote.
func displace(server string, remote net.Addr) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", server)
		return displaced{conn, remote}, err
	}
}

func port80(ip string) *net.TCPAddr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 80} }

// A plaintext connection of a target that is named as this machine leads to this machine, when
// nothing else is allowed or when secrets go over it.
func TestDialPlain(t *testing.T) {
	server := serve(t, silent)
	for _, tt := range []struct {
		name    string
		network string
		remote  net.Addr
		only    bool
		secrets bool
		want    string // the detail of the refusal; "": the connection is made
	}{
		{"this machine", "tcp", port80("127.0.0.1"), true, true, ""},
		{"this machine, another address", "tcp", port80("127.255.0.9"), true, true, ""},
		{"this machine, IPv6", "tcp", port80("::1"), true, true, ""},
		{"this machine, IPv4 in IPv6", "tcp", port80("::ffff:127.0.0.1"), true, true, ""},
		{"elsewhere", "tcp", port80("203.0.113.9"), false, false, ""},
		{"elsewhere, with secrets", "tcp", port80("203.0.113.9"), false, true, "it is at 203.0.113.9:80"},
		{"elsewhere, which is not allowed", "tcp", port80("203.0.113.9"), true, false, "it is at 203.0.113.9:80"},
		{"elsewhere, IPv6", "tcp", port80("2001:db8::1"), true, false, "it is at [2001:db8::1]:80"},
		{"the network of this machine", "tcp", port80("192.168.0.1"), true, false, "it is at 192.168.0.1:80"},
		{"a link-local address", "tcp", port80("fe80::1"), true, false, "it is at [fe80::1]:80"},
		{"no address in particular", "tcp", port80("0.0.0.0"), true, false, "it is at 0.0.0.0:80"},
		{"no address of TCP", "tcp", &net.UnixAddr{Name: "/s", Net: "unix"}, true, false, "it is at /s"},
		{"another network", "unix", port80("203.0.113.9"), true, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			here := &connect.Here{Only: tt.only}
			if tt.secrets {
				here.Guard()
			}
			d := &connect.Dialer{Here: here, Net: displace(server, tt.remote)}
			conn, err := d.DialPlain(t.Context(), tt.network, "api.localhost:80")
			if conn != nil {
				defer conn.Close()
			}
			if tt.want == "" {
				checkKind(t, err, "")
				return
			}
			checkError(t, err, connect.Elsewhere, "api.localhost:80", tt.want)
			if conn != nil {
				t.Error("got a connection")
			}
		})
	}
}

// A connection that is refused is closed at once.
func TestDialPlainClosesWhatItRefuses(t *testing.T) {
	made, closed := recordConn(displace(serve(t, silent), port80("203.0.113.9")))
	d := &connect.Dialer{Here: &connect.Here{Only: true}, Net: made}
	_, err := d.DialPlain(t.Context(), "tcp", "api.localhost:80")
	checkKind(t, err, connect.Elsewhere)
	if !closed() {
		t.Error("the connection is still open")
	}
}

// recordConn returns a dialling function, and one that reports whether its last connection is
// closed. It closes an open one.
func recordConn(dial func(ctx context.Context, network, address string) (net.Conn, error)) (func(ctx context.Context, network, address string) (net.Conn, error), func() bool) {
	var last net.Conn
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		last = conn
		return conn, err
	}, func() bool { return last == nil || errors.Is(last.Close(), net.ErrClosed) }
}

// A failure to connect is reported as by Dial, and says nothing of where the target is.
func TestDialPlainFails(t *testing.T) {
	here := &connect.Here{}
	_, err := (&connect.Dialer{Here: here}).DialPlain(t.Context(), "tcp", "127.0.0.1:1")
	checkError(t, err, connect.Refused, "127.0.0.1:1", "")
	if !here.Guard() {
		t.Error("a connection that was not made led elsewhere")
	}
}

// Guard reports whether all connections that were made before lead to this machine.
func TestGuard(t *testing.T) {
	server := serve(t, silent)
	for _, tt := range []struct {
		name    string
		only    bool
		remotes []string
		want    bool
	}{
		{"no connection", false, nil, true},
		{"here", false, []string{"127.0.0.1", "::1"}, true},
		{"elsewhere", false, []string{"203.0.113.9"}, false},
		{"one of them elsewhere", false, []string{"127.0.0.1", "203.0.113.9", "127.0.0.1"}, false},
		{"elsewhere, which was refused", true, []string{"203.0.113.9"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			here := &connect.Here{Only: tt.only}
			for _, remote := range tt.remotes {
				d := &connect.Dialer{Here: here, Net: displace(server, port80(remote))}
				if conn, err := d.DialPlain(t.Context(), "tcp", "api.localhost:80"); err == nil {
					conn.Close()
				}
			}
			if got := here.Guard(); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}
