package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// Each error of the system about a connection that could not be made has a kind of its own.
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

// A network that drops everything takes the limit and no longer.
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

// overdue is a context whose deadline has passed, although its children do not know it yet.
type overdue struct{ context.Context }

func (overdue) Err() error { return context.DeadlineExceeded }

// Whoever made the connection may close it at the limit before the handshake's own watch sees
// the limit: the error is still the limit.
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
				_, _ = other.Read(make([]byte, 1)) // the beginning of the client's first message
				conn.Close()
			}()
			_, err := new(connect.Dialer).Handshake(tt.ctx, conn, "h:1", &tls.Config{ServerName: "h", MinVersion: tls.VersionTLS12})
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: connect.DefaultTimeout, -time.Second: connect.DefaultTimeout, time.Hour: time.Hour} {
		if got := (&connect.Dialer{Timeout: timeout}).Limit(); got != want {
			t.Errorf("%s: got %s, want %s", timeout, got, want)
		}
	}
}

// What the system says of addresses at which nobody answers.
func TestDialsThatTheSystemRefuses(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "left") // the socket of a server that has ended
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	none := filepath.Join(dir, "none")
	for _, tt := range []struct {
		name, network, address string
		kind                   connect.Kind
		detail                 string
	}{
		{"no listener", "tcp", "127.0.0.1:1", connect.Refused, ""},
		{"no socket", "unix", none, connect.NoSocket, ""},
		{"no server at the socket", "unix", left, connect.Refused, ""},
		{"no port", "tcp", "127.0.0.1", connect.Other, "address 127.0.0.1: missing port in address"},
		{"no address", "tcp", "", connect.Other, "missing address"},
		{"a port that is too large", "tcp", "127.0.0.1:65536", connect.Other, "address 65536: invalid port"},
		{"a bracket that is not closed", "tcp", "[::1", connect.Other, "address [::1: missing ']' in address"},
		{"an address without brackets", "tcp", "::1:1", connect.Other, "address ::1:1: too many colons in address"},
		{"a path that is too long", "unix", "/" + strings.Repeat("x", 200), connect.Other, "invalid argument"},
		{"another network", "carrier pigeon", "h:1", connect.Other, "unknown network carrier pigeon"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := new(connect.Dialer).Dial(t.Context(), tt.network, tt.address)
			if conn != nil {
				t.Errorf("got a connection to %s", conn.RemoteAddr())
			}
			checkError(t, err, tt.kind, tt.address, tt.detail)
		})
	}
}

// A call that is given up gives up its connection, too.
func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := &connect.Dialer{Net: func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	_, err := d.Dial(ctx, "tcp", "h:1")
	checkError(t, err, connect.Other, "h:1", "context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is no cancellation", err)
	}
}

// AnswersTLS reports whether a server speaks TLS at all: one that refuses the handshake by an
// alert does, whatever it refuses.
func TestAnswersTLS(t *testing.T) {
	certificates := []tls.Certificate{newIssuer(t, "authority").issueFor(t, "h.example")}
	for _, tt := range []struct {
		name    string
		address string
		want    bool
	}{
		{"TLS", serveTLS(t, &tls.Config{Certificates: certificates}), true},
		{"TLS with HTTP/2", serveTLS(t, &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}}), true},
		{"TLS with HTTP/1.1 alone", serveTLS(t, &tls.Config{Certificates: certificates, NextProtos: []string{"http/1.1"}}), true},
		{"TLS for clients with a certificate", serveTLS(t, &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}), true},
		{"TLS 1.1 alone", serveTLS(t, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), true},
		{"an alert that is not known", serve(t, say(alert(200))), true},
		{"HTTP/1.1", serve(t, say("HTTP/1.1 400 Bad Request\r\n\r\n")), false},
		{"closed", serve(t, hangUp("")), false},
		{"reset", serve(t, reset), false},
		{"nobody", "127.0.0.1:1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made, closed := recordConn(new(net.Dialer).DialContext)
			if got := (&connect.Dialer{Net: made}).AnswersTLS(t.Context(), "tcp", tt.address); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
			if !closed() {
				t.Error("the connection is still open")
			}
		})
	}
}

// A server that says nothing is asked for less than a second, and its connection is closed.
func TestAnswersTLSEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan error, 1)
		d := &connect.Dialer{Net: func(context.Context, string, string) (net.Conn, error) {
			conn, other := net.Pipe()
			go func() {
				_, err := io.Copy(io.Discard, other)
				left <- err
			}()
			return conn, nil
		}}
		began := time.Now()
		if d.AnswersTLS(t.Context(), "tcp", "h:1") {
			t.Error("silence was taken for TLS")
		}
		if took := time.Since(began); took >= time.Second {
			t.Errorf("took %s", took)
		}
		if err := <-left; err != nil {
			t.Error(err)
		}
	})
}

// serve listens on this machine until the test ends, and closes each connection then or when handle
// has returned.
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
				defer context.AfterFunc(t.Context(), func() { c.Close() })()
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
