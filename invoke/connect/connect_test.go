package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// What the system says of a connection that could not be made, each as its own kind.
func TestKindsOfDialling(t *testing.T) {
	sys := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"refused", sys(syscall.ECONNREFUSED), "h:1: connection refused"},
		{"no route to the host", sys(syscall.EHOSTUNREACH), "h:1: unreachable"},
		{"no route to the network", sys(syscall.ENETUNREACH), "h:1: unreachable"},
		{"reset", sys(syscall.ECONNRESET), "h:1: closed the connection: it reset it before it said anything"},
		{"no name", &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}, "h:1: unknown host"},
		{"no name server", &net.DNSError{Err: "server misbehaving", Name: "h"}, "h:1: unknown host: looking up the name: server misbehaving"},
		{"no answer of a name server", &net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true}, "h:1: no answer: to the question for its name within 10s"},
		{"no answer", sys(syscall.ETIMEDOUT), "h:1: no answer: within 10s"},
		{"forbidden", sys(syscall.EACCES), "h:1: cannot connect: permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &connect.Dialer{Net: func(context.Context, string, string) (net.Conn, error) { return nil, tt.err }}
			_, err := d.Dial(t.Context(), "tcp", "h:1")
			var e *connect.Error
			if !errors.As(err, &e) || e.Error() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// A network that swallows what is sent to it takes the limit and no longer.
func TestDiallingEnds(t *testing.T) {
	const limit = 50 * time.Millisecond
	d := &connect.Dialer{Timeout: limit, Net: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	began := time.Now()
	_, err := d.Dial(t.Context(), "tcp", "h:1")
	var e *connect.Error
	if !errors.As(err, &e) || e.Kind != connect.TimedOut || time.Since(began) > 10*limit {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// overdue is a context that is over, and whose children do not know it yet.
type overdue struct{ context.Context }

func (overdue) Err() error { return context.DeadlineExceeded }

// Whoever made the connection may close it at the limit before the handshake's own
// watch sees the limit: that is the limit, all the same.
func TestHandshakeClosedAtTheLimit(t *testing.T) {
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want string
	}{
		{"at the limit", overdue{t.Context()}, "h:1: no answer: to the TLS handshake within 10s"},
		{"before it", t.Context(), "h:1: TLS handshake: io: read/write on closed pipe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, other := net.Pipe()
			defer other.Close()
			go func() {
				_, _ = other.Read(make([]byte, 1)) // the first of the client's words
				conn.Close()
			}()
			_, err := new(connect.Dialer).Handshake(tt.ctx, conn, "h:1", &tls.Config{ServerName: "h", MinVersion: tls.VersionTLS12})
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// serve listens on this machine until the test ends, and closes each connection when handle
// has returned. The client must have closed its end by then, as dial does.
func serve(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// silent reads until the client closes, and says nothing.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// say makes a server that answers the client's first bytes with a text, and then reads until the
// client closes: closing over bytes that were not read would reset the connection.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 16<<10))
		_, _ = io.WriteString(c, text)
		silent(c)
	}
}

// hangUp closes the connection after the client's first bytes and a text.
func hangUp(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 16<<10))
		_, _ = io.WriteString(c, text)
	}
}

// reset resets the connection after the client's first bytes.
func reset(c net.Conn) {
	_, _ = c.Read(make([]byte, 16<<10))
	_ = c.(*net.TCPConn).SetLinger(0)
}

// dial connects to a server of the test, until the test ends.
func dial(t *testing.T, d *connect.Dialer, address string) net.Conn {
	t.Helper()
	c, err := d.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// checkKind checks that err is an *Error of a kind, or nil when the kind is "".
func checkKind(t *testing.T, err error, want connect.Kind) {
	t.Helper()
	var e *connect.Error
	switch {
	case want == "" && err == nil:
	case !errors.As(err, &e) || e.Kind != want:
		t.Errorf("got %v, want the kind %q", err, want)
	}
}
