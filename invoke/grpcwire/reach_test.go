package grpcwire_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
)

// nameServer runs a DNS server that knows one name, until the test ends.
func nameServer(t *testing.T, name string, addrs ...netip.Addr) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Name.String() != name {
				m.RCode = dnsmessage.RCodeNameError
			} else if q.Type == dnsmessage.TypeA {
				for _, a := range addrs {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
						Body:   &dnsmessage.AResource{A: a.As4()},
					})
				}
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(answer, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// serveAt runs the demo server on an address of this machine.
func serveAt(t *testing.T, address string) (string, *testserver.Server) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this system does not listen at %s: %v", address, err)
	}
	s := testserver.New(testserver.Options{})
	go s.Serve(l)
	t.Cleanup(s.Close)
	return l.Addr().String(), s
}

func calls(s *testserver.Server) int { return s.Stats().Calls[hello].Ended }

// A name with several addresses: calls go to one, or to all in turn.
func TestSpreadsCalls(t *testing.T) {
	for _, tt := range []struct {
		lb   string
		want []int
	}{
		{"", []int{8, 0}},
		{grpcwire.PickFirst, []int{8, 0}},
		{grpcwire.RoundRobin, []int{4, 4}},
	} {
		t.Run(tt.lb, func(t *testing.T) {
			first, one := serveAt(t, "127.0.0.2:0")
			_, port, err := net.SplitHostPort(first)
			if err != nil {
				t.Fatal(err)
			}
			_, two := serveAt(t, net.JoinHostPort("127.0.0.3", port))
			dns := nameServer(t, "shop.example.", netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"))
			target, err := invoke.ParseTarget(fmt.Sprintf("dns://%s/shop.example:%s", dns, port))
			if err != nil {
				t.Fatal(err)
			}
			target.Security = invoke.SecurityPlaintext
			transport, err := grpcwire.New(t.Context(), target, grpcwire.Options{LoadBalancing: tt.lb})
			if err != nil {
				t.Fatal(err)
			}
			defer transport.Close()
			ready := func() bool {
				return tt.lb != grpcwire.RoundRobin || calls(one) > 0 && calls(two) > 0
			}
			sayOK(t, transport) // connects
			for deadline := time.Now().Add(10 * time.Second); !ready(); {
				if time.Now().After(deadline) {
					t.Fatal("not all addresses are called")
				}
				sayOK(t, transport)
			}
			before := []int{calls(one), calls(two)}
			for range 8 {
				sayOK(t, transport)
			}
			got := []int{calls(one) - before[0], calls(two) - before[1]}
			if got[0] < got[1] {
				got[0], got[1] = got[1], got[0]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sayOK makes one call that must work.
func sayOK(t *testing.T, transport invoke.Transport) {
	t.Helper()
	if st := sayOn(t, transport); st.Code != codes.OK {
		t.Fatal(st.Err())
	}
}

// sayOn makes one call.
func sayOn(t *testing.T, transport invoke.Transport) *invoke.Status {
	t.Helper()
	s, err := transport.Open(t.Context(), invoke.Method{Path: hello}, nil)
	var se *invoke.StatusError
	if errors.As(err, &se) {
		return se.Status
	}
	_, _ = s.Send(nil), s.CloseSend()
	_, _ = s.Recv()
	st, _ := s.Finish()
	return st
}

func TestReachesIPv6(t *testing.T) {
	address, _ := serveAt(t, "[::1]:0")
	if _, st, _ := call(t, address, grpcwire.Options{}, nil); st.Code != codes.OK {
		t.Error(st.Err())
	}
}

// Characters with a meaning in a URL may be part of a zone or of a socket's path.
func TestReachesOddAddresses(t *testing.T) {
	for network, address := range map[string]string{"tcp": "[::1%lo]:0", "unix": filepath.Join(t.TempDir(), "50%zz?x#y z")} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Logf("this system does not listen at %s: %v", address, err)
			continue
		}
		if network == "tcp" {
			_, port, _ := net.SplitHostPort(l.Addr().String())
			address = "[::1%lo]:" + port
		}
		s := testserver.New(testserver.Options{})
		go s.Serve(l)
		t.Cleanup(s.Close)
		transport, err := grpcwire.New(t.Context(), invoke.Target{Network: network, Address: address, Security: invoke.SecurityPlaintext}, grpcwire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sayOK(t, transport)
		transport.Close()
	}
}

// The error of one address of a name has both.
func TestNamesTheAddress(t *testing.T) {
	dns := nameServer(t, "shop.example.", netip.MustParseAddr("127.0.0.1"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	_, st, _ := call(t, fmt.Sprintf("dns://%s/shop.example:%s", dns, port), grpcwire.Options{TLS: connect.TLSOptions{Insecure: true}}, nil)
	want := fmt.Sprintf("shop.example:%[1]s (127.0.0.1:%[1]s): connection refused", port)
	if st.Code != codes.Unavailable || st.Message != want {
		t.Errorf("%v, want %s", st.Err(), want)
	}
}

// The error of a name that cannot be found is that of targets without a resolver, and a name
// server that does not answer takes the limit for connecting and no longer.
func TestNamesThatCannotBeFound(t *testing.T) {
	const limit = 300 * time.Millisecond
	dns := nameServer(t, "shop.example.")
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, tt := range []struct{ target, want string }{
		{"dns://" + dns + "/other.example:1", "other.example:1: unknown host"},
		{"dns://" + dns + "/other.example", "other.example:443: unknown host"},
		{"dns://" + silent.LocalAddr().String() + "/shop.example:1", "shop.example:1: no answer: to the question for its name within 300ms"},
	} {
		began := time.Now()
		_, st, _ := call(t, tt.target, grpcwire.Options{Connect: connect.Dialer{Timeout: limit}}, nil)
		took := time.Since(began)
		t.Logf("%s: %d ms", tt.target, took.Milliseconds())
		if st.Code != codes.Unavailable || st.Message != tt.want || took > limit+2*time.Second {
			t.Errorf("%v after %s, want %s", st.Err(), took, tt.want)
		}
	}
}

// One dead address among several does not matter.
func TestOneAddressIsDead(t *testing.T) {
	address, _ := serveAt(t, "127.0.0.3:0")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	dns := nameServer(t, "shop.example.", netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"))
	for _, lb := range []string{"", grpcwire.PickFirst, grpcwire.RoundRobin} {
		target := invoke.Target{Network: invoke.NetworkResolver, Address: "dns://" + dns + "/shop.example:" + port, Security: invoke.SecurityPlaintext}
		transport, err := grpcwire.New(t.Context(), target, grpcwire.Options{LoadBalancing: lb})
		if err != nil {
			t.Fatal(err)
		}
		sayOK(t, transport)
		sayOK(t, transport)
		transport.Close()
	}
}

// A connection that could not be made is tried again with the next call, however soon that
// comes: a channel reports its failure before its state is that of one.
func TestTriesAnew(t *testing.T) {
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: address, Security: invoke.SecurityPlaintext}, grpcwire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if st := sayOn(t, transport); st.Code != codes.Unavailable {
			t.Errorf("nobody listens: %v", st.Err())
		}
		_, server := serveAt(t, address)
		began := time.Now()
		if st := sayOn(t, transport); st.Code != codes.OK || time.Since(began) > 500*time.Millisecond {
			t.Errorf("%v after %s", st.Err(), time.Since(began))
		}
		transport.Close()
		server.Close()
	}
}

// Connecting counts for the limit, and silence for the rest of it is still distinguished.
func TestSilenceAfterSlowDialling(t *testing.T) {
	const limit = 400 * time.Millisecond
	address := raw(t, func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(io.Discard, c)
	})
	slow := func(ctx context.Context, network, address string) (net.Conn, error) {
		<-time.After(limit / 2) // what is tested is the time it takes
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, st, _ := call(t, "http://"+address, grpcwire.Options{Connect: connect.Dialer{Timeout: limit, Net: slow}}, nil)
	want := address + ": no answer: connected, but it sent no HTTP/2 settings within 400ms"
	if st.Code != codes.Unavailable || st.Message != want {
		t.Errorf("%v, want %s", st.Err(), want)
	}
}

func TestServiceConfigIsUsed(t *testing.T) {
	const retries = `{"methodConfig":[{"name":[{"service":"rpcctl.demo.v1.Lab"}],
		"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.01s","maxBackoff":"0.1s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
	address, _ := serve(t, testserver.Options{})
	target := invoke.Target{Network: "tcp", Address: address, Security: invoke.SecurityPlaintext}
	for _, tt := range []struct {
		config string
		want   codes.Code
	}{{"", codes.Unavailable}, {retries, codes.OK}} {
		config, want := tt.config, tt.want
		transport, err := grpcwire.New(t.Context(), target, grpcwire.Options{ServiceConfig: config})
		if err != nil {
			t.Fatal(err)
		}
		s, err := transport.Open(t.Context(), invoke.Method{Path: "/rpcctl.demo.v1.Lab/Flaky"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Send([]byte("\x0a\x01x")), s.CloseSend()
		if st, _ := s.Finish(); st.Code != want {
			t.Errorf("%v, want %v", st.Err(), want)
		}
		transport.Close()
	}
	for _, config := range []string{"{", "7"} {
		_, err := grpcwire.New(t.Context(), target, grpcwire.Options{ServiceConfig: config})
		var option *grpcwire.OptionError
		if !errors.As(err, &option) {
			t.Errorf("%s is taken for a service config: %v", config, err)
		}
	}
}

// A server that goes silent in the middle of a call is noticed.
func TestKeepalive(t *testing.T) {
	if testing.Short() {
		t.Skip("gRPC asks every ten seconds at most")
	}
	t.Parallel()
	pinged := make(chan struct{}, 1)
	address := raw(t, func(c net.Conn) {
		defer c.Close()
		if _, err := io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		_, _ = c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
		header := make([]byte, 9)
		for {
			if _, err := io.ReadFull(c, header); err != nil {
				return
			}
			n := int64(binary.BigEndian.Uint32(append([]byte{0}, header[:3]...)))
			if _, err := io.CopyN(io.Discard, c, n); err != nil {
				return
			}
			if header[3] == 0x6 { // PING (RFC 9113, section 6.7)
				pinged <- struct{}{}
				_, _ = io.Copy(io.Discard, c)
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: address, Security: invoke.SecurityPlaintext}, grpcwire.Options{Keepalive: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	s, err := transport.Open(ctx, invoke.Method{Path: hello}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Send(nil), s.CloseSend()
	select {
	case <-pinged:
	case <-ctx.Done():
		t.Fatal("the server was not asked whether it lives")
	}
	if st, _ := s.Finish(); st.Code != codes.Unavailable || ctx.Err() != nil {
		t.Errorf("%v", st.Err())
	}
}
