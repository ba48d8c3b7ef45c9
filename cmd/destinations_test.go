//go:build linux

package cmd_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

// A destination is a server under a name of its own, and what it was sent.
type destination struct {
	addr  string
	mu    sync.Mutex
	calls []string // the metadata of each, as text
}

func newDestination(t *testing.T, host string) *destination {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	d := &destination{addr: l.Addr().String()}
	server := testserver.New(testserver.Options{OnCall: func(c testserver.Call) {
		var text strings.Builder
		for name, values := range c.Metadata {
			for _, v := range values {
				text.WriteString(name + ": " + v + "\n")
				if encoded, ok := strings.CutPrefix(v, "Basic "); ok {
					plain, _ := base64.StdEncoding.DecodeString(encoded)
					text.Write(append(plain, '\n'))
				}
			}
		}
		d.mu.Lock()
		d.calls = append(d.calls, text.String())
		d.mu.Unlock()
	}})
	go server.Serve(l)
	t.Cleanup(server.Close)
	return d
}

// take returns what came since the last time.
func (d *destination) take() (text string, calls int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, calls = strings.Join(d.calls, ""), len(d.calls)
	d.calls = nil
	return text, calls
}

// Credentials go to the target that they are for, however it is named: each of two servers
// gets only its own.
func TestCredentialsGoWhereTheyBelong(t *testing.T) {
	a, b := newDestination(t, "127.0.0.1"), newDestination(t, "127.0.0.2")
	// Each case has values of its own, since a question about the schema may belong to an
	// earlier one.
	const ofA, ofB = "{of a}", "{of b}" // stand for them in the table
	secrets := func(n int) *strings.Replacer {
		return strings.NewReplacer(ofA, fmt.Sprintf("s3cret-%d-for-a", n), ofB, fmt.Sprintf("s3cret-%d-for-b", n))
	}
	etc := t.TempDir()
	for name, text := range map[string]string{
		"rpcctl/config.yaml": "current: a\ncontexts:\n" +
			"  a: {addr: '" + a.addr + "', bearer-env: TOKEN_A, headers: {x-key-of-a: {env: TOKEN_A}, x-tenant: acme}}\n" +
			"  b: {addr: '" + b.addr + "', auth-command: 'echo $TOKEN_B'}\n" +
			"  looks: {addr: '" + a.addr + "', netrc: true}\n" +
			"  nowhere: {bearer-env: TOKEN_B}\n",
		"targets": a.addr + "\n" + b.addr + "\n",
	} {
		path := filepath.Join(etc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := func(n int, more ...string) []string {
		netrc := filepath.Join(etc, fmt.Sprint("netrc", n))
		text := "machine 127.0.0.1 login me password " + ofA + "\nmachine 127.0.0.2 login me password " + ofB + "\n"
		if err := os.WriteFile(netrc, []byte(secrets(n).Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		return append([]string{
			"HOME=" + etc, "XDG_CONFIG_HOME=" + etc, "XDG_STATE_HOME=" + filepath.Join(etc, "state"), "XDG_CACHE_HOME=" + filepath.Join(etc, "cache"),
			"PATH=" + os.Getenv("PATH"), "TESTBIN=" + os.Args[0], "TOKEN_A=" + secrets(n).Replace(ofA), "TOKEN_B=" + secrets(n).Replace(ofB), "NETRC=" + netrc, "GORACE=" + os.Getenv("GORACE"),
		}, more...)
	}
	both := a.addr + "," + b.addr
	script := func(lines ...string) []string {
		return []string{"shell", "--keep-going", "-c", strings.Join(lines, "\n")}
	}
	for i, tt := range []struct {
		name   string
		env    []string
		args   []string
		toA    string // what a is sent of secrets: ofA, ofB or ""
		toB    string
		callsA int // at least
		callsB int
	}{
		{"targets and netrc", nil, []string{"call", "SayHello", "--targets", both, "--netrc"}, ofA, ofB, 1, 1},
		{"targets in a file and netrc", nil, []string{"call", "SayHello", "--targets", "@targets", "--netrc"}, ofA, ofB, 1, 1},
		{"targets, netrc and RPCCTL_ADDR", []string{"RPCCTL_ADDR=" + a.addr}, []string{"call", "SayHello", "--targets", both, "--netrc"}, ofA, ofB, 1, 1},
		{"targets without the current context", nil, []string{"call", "SayHello", "--targets", both}, "", "", 1, 1},
		{"targets and a context", nil, []string{"--context", "a", "call", "SayHello", "--targets", both}, ofA, "", 1, 1},
		{"targets and a context with a program", nil, []string{"--context", "b", "call", "SayHello", "--targets", both}, "", ofB, 1, 1},
		{"targets and RPCCTL_CONTEXT", []string{"RPCCTL_CONTEXT=a"}, []string{"call", "SayHello", "--targets", both}, "", "", 1, 1},
		{"targets and a program that reads which", nil, []string{"call", "SayHello", "--targets", both, "--auth-command", `case $RPCCTL_TARGET in *127.0.0.1*) echo $TOKEN_A;; *) echo $TOKEN_B; esac`}, ofA, ofB, 1, 1},
		{"the current context", nil, []string{"call", "SayHello"}, ofA, "", 1, 0},
		{"an address instead of the current context", nil, []string{"-a", b.addr, "call", "SayHello"}, "", "", 0, 1},
		{"an address and a context", nil, []string{"--context", "a", "-a", b.addr, "call", "SayHello"}, "", "", 0, 1},
		{"an address and RPCCTL_CONTEXT", []string{"RPCCTL_CONTEXT=a"}, []string{"-a", b.addr, "call", "SayHello"}, "", "", 0, 1},
		{"a context without an address", nil, []string{"--context", "nowhere", "-a", b.addr, "call", "SayHello"}, "", ofB, 0, 1},
		{"RPCCTL_ADDR before the current context", []string{"RPCCTL_ADDR=" + b.addr}, []string{"call", "SayHello"}, "", "", 0, 1},
		{"RPCCTL_ADDR before RPCCTL_CONTEXT", []string{"RPCCTL_ADDR=" + b.addr, "RPCCTL_CONTEXT=a"}, []string{"call", "SayHello"}, "", "", 0, 1},
		{"RPCCTL_ADDR and RPCCTL_CONTEXT without an address", []string{"RPCCTL_ADDR=" + b.addr, "RPCCTL_CONTEXT=nowhere"}, []string{"call", "SayHello"}, "", "", 0, 1},
		{"a context before RPCCTL_ADDR", []string{"RPCCTL_ADDR=" + b.addr}, []string{"--context", "a", "call", "SayHello"}, ofA, "", 1, 0},
		{"each address", nil, []string{"-a", a.addr, "call", "SayHello", "--each-address", "--netrc"}, ofA, "", 1, 0},
		{"a target of the shell", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A", "-H", "x-key-of-a: " + ofA}, script("call SayHello", "target "+b.addr, "call SayHello")...), ofA, "", 1, 1},
		{"a header of the shell", nil, append([]string{"-a", a.addr}, script("header x-api-key: "+ofA, "call SayHello", "target "+b.addr, "call SayHello")...), ofA, "", 1, 1},
		{"headers that are kept", nil, append([]string{"-a", a.addr, "-H", "x-api-key: " + ofB}, script("target --keep-headers "+b.addr, "call SayHello")...), "", ofB, 0, 1},
		{"the context of the shell", nil, append([]string{"--context", "a"}, script("call SayHello", "target "+b.addr, "call SayHello")...), ofA, "", 1, 1},
		{"another context in the shell", nil, append([]string{"-H", "x-api-key: " + ofA}, script("call SayHello", "context use b", "call SayHello", "context use a")...), ofA, ofB, 1, 1},
		{"a line with an address", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A"}, script("call SayHello -a "+b.addr, "call -a"+b.addr+" SayHello", "call SayHello")...), ofA, "", 1, 2},
		{"a line with targets", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A"}, script("call SayHello --targets "+b.addr, "call SayHello")...), ofA, "", 1, 1},
		{"a line with a context", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A"}, script("call SayHello -a "+b.addr+" --context b", "call SayHello")...), ofA, ofB, 1, 1},
		{"a target of the shell by a flag", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A", "-H", "x-key-of-a: " + ofA}, script("target --addr="+b.addr, "call SayHello")...), "", "", 0, 1},
		{"a target of the shell by a short flag", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A"}, script("target -a "+b.addr, "call SayHello")...), "", "", 0, 1},
		{"a context as the target of the shell", nil, append([]string{"-a", a.addr, "--bearer-env", "TOKEN_A"}, script("target --context b", "call SayHello")...), "", ofB, 0, 1},
		{"a target to diagnose", nil, append([]string{"--context", "a"}, script("header x-api-key: "+ofA, "diagnose "+b.addr)...), "", "", 0, 1},
		{"a header of one's own beside a context's", nil, []string{"--context", "a", "-a", b.addr, "-H", "x-key-of-a: " + ofB, "call", "SayHello"}, "", ofB, 0, 1},
		{"a context with netrc", nil, []string{"--context", "looks", "call", "SayHello", "--targets", both}, ofA, ofB, 1, 1},
		{"netrc in the shell", nil, append([]string{"-a", a.addr, "--netrc"}, script("call SayHello", "target "+b.addr, "call SayHello")...), ofA, ofB, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			// With nothing remembered, no question about the schema is open at the end.
			c := exec.CommandContext(ctx, "rpcctl", append([]string{"--no-cache"}, tt.args...)...)
			for n, arg := range c.Args {
				c.Args[n] = secrets(i).Replace(arg)
			}
			c.Env, c.Dir = env(i, tt.env...), etc
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			for _, d := range []struct {
				*destination
				own   string
				calls int
			}{{a, tt.toA, tt.callsA}, {b, tt.toB, tt.callsB}} {
				text, calls := d.take()
				if calls < d.calls {
					t.Errorf("%s had %d calls, want %d: %s", d.addr, calls, d.calls, out)
				}
				for _, s := range []string{ofA, ofB} {
					if strings.Contains(text, secrets(i).Replace(s)) != (s == d.own) {
						t.Errorf("%s was sent %q, want of secrets %q: %s", d.addr, text, d.own, out)
					}
				}
			}
		})
	}
}

// Credentials for a proxy go only to the proxy. Behind a proxy no host is this machine, so in
// plaintext none gets a secret.
func TestCredentialsBehindAProxy(t *testing.T) {
	d := newDestination(t, "127.0.0.1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	asked := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go tunnelTo(c, d.addr, asked)
		}
	}()
	run := func(args ...string) (string, int) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := exec.CommandContext(ctx, "rpcctl", append([]string{"--no-cache"}, args...)...)
		c.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(strings.ToUpper(v), "NO_PROXY=") }),
			"HTTPS_PROXY=http://me:pr0xy-s3cret@"+l.Addr().String())
		out, _ := c.CombinedOutput()
		return string(out), c.ProcessState.ExitCode()
	}
	out, code := run("-a", "http://inside.example:80", "call", "SayHello", "-H", "x-tenant: acme")
	text, calls := d.take()
	if code != 0 || calls == 0 || strings.Contains(text+out, "pr0xy") || strings.Contains(text, "proxy-auth") {
		t.Errorf("exit code %d, %d calls: %s: %s", code, calls, text, out)
	}
	if got := <-asked; !strings.HasPrefix(got, "Basic ") {
		t.Errorf("the proxy got %q", got)
	}
	out, code = run("-a", "http://inside.example:80", "call", "SayHello", "-H", "x-api-key: k3y-s3cret")
	if text, _ := d.take(); strings.Contains(text, "k3y") || code != 73 && code != 2 || !strings.Contains(out, "not sent") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// tunnelTo serves one CONNECT, and reports its credentials.
func tunnelTo(c net.Conn, addr string, asked chan<- string) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	asked <- r.Header.Get("Proxy-Authorization")
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() { _, _ = io.Copy(server, c) }()
	_, _ = io.Copy(c, server)
}
