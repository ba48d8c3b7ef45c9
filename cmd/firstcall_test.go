//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/testserver"
)

// A tap listens, and keeps what each connection sent.
type tap struct {
	net.Listener
	mu    sync.Mutex
	conns []*tapped
}

type tapped struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

func (t *tap) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	k := &tapped{Conn: c}
	t.mu.Lock()
	t.conns = append(t.conns, k)
	t.mu.Unlock()
	return k, nil
}

func (k *tapped) Read(p []byte) (int, error) {
	n, err := k.Conn.Read(p)
	k.mu.Lock()
	k.sent.Write(p[:n])
	k.mu.Unlock()
	return n, err
}

// frames are the HTTP/2 frames that a client sent, by type and size, in order. What
// depends on timing is left out: acknowledgements, windows, pings, and the reset of a stream that
// the server has not ended when the client leaves.
func (k *tapped) frames(t *testing.T) []string {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	b, ok := bytes.CutPrefix(k.sent.Bytes(), []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if !ok {
		t.Errorf("the client said %q first", b[:min(len(b), 30)])
		return nil
	}
	var sent []string
	for len(b) >= 9 {
		n := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		const reset, settings, ping, window, ack = 3, 4, 6, 8, 1
		if kind := b[3]; kind != reset && kind != ping && kind != window && (kind != settings || b[4]&ack == 0) {
			sent = append(sent, fmt.Sprintf("type %d, %d bytes", kind, n))
		}
		b = b[min(len(b), 9+n):]
	}
	return sent
}

// The first call to a server on this machine without flags takes no more connections, round
// trips and writes than with --plaintext: the client sends the same frames and as many bytes,
// on every transport.
func TestFirstCallCostsNoMore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &tap{Listener: l}
	server := testserver.New(testserver.Options{})
	go server.Serve(listener)
	t.Cleanup(server.Close)
	for _, protocol := range []string{"grpc", "connect", "grpc-web"} {
		var sent [][]string
		for _, flags := range [][]string{{"--plaintext"}, {}} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			c := exec.CommandContext(ctx, "rpcctl", append(flags, "--protocol", protocol, "-a", l.Addr().String(), "call", "rpcctl.demo.v1.Greeter/SayHello")...)
			// One call leaves nothing for the next.
			c.Env = append(slices.Clone(c.Environ()), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			cancel()
			await(t, server, func(s testserver.Stats) bool { return s.Open == 0 })
			listener.mu.Lock()
			if len(listener.conns) != 1 {
				t.Errorf("%s, %v: %d connections", protocol, flags, len(listener.conns))
			}
			sent = append(sent, listener.conns[0].frames(t))
			listener.conns = nil
			listener.mu.Unlock()
		}
		if len(sent[0]) == 0 {
			t.Errorf("%s: nothing was sent", protocol)
		}
		if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
			t.Errorf("%s: frames (-plaintext +none):\n%s", protocol, diff)
		}
	}
}
