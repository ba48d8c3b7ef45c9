package grpcwire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

const hello = "/rpcctl.demo.v1.Greeter/SayHello"

// serve runs the demo server on a port of this machine, until the test ends.
func serve(t *testing.T, o testserver.Options) (string, *testserver.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := testserver.New(o)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), s
}

// raw runs a server that does to each connection what handle does.
func raw(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go handle(c)
		}
	}()
	return l.Addr().String()
}

// say makes a server that answers whatever comes first with some bytes.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

// call makes one unary call and returns its answer.
func call(t *testing.T, target string, o grpcwire.Options, md invoke.Metadata) ([]byte, *invoke.Status, invoke.Metadata) {
	t.Helper()
	parsed, err := invoke.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	if o.TLS != (connect.TLSOptions{}) && parsed.Security == invoke.SecurityAuto {
		parsed.Security = invoke.SecurityTLS
	}
	transport, err := grpcwire.New(t.Context(), parsed, o)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := transport.Open(ctx, invoke.Method{Path: hello}, md)
	var se *invoke.StatusError
	if errors.As(err, &se) {
		return nil, se.Status, nil
	}
	if err != nil {
		t.Fatalf("Open returned %T: %v", err, err)
	}
	request, err := proto.Marshal(&demov1.HelloRequest{Name: "you"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Send(request), s.CloseSend()); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	s.Header()
	answer, _ := s.Recv()
	answer = append([]byte{}, answer...)
	status, trailers := s.Finish()
	return answer, status, trailers
}

func certs(t *testing.T, now time.Time) (*testserver.Certs, string) {
	t.Helper()
	c, err := testserver.NewCerts(now)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestReaches(t *testing.T) {
	c, dir := certs(t, time.Now())
	plain, _ := serve(t, testserver.Options{})
	secure, _ := serve(t, testserver.Options{TLS: c.Server(false)})
	mutual, _ := serve(t, testserver.Options{TLS: c.Server(true)})
	ca := filepath.Join(dir, "ca.pem")
	pair := connect.TLSOptions{CACert: ca, Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client-key.pem")}
	for _, tt := range []struct {
		name, target string
		tls          connect.TLSOptions
	}{
		{"plaintext by itself", plain, connect.TLSOptions{}},
		{"plaintext outright", "http://" + plain, connect.TLSOptions{}},
		{"TLS", "https://" + secure, connect.TLSOptions{CACert: ca}},
		{"TLS unverified", "https://" + secure, connect.TLSOptions{Insecure: true}},
		{"mutual TLS", "https://" + mutual, pair},
		{"a resolver of grpc-go", "dns:///" + secure, connect.TLSOptions{Insecure: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, status, trailers := call(t, tt.target, grpcwire.Options{TLS: tt.tls}, nil)
			if status.Code != codes.OK || !strings.Contains(string(answer), "Hello, you") {
				t.Fatalf("status %v, answer %q", status.Err(), answer)
			}
			if diff := cmp.Diff(invoke.Metadata{"grpc-status": {"0"}}, trailers); diff != "" {
				t.Errorf("trailers (-want +got):\n%s", diff)
			}
		})
	}
}

// A server on this machine that wants TLS is recognised, and its certificate must be trusted;
// with a plaintext server there is no second connection.
func TestLoopbackFindsOut(t *testing.T) {
	c, dir := certs(t, time.Now())
	secure, _ := serve(t, testserver.Options{TLS: c.Server(false)})
	_, status, _ := call(t, secure, grpcwire.Options{}, nil)
	var ce *connect.Error
	if !errors.As(status.Err(), &ce) || ce.Kind != connect.UnknownAuthority {
		t.Errorf("got %v, want an unknown authority", status.Err())
	}

	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "ca.pem"))
	plain, server := serve(t, testserver.Options{})
	if _, status, _ := call(t, plain, grpcwire.Options{}, nil); status.Code != codes.OK {
		t.Errorf("plaintext: %v", status.Err())
	}
	if n := server.Stats().Accepted; n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestFailuresAreToldApart(t *testing.T) {
	now := time.Now()
	c, dir := certs(t, now)
	old, oldDir := certs(t, now.Add(-72*time.Hour))
	young, youngDir := certs(t, now.Add(72*time.Hour))
	plain, _ := serve(t, testserver.Options{})
	secure, _ := serve(t, testserver.Options{TLS: c.Server(false)})
	mutual, _ := serve(t, testserver.Options{TLS: c.Server(true)})
	expired, _ := serve(t, testserver.Options{TLS: old.Server(false)})
	early, _ := serve(t, testserver.Options{TLS: young.Server(false)})
	http1 := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(http1.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := l.Addr().String()
	l.Close()
	ca := connect.TLSOptions{CACert: filepath.Join(dir, "ca.pem")}
	for _, tt := range []struct {
		name, target string
		tls          connect.TLSOptions
		want         connect.Kind
	}{
		{"refused", refused, connect.TLSOptions{}, connect.Refused},
		{"no socket", "unix:" + filepath.Join(dir, "none.sock"), connect.TLSOptions{}, connect.NoSocket},
		{"plaintext to TLS", "http://" + secure, connect.TLSOptions{}, connect.ServerTLS},
		{"TLS to plaintext", "https://" + plain, ca, connect.ServerPlaintext},
		{"wrong name", "https://" + secure, connect.TLSOptions{CACert: ca.CACert, ServerName: "example.com"}, connect.WrongName},
		{"unknown authority", "https://" + secure, connect.TLSOptions{CACert: filepath.Join(oldDir, "ca.pem")}, connect.UnknownAuthority},
		{"expired", "https://" + expired, connect.TLSOptions{CACert: filepath.Join(oldDir, "ca.pem")}, connect.Expired},
		{"not valid yet", "https://" + early, connect.TLSOptions{CACert: filepath.Join(youngDir, "ca.pem")}, connect.NotYetValid},
		{"client certificate", "https://" + mutual, ca, connect.ClientCert},
		{"HTTP/1", http1.Listener.Addr().String(), connect.TLSOptions{}, connect.HTTP1},
		{"garbage", raw(t, say("220 mail.example.com ESMTP\r\n")), connect.TLSOptions{}, connect.Garbage},
		{"TLS alert", "http://" + raw(t, say("\x15\x03\x01\x00\x02\x02\x46")), connect.TLSOptions{}, connect.ServerTLS},
		{"closed at once", raw(t, func(c net.Conn) { c.Close() }), connect.TLSOptions{}, connect.Closed},
		{"silent", "http://" + raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), connect.TLSOptions{}, connect.TimedOut},
		{"silent to TLS", "https://" + raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), ca, connect.TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := 10 * time.Second
			if tt.want == connect.TimedOut {
				limit = 300 * time.Millisecond
			}
			_, status, _ := call(t, tt.target, grpcwire.Options{TLS: tt.tls, Connect: connect.Dialer{Timeout: limit}}, nil)
			var ce *connect.Error
			if status.Code != codes.Unavailable && tt.want != connect.ClientCert || !errors.As(status.Err(), &ce) || ce.Kind != tt.want {
				t.Errorf("got %v, want %s", status.Err(), tt.want)
			}
		})
	}
}

func TestUnknownHost(t *testing.T) {
	_, status, _ := call(t, "http://nosuch.invalid:1", grpcwire.Options{Connect: connect.Dialer{
		Net: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nosuch.invalid", IsNotFound: true}}
		},
	}}, nil)
	var ce *connect.Error
	if !errors.As(status.Err(), &ce) || ce.Kind != connect.UnknownHost {
		t.Errorf("got %v, want an unknown host", status.Err())
	}
}

// A status that the server sent is distinguished from one that was made here.
func TestOrigins(t *testing.T) {
	plain, _ := serve(t, testserver.Options{})
	parsed, err := invoke.ParseTarget(plain)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := grpcwire.New(t.Context(), parsed, grpcwire.Options{MaxRecv: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	unary := func(path string, request proto.Message) *invoke.Status {
		wire, err := proto.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		s, err := transport.Open(t.Context(), invoke.Method{Path: path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Send(wire), s.CloseSend()
		status, _ := s.Finish()
		return status
	}
	s := unary("/rpcctl.demo.v1.Lab/Fail", &demov1.FailRequest{Code: proto.Int32(1010), Message: proto.String("50 % \n odd")})
	if s.Code != 1010 || s.Origin != invoke.OriginServer || s.Message != "50 % \n odd" {
		t.Errorf("a status of the server's: %+v", s)
	}
	s = unary("/rpcctl.demo.v1.Lab/Blob", &demov1.BlobRequest{Size: proto.Int64(2 << 10)})
	if s.Code != codes.ResourceExhausted || s.Origin != invoke.OriginClient {
		t.Errorf("a message beyond the limit: %+v", s)
	}
}

func TestTLSFilesAreReadByNew(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.pem")
	if err := os.WriteFile(junk, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []connect.TLSOptions{
		{CACert: filepath.Join(dir, "none.pem")}, {CACert: junk}, {Cert: junk}, {Cert: junk, Key: junk},
	} {
		if _, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: "h:1", Security: invoke.SecurityTLS}, grpcwire.Options{TLS: o}); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// Closing does not wait for a server that no longer reads.
func TestCloseWaitsForNoReader(t *testing.T) {
	c, dir := certs(t, time.Now())
	// SETTINGS and WINDOW_UPDATE (RFC 9113, sections 6.5 and 6.9): the client asks for
	// everything at once.
	const wants = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x7f\xff\xff\xff" + "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xfe\x00\x00"
	for name, tt := range map[string]struct {
		scheme string
		wrap   func(net.Conn) net.Conn
	}{
		"plaintext": {"http://", func(conn net.Conn) net.Conn { return conn }},
		"TLS":       {"https://", func(conn net.Conn) net.Conn { return tls.Server(conn, c.Server(false)) }},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			defer close(ended)
			target, err := invoke.ParseTarget(tt.scheme + raw(t, func(conn net.Conn) {
				defer conn.Close()
				_, _ = io.WriteString(tt.wrap(conn), wants)
				<-ended
			}))
			if err != nil {
				t.Fatal(err)
			}
			transport, err := grpcwire.New(t.Context(), target, grpcwire.Options{TLS: connect.TLSOptions{CACert: filepath.Join(dir, "ca.pem")}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s, err := transport.Open(ctx, invoke.Method{Path: hello}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Send(make([]byte, 32<<20)), s.CloseSend()); err != nil {
				t.Fatal(err)
			}
			if status, _ := s.Finish(); status.Code != codes.DeadlineExceeded {
				t.Errorf("the call ended in %v", status.Err())
			}
			began := time.Now()
			if err := transport.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("closing took %v", took)
			}
		})
	}
}
