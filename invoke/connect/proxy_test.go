package connect_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"

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
