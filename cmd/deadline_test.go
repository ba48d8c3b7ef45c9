//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// Silence in each phase of a call ends with the limit, whatever the transport. The log of the
// test says how long after it (go test -v); the test fails at ten times the promise.
func TestSilenceEnds(t *testing.T) {
	const (
		limit   = 300 * time.Millisecond
		promise = 200 * time.Millisecond // after the limit
	)
	dir := t.TempDir()
	writeFixtures(t, dir)
	protoset := filepath.Join(dir, "demo.binpb")
	large := filepath.Join(dir, "large.json")
	if err := os.WriteFile(large, []byte(`{"name":"`+strings.Repeat("x", 2<<20)+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	silent := silentServer(t)
	full := fullServer(t)
	quiet := silentPacketServer(t)
	never := stallingServer(t, "")
	headers := stallingServer(t, "headers")
	half := stallingServer(t, "half")
	tlsSilent := silentTLSServer(t)

	connecting := []string{"--connect-timeout", "0.3"}
	calling := []string{"--timeout", "0.3"}
	hello := []string{"--protoset", protoset, "call", "SayHello"}
	count := []string{"--protoset", protoset, "call", "Lab.Count", "n=3"}
	over := func(protocol string) []string { return []string{"--protocol", protocol} }
	type scenario struct {
		name string
		args [][]string
		env  string
		want int
		says string
	}
	scenarios := []scenario{
		{"proxy", [][]string{{"-a", "http://inside.example:1"}, connecting, hello}, "HTTPS_PROXY=http://" + silent, 78, "to CONNECT within 300ms"},
		{"proxy with TLS", [][]string{{"-a", "http://inside.example:1"}, connecting, hello}, "HTTPS_PROXY=https://" + silent, 78, "to the TLS handshake within 300ms"},
		{"name", [][]string{{"-a", "dns://" + quiet + "/inside.example:1", "--plaintext"}, connecting, hello}, "", 78, "to the question for its name within 300ms"},
		{"diagnose name", [][]string{{"diagnose", "dns://" + quiet + "/inside.example:1"}, connecting}, "", 1, "failed at name"},
		{"name, call", [][]string{{"-a", "dns://" + quiet + "/inside.example:1", "--plaintext"}, hello, calling}, "", 68, "while connecting"},
		{"http/3", [][]string{{"-a", "https://" + quiet, "--http", "3"}, over("connect"), connecting, hello}, "", 78, "QUIC"},
		{"wait", [][]string{{"-a", "http://" + full, "--wait=0.3"}, hello}, "", 78, "waited"},
		{"wait for an answer", [][]string{{"-a", "http://" + never, "--wait=0.2", "health", "--timeout", "0.1"}}, "", 68, "DEADLINE"},
		{"health", [][]string{{"-a", "http://" + never, "health", "--timeout", "0.3"}}, "", 68, "DEADLINE"},
		{"watched health", [][]string{{"-a", "http://" + never, "health", "--watch", "--wait=0.3"}}, "", 68, "no answer within 300ms"},
		{"watched health, limited", [][]string{{"-a", "http://" + never, "health", "--watch"}, calling}, "", 68, "DEADLINE"},
		{"watched health that answers", [][]string{{"-a", "demo:", "health", "--watch"}, calling}, "", 68, "the deadline has passed"},
		{"watched health that waits", [][]string{{"-a", "demo:", "health", "rpcctl.demo.v1.Warehouse", "--watch", "--wait=30"}, calling}, "", 68, "the deadline has passed"},
		{"retries", [][]string{{"-a", "http://" + full, "--retry", "9"}, hello, calling}, "", 68, "DEADLINE"},
		{"program", [][]string{{"-a", "http://" + never, "--auth-command", "sleep 100; echo x"}, hello, calling}, "", 68, "DEADLINE"},
		{"program, reflection", [][]string{{"-a", "http://" + never, "--auth-command", "sleep 100; echo x"}, {"call", "SayHello"}, calling}, "", 68, "DEADLINE"},
		{"diagnose", [][]string{{"diagnose", "http://" + silent}, connecting}, "", 1, "failed at http/2"},
		{"diagnose TLS", [][]string{{"diagnose", "https://" + silent}, connecting}, "", 1, "failed at tls"},
		{"diagnose gRPC", [][]string{{"diagnose", "http://" + never}, calling}, "", 1, "failed at grpc"},
	}
	scenarios = append(scenarios,
		scenario{"TLS or not", [][]string{{"-a", closesOnce(t)}, connecting, hello}, "", 78, "closed the connection"},
		// This speaks HTTP/1.1, whose servers send nothing before the answer.
		scenario{"HTTP/2 or not", [][]string{{"-a", closesOnce(t)}, over("connect"), connecting, hello, {"--timeout", "0.3"}}, "", 68, "DEADLINE"},
	)
	for _, p := range []string{"grpc", "connect", "grpc-web"} {
		scenarios = append(scenarios, []scenario{
			{p + ": TCP", [][]string{{"-a", "http://" + full}, over(p), connecting, hello}, "", 78, "no answer: within 300ms"},
			{p + ": TCP, call", [][]string{{"-a", "http://" + full}, over(p), hello, calling}, "", 68, "while connecting"},
			{p + ": TLS", [][]string{{"-a", "https://" + silent}, over(p), connecting, hello}, "", 78, "to the TLS handshake within 300ms"},
			{p + ": TLS, call", [][]string{{"-a", "https://" + silent}, over(p), hello, calling}, "", 68, "while connecting"},
			{p + ": HTTP/2", [][]string{{"-a", "http://" + silent}, over(p), connecting, hello}, "", 78, "no HTTP/2 settings within 300ms"},
			{p + ": HTTP/2, call", [][]string{{"-a", "http://" + silent}, over(p), hello, calling}, "", 68, "while connecting"},
			{p + ": HTTP/2 over TLS", [][]string{{"-a", tlsSilent, "-k"}, over(p), connecting, hello}, "", 78, "no HTTP/2 settings within 300ms"},
			{p + ": a request that is not taken", [][]string{{"-a", "http://" + never}, over(p), hello, {"@" + large}, calling}, "", 68, "DEADLINE"},
			{p + ": reflection", [][]string{{"-a", "http://" + never}, over(p), {"call", "SayHello"}, calling}, "", 68, "asking the server"},
			{p + ": headers", [][]string{{"-a", "http://" + never}, over(p), hello, calling}, "", 68, "DEADLINE"},
			{p + ": answer", [][]string{{"-a", "http://" + headers}, over(p), hello, calling}, "", 68, "DEADLINE"},
			{p + ": half an answer", [][]string{{"-a", "http://" + half}, over(p), hello, calling}, "", 68, "DEADLINE"},
			{p + ": stream", [][]string{{"-a", "http://" + headers}, over(p), count, calling}, "", 68, "DEADLINE"},
			{p + ": half a message", [][]string{{"-a", "http://" + half}, over(p), count, calling}, "", 68, "DEADLINE"},
		}...)
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var args []string
			for _, a := range s.args {
				args = append(args, a...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := exec.CommandContext(ctx, "rpcctl", args...)
			c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), s.env)
			var said bytes.Buffer
			c.Stderr = &said
			c.WaitDelay = time.Second
			began := time.Now()
			err := c.Run()
			took := time.Since(began)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != s.want || !regexp.MustCompile(s.says).MatchString(said.String()) {
				t.Errorf("%v, want %d and %q: %s", err, s.want, s.says, said.String())
			}
			t.Logf("%s: %d ms after the limit, the start of the process included", strings.Join(args, " "), (took - limit).Milliseconds())
			if took > 10*(limit+promise) {
				t.Errorf("took %s", took)
			}
		})
	}
}

// listen opens a port until the test ends, and hands connections to handle.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go accept(l, handle)
	return l.Addr().String()
}

func silentServer(t *testing.T) string {
	return listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// closesOnce is a server that closes the first connection, as those do that want
// TLS, and says nothing on the others.
func closesOnce(t *testing.T) string {
	t.Helper()
	first := make(chan struct{}, 1)
	first <- struct{}{}
	return listen(t, func(c net.Conn) {
		select {
		case <-first:
			_, _ = c.Read(make([]byte, 100))
		default:
			_, _ = io.Copy(io.Discard, c)
		}
	})
}

// silentTLSServer is one that says nothing after the TLS handshake.
func silentTLSServer(t *testing.T) string {
	t.Helper()
	c, err := testserver.NewCerts(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	config := c.Server(false)
	config.NextProtos = []string{"h2"}
	return listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, tls.Server(conn, config)) })
}

// silentPacketServer takes datagrams and never answers.
func silentPacketServer(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// fullServer is a port that no connection to is ever made: the system's queue of
// those that wait to be accepted is full.
func fullServer(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 20 {
		c, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system takes any number of connections")
	return ""
}

// stallingServer speaks HTTP/2 and stops before the headers, after them, or in the
// middle of a message.
func stallingServer(t *testing.T, after string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	s := &http.Server{ReadHeaderTimeout: time.Minute, Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if after != "" {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			w.WriteHeader(http.StatusOK)
			if after == "half" {
				_, _ = w.Write([]byte("\x00\x00\x00"))
			}
			_ = http.NewResponseController(w).Flush()
		}
		<-over
	})}
	s.Protocols.SetUnencryptedHTTP2(true)
	go s.Serve(l)
	t.Cleanup(func() { close(over); s.Close() })
	return l.Addr().String()
}
