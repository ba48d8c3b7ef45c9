package connect_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

func TestProxyFromEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, address string
		env           map[string]string
		want          string
	}{
		{"none", "h.example:443", nil, "none"},
		{"for all", "h.example:443", map[string]string{"HTTPS_PROXY": "http://p:1"}, "http://p:1"},
		{"in small letters", "h.example:443", map[string]string{"https_proxy": "http://p:1"}, "http://p:1"},
		{"without a scheme", "h.example:443", map[string]string{"HTTPS_PROXY": "p:1"}, "http://p:1"},
		{"this machine", "localhost:443", map[string]string{"HTTPS_PROXY": "http://p:1"}, "none"},
		{"not for it", "a.h.example:443", map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x,.h.example"}, "none"},
		{"not for its port", "h.example:443", map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "h.example:444"}, "http://p:1"},
		{"not for the range", "10.1.2.3:443", map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "none"},
		{"for nothing", "h.example:443", map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "none"},
		{"with a password", "h.example:443", map[string]string{"HTTPS_PROXY": "https://u:p%20w@p/"}, "https://u:p%20w@p/"},
		{"with a password, without a scheme", "h.example:443", map[string]string{"HTTPS_PROXY": "u:pw@p:1"}, "http://u:pw@p:1"},
		{"an address", "h.example:443", map[string]string{"HTTPS_PROXY": "[::1]:1"}, "http://[::1]:1"},
		{"no URL", "h.example:443", map[string]string{"HTTPS_PROXY": "http://u:secret@[p"}, "HTTPS_PROXY is no URL of a proxy"},
		{"no port", "h.example:443", map[string]string{"HTTPS_PROXY": "u:secret@p:x"}, "HTTPS_PROXY is no URL of a proxy"},
		{"a path", "h.example:443", map[string]string{"HTTPS_PROXY": "http://p/x"}, "HTTPS_PROXY is no URL of a proxy"},
		{"no host", "h.example:443", map[string]string{"HTTPS_PROXY": "http://"}, "HTTPS_PROXY has no host"},
		{"no host before the port", "h.example:443", map[string]string{"HTTPS_PROXY": "http://:3128"}, "HTTPS_PROXY has no host"},
		{"no host behind the password", "h.example:443", map[string]string{"https_proxy": "http://u:secret@"}, "https_proxy has no host"},
		{"a scheme", "h.example:443", map[string]string{"HTTPS_PROXY": "https:"}, "HTTPS_PROXY has no host"},
		{"a scheme that is not known", "h.example:443", map[string]string{"HTTPS_PROXY": "socks5://"}, "HTTPS_PROXY has no host"},
		{"another kind", "h.example:443", map[string]string{"HTTPS_PROXY": "socks5://u:secret@p:1"}, "HTTPS_PROXY is of the kind socks5, which is not spoken here; http and https are"},
		{"spaces", "h.example:443", map[string]string{"HTTPS_PROXY": "  "}, "HTTPS_PROXY has white space in it"},
		{"a space behind it", "h.example:443", map[string]string{"HTTPS_PROXY": "http://u:secret@p:1 "}, "HTTPS_PROXY has white space in it"},
		{"no host, and not for it", "h.example:443", map[string]string{"HTTPS_PROXY": "http://", "NO_PROXY": ".example"}, "none"},
		{"no host, and this machine", "localhost:443", map[string]string{"HTTPS_PROXY": "http://"}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			choose := connect.ProxyFromEnvironment(func(name string) string { return tt.env[name] })
			got := "none"
			if choose != nil {
				u, err := choose(tt.address)
				if err != nil {
					got = err.Error()
				} else if u != nil {
					got = u.String()
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A server may speak in the same packet as the proxy that connects to it.
func TestTunnelKeepsEarlyBytes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 1000))
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\nhello")
	}()
	d := &connect.Dialer{Proxy: func(string) (*url.URL, error) { return &url.URL{Scheme: "http", Host: l.Addr().String()}, nil }}
	c, err := d.Dial(t.Context(), "tcp", "h:1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make([]byte, 5)
	if n, err := c.Read(got); err != nil || string(got[:n]) != "hello" {
		t.Errorf("%q, %v", got[:n], err)
	}
}

// through returns a dialer that reaches everything through a proxy.
func through(t *testing.T, proxy string) *connect.Dialer {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return &connect.Dialer{Proxy: func(string) (*url.URL, error) { return u, nil }}
}

// tunnelTo makes a proxy that sends the request that it got, and then what the client says in capitals.
func tunnelTo(requests chan<- *http.Request) func(net.Conn) {
	return func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		requests <- r
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\n\r\n")
		words := make([]byte, 5)
		if _, err := io.ReadFull(c, words); err == nil {
			_, _ = c.Write(bytes.ToUpper(words))
		}
	}
}

// A proxy is asked for a tunnel to the target, with the user's name and password when the proxy's
// URL has them, and then carries what both sides say.
func TestTunnel(t *testing.T) {
	requests := make(chan *http.Request, 1)
	authority := newIssuer(t, "authority")
	config := &tls.Config{Certificates: []tls.Certificate{authority.issue(t, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}}
	trusted, _ := write(t, tls.Certificate{Certificate: [][]byte{authority.cert.Raw}, PrivateKey: authority.key})
	plain := serve(t, tunnelTo(requests))
	secure := serve(t, func(c net.Conn) { tunnelTo(requests)(tls.Server(c, config)) })
	for _, tt := range []struct {
		name, proxy, address, authorization string
	}{
		{"http", "http://" + plain, "h.example:443", ""},
		{"https", "https://" + secure, "h.example:443", ""},
		{"to an address", "http://" + plain, "[2001:db8::1]:443", ""},
		{"with a user", "http://u:p@" + plain, "h.example:443", "Basic dTpw"},
		{"with a user alone", "http://u@" + plain, "h.example:443", "Basic dTo="},
		{"with a password of all kinds", "http://u:%40%3A%2F%20@" + plain, "h.example:443", "Basic dTpAOi8g"},
		{"https with a user", "https://u:p@" + secure, "h.example:443", "Basic dTpw"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := through(t, tt.proxy)
			d.ProxyTLS.CACert = trusted
			conn := dial(t, d, tt.address)
			r := <-requests
			if r.Method != http.MethodConnect || r.RequestURI != tt.address || r.Host != tt.address {
				t.Errorf("got %s %s for the host %s, want CONNECT %s", r.Method, r.RequestURI, r.Host, tt.address)
			}
			want := http.Header{"User-Agent": {"rpcctl"}}
			if tt.authorization != "" {
				want.Set("Proxy-Authorization", tt.authorization)
			}
			if diff := cmp.Diff(want, r.Header); diff != "" {
				t.Error(diff)
			}
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(conn); string(got) != "HELLO" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// A proxy may say that it is at work before it answers (RFC 9110, section 15.2).
func TestTunnelAfterInterimAnswers(t *testing.T) {
	address := serve(t, say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"))
	conn := dial(t, through(t, "http://"+address), "h:1")
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What a server said early arrives whole, in order and before the rest, however little is read
// at a time.
func TestTunnelKeepsManyEarlyBytes(t *testing.T) {
	early := strings.Repeat("0123456789", 2000) // more than is read ahead
	address := serve(t, say("HTTP/1.1 200 OK\r\n\r\n"+early))
	conn := dial(t, through(t, "http://"+address), "h:1")
	var got []byte
	for buf := make([]byte, 7); len(got) < len(early); {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != early {
		t.Error("the bytes are not those that the server sent")
	}
}

// A proxy is dialled at the port of its scheme when its URL has none, and a target without a
// TCP address is reached without it.
func TestTunnelDials(t *testing.T) {
	for _, tt := range []struct{ name, network, proxy, want string }{
		{"http", "tcp", "http://p.example", "tcp p.example:80"},
		{"https", "tcp", "https://p.example", "tcp p.example:443"},
		{"a port", "tcp", "http://p.example:3128", "tcp p.example:3128"},
		{"an address", "tcp", "http://[::1]", "tcp [::1]:80"},
		{"a socket", "unix", "http://p.example", "unix h:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := through(t, tt.proxy)
			var got string
			d.Net = func(_ context.Context, network, address string) (net.Conn, error) {
				got = network + " " + address
				return nil, net.ErrClosed
			}
			if _, err := d.Dial(t.Context(), tt.network, "h:1"); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// The error of a tunnel that fails says what the proxy did instead, and that it was the proxy.
func TestTunnelsThatFail(t *testing.T) {
	long := "HTTP/1.1 407 " + strings.Repeat("x", 80)
	for _, tt := range []struct {
		name   string
		proxy  func(net.Conn)
		kind   connect.Kind
		detail string
	}{
		{"a password is missing", say("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), connect.ProxyRefused, `it answered "407 Proxy Authentication Required"`},
		{"no gateway", say("HTTP/1.0 502 Bad Gateway\r\n\r\n<html>"), connect.ProxyRefused, `it answered "502 Bad Gateway"`},
		{"a redirect", say("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n"), connect.ProxyRefused, `it answered "302 Found"`},
		{"no content", say("HTTP/1.1 204 No Content\r\n\r\n"), connect.ProxyRefused, `it answered "204 No Content"`},
		{"keys of a terminal", say("HTTP/1.1 403 \x1b]0;x\x07\r\n\r\n"), connect.ProxyRefused, `it answered "403 \x1b]0;x\a"`},
		{"a long answer", say(long + "\r\n\r\n"), connect.ProxyRefused, `it answered "407 ` + strings.Repeat("x", 36) + `"`},
		{"no HTTP", say("SSH-2.0-OpenSSH_9.9\r\n\r\n"), connect.Garbage, "its answer to CONNECT is no HTTP"},
		{"TLS", say(alert(70) + "\n"), connect.Garbage, "its answer to CONNECT is no HTTP"},
		{"more than it may say", say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n\r\n"), connect.Garbage, "its answer to CONNECT is longer than 64 KiB"},
		{"a header without a name", say("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), connect.Garbage, "its answer to CONNECT is no HTTP"},
		{"closed", hangUp(""), connect.Closed, "instead of answering CONNECT"},
		{"closed in the answer", hangUp("HTTP/1.1 200 OK\r\n"), connect.Closed, "instead of answering CONNECT"},
		{"reset", reset, connect.Closed, "instead of answering CONNECT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t, tt.proxy)
			conn, err := through(t, "http://"+address).Dial(t.Context(), "tcp", "h.example:443")
			if conn != nil {
				t.Error("got a connection")
			}
			checkProxyError(t, err, tt.kind, address, tt.detail)
		})
	}
}

// checkProxyError is checkError for an *Error about a proxy.
func checkProxyError(t *testing.T, err error, kind connect.Kind, address, detail string) {
	t.Helper()
	var e *connect.Error
	if !errors.As(err, &e) || !e.Proxy {
		t.Fatalf("got %v, want an *Error about the proxy", err)
	}
	clone := *e
	clone.Proxy = false
	checkError(t, &clone, kind, address, detail)
}

// A proxy whose answer never ends is read within a bound.
func TestTunnelAnswerIsBounded(t *testing.T) {
	address := serve(t, func(c net.Conn) {
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for err == nil {
			_, err = fmt.Fprintf(c, "X-Y: %s\r\n", strings.Repeat("y", 1000))
		}
	})
	_, err := through(t, "http://"+address).Dial(t.Context(), "tcp", "h:1")
	var e *connect.Error
	if !errors.As(err, &e) || !e.Proxy || e.Kind == connect.TimedOut {
		t.Errorf("got %v, want an *Error about the proxy before the limit", err)
	}
}

// A proxy that says nothing takes the limit and no longer.
func TestTunnelEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := through(t, "http://p.example:3128")
		d.Net = func(context.Context, string, string) (net.Conn, error) {
			conn, other := net.Pipe()
			go silent(other)
			return conn, nil
		}
		began := time.Now()
		_, err := d.Dial(t.Context(), "tcp", "h:1")
		checkProxyError(t, err, connect.TimedOut, "p.example:3128", "to CONNECT within 10s")
		if took := time.Since(began); took != d.Limit() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestProxiesThatCannotBeReached(t *testing.T) {
	authority := newIssuer(t, "authority")
	trusted, _ := write(t, tls.Certificate{Certificate: [][]byte{authority.cert.Raw}, PrivateKey: authority.key})
	secure := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.issueFor(t, "p.example")}})
	strange := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{newIssuer(t, "other").issue(t, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}})
	plain := serve(t, say("HTTP/1.1 400 Bad Request\r\n\r\n"))
	for _, tt := range []struct {
		name, proxy string
		kind        connect.Kind
		address     string
		detail      string
	}{
		{"nobody listens", "http://127.0.0.1:1", connect.Refused, "127.0.0.1:1", ""},
		{"an issuer that is not trusted", "https://" + strange, connect.UnknownAuthority, strange, "issued by CN=other"},
		{"another name", "https://" + secure, connect.WrongName, secure, "not 127.0.0.1; it has p.example"},
		{"no TLS", "https://" + plain, connect.ServerPlaintext, plain, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := through(t, tt.proxy)
			d.ProxyTLS.CACert = trusted
			_, err := d.Dial(t.Context(), "tcp", "h:1")
			checkProxyError(t, err, tt.kind, tt.address, tt.detail)
		})
	}
}

// A proxy that cannot be used is an error of the target's address, and nothing is sent.
func TestProxiesThatCannotBeUsed(t *testing.T) {
	nobody := func(context.Context, string, string) (net.Conn, error) {
		t.Error("somebody was dialled")
		return nil, net.ErrClosed
	}
	d := through(t, "socks5://u:secret@p:1")
	d.Net = nobody
	_, err := d.Dial(t.Context(), "tcp", "h:1")
	checkError(t, err, connect.ProxyUnusable, "h:1", "it is of the kind socks5, which is not spoken here; http and https are")

	cause := &connect.ProxyError{Variable: "HTTPS_PROXY", Problem: "has no host"}
	d = &connect.Dialer{Net: nobody, Proxy: func(string) (*url.URL, error) { return nil, cause }}
	_, err = d.Dial(t.Context(), "tcp", "h:1")
	checkError(t, err, connect.ProxyUnusable, "h:1", "HTTPS_PROXY has no host")
	if !errors.Is(err, cause) {
		t.Errorf("%v lacks its cause", err)
	}
}

// The certificates to trust a proxy by are read when it is dialled; without them the connection is
// closed.
func TestProxyCertificatesThatCannotBeRead(t *testing.T) {
	address := serve(t, silent)
	d := through(t, "https://"+address)
	made, closed := recordConn(new(net.Dialer).DialContext)
	d.Net = made
	d.ProxyTLS.CACert = filepath.Join(t.TempDir(), "none")
	_, err := d.Dial(t.Context(), "tcp", "h:1")
	checkProxyError(t, err, connect.ProxyUnusable, address, "its certificates cannot be read")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the file does not exist", err)
	}
	if !closed() {
		t.Error("the connection is still open")
	}
}
