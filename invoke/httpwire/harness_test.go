package httpwire_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/testserver"
)

const (
	hello = "/rpcctl.demo.v1.Greeter/SayHello"
	lab   = "/rpcctl.demo.v1.Lab/"
	chat  = "/rpcctl.demo.v1.Shop/Chat"
)

// patience bounds what must happen at once; a test that passes never waits for it.
const patience = time.Minute

// serve runs the demo server on a port of this machine until the test ends, over
// HTTP/3 too when it has TLS.
func serve(t *testing.T, o testserver.Options) (string, *testserver.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String(), serveOn(t, l, o)
}

func serveOn(t *testing.T, l net.Listener, o testserver.Options) *testserver.Server {
	t.Helper()
	s := testserver.New(o)
	serving := []func() error{func() error { return s.Serve(l) }}
	if o.TLS != nil {
		datagrams, err := net.ListenPacket("udp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		serving = append(serving, func() error { return s.ServeHTTP3(datagrams) })
	}
	done := make(chan error, len(serving))
	for _, serve := range serving {
		go func() { done <- serve() }()
	}
	t.Cleanup(func() {
		s.Close()
		for range serving {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return s
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
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

func certs(t *testing.T, now time.Time) (c *testserver.Certs, dir string) {
	t.Helper()
	c, err := testserver.NewCerts(now)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func trust(dir string) connect.TLSOptions {
	return connect.TLSOptions{CACert: filepath.Join(dir, "ca.pem")}
}

// dial makes a transport, which is closed when the test ends.
func dial(t *testing.T, target string, o httpwire.Options) *httpwire.Transport {
	t.Helper()
	parsed, err := invoke.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := httpwire.New(t.Context(), parsed, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
	return transport
}

// result is all that a call has brought.
type result struct {
	header, trailer invoke.Metadata
	messages        [][]byte
	status          *invoke.Status
	http            int
	version         string
}

// call sends the requests and collects the responses.
func call(ctx context.Context, t *testing.T, transport *httpwire.Transport, m invoke.Method, md invoke.Metadata, requests ...proto.Message) result {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the test's own limit"))
	defer cancel()
	s, err := transport.Open(ctx, m, md)
	var se *invoke.StatusError
	if errors.As(err, &se) {
		return result{status: se.Status}
	}
	if err != nil {
		t.Fatalf("Open returned %T: %v", err, err)
	}
	for _, r := range requests {
		if s.Send(wire(t, r)) != nil {
			break
		}
	}
	_ = s.CloseSend() // Finish tells
	r := result{header: s.Header()}
	if h, ok := s.(invoke.HTTPStream); ok {
		r.http, r.version = h.HTTP()
	}
	for {
		b, err := s.Recv()
		if err != nil {
			break
		}
		r.messages = append(r.messages, append([]byte{}, b...))
	}
	r.status, r.trailer = s.Finish()
	if context.Cause(ctx) != nil && strings.Contains(context.Cause(ctx).Error(), "own limit") {
		t.Fatal("the call hung")
	}
	return r
}

func wire(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read decodes the only message of a result.
func read[M proto.Message](t *testing.T, r result, m M) M {
	t.Helper()
	if r.status.Err() != nil || len(r.messages) != 1 {
		t.Fatalf("%d messages, then %v", len(r.messages), r.status.Err())
	}
	if err := proto.Unmarshal(r.messages[0], m); err != nil {
		t.Fatal(err)
	}
	return m
}
