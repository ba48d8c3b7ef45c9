package connect

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// ProxyFromEnvironment returns, for Dialer.Proxy, the choice that HTTPS_PROXY and
// NO_PROXY make, in capitals or not. Their rules are those of net/http: no proxy
// for this machine, host suffixes, address ranges and "*" in NO_PROXY. It returns
// nil when no proxy is named.
func ProxyFromEnvironment(getenv func(string) string) func(address string) (*url.URL, error) {
	either := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return getenv(strings.ToLower(name))
	}
	c := httpproxy.Config{HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}
	if c.HTTPSProxy == "" {
		return nil
	}
	choose := c.ProxyFunc()
	return func(address string) (*url.URL, error) {
		// A tunnel carries anything, so the one for https serves plaintext too.
		u, err := choose(&url.URL{Scheme: "https", Host: address})
		if err != nil || u != nil && (u.Hostname() == "" || strings.Trim(u.Path, "/") != "") {
			return nil, errors.New("HTTPS_PROXY is no URL of a proxy") // its text may have a password
		}
		return u, nil
	}
}

// proxyPorts are the ports of proxies that name none, by scheme.
var proxyPorts = map[string]string{"http": "80", "https": "443"}

// tunnel connects to address through a proxy, by HTTP CONNECT (RFC 9110, section
// 9.3.6). Its error is an *Error about the proxy.
func (d *Dialer) tunnel(ctx context.Context, proxy *url.URL, address string) (net.Conn, error) {
	port, known := proxyPorts[proxy.Scheme]
	if !known {
		return nil, &Error{Kind: ProxyRefused, Address: proxy.Host, Detail: fmt.Sprintf("%s is no kind of proxy that is spoken here; http and https are", proxy.Scheme)}
	}
	at := proxy.Host
	if proxy.Port() == "" {
		at = net.JoinHostPort(proxy.Hostname(), port)
	}
	conn, err := d.net()(ctx, "tcp", at)
	if err != nil {
		e := dialError(at, err, d.Limit())
		e.Proxy = true
		return nil, e
	}
	if proxy.Scheme == "https" {
		config, err := d.ProxyTLS.Config()
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		config.ServerName = proxy.Hostname()
		secured, err := d.Handshake(ctx, conn, at, config)
		if err != nil {
			_ = conn.Close()
			var e *Error
			if errors.As(err, &e) {
				e.Proxy = true
			}
			return nil, err
		}
		conn = secured
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnelled, err := connectThrough(conn, proxy, address)
	if !stop() || err != nil {
		_ = conn.Close()
		return nil, tunnelError(ctx, at, err, d.Limit())
	}
	return tunnelled, nil
}

// errProxy is an answer of a proxy that is not a tunnel.
type errProxy struct{ status string }

func (e *errProxy) Error() string { return e.status }

// maxProxyAnswer bounds the header of a proxy's answer, in bytes.
const maxProxyAnswer = 64 << 10

// connectThrough asks a proxy for a tunnel.
func connectThrough(conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"rpcctl"}}}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxProxyAnswer}
	buffered := bufio.NewReader(limited)
	answer, err := http.ReadResponse(buffered, r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &errProxy{status: answer.Status}
	}
	if buffered.Buffered() == 0 {
		return conn, nil
	}
	// The server spoke first, in the same packet.
	early, _ := buffered.Peek(buffered.Buffered())
	return &prefixed{Conn: conn, early: early}, nil
}

// tunnelError explains why there is no tunnel.
func tunnelError(ctx context.Context, proxy string, err error, limit time.Duration) *Error {
	e := &Error{Kind: ProxyRefused, Address: proxy, Proxy: true, Err: err}
	var refused *errProxy
	switch {
	case ctx.Err() != nil || isTimeout(err):
		e.Kind, e.Detail = TimedOut, "to CONNECT "+withinLimit(limit)
		e.Err = errors.Join(err, ctx.Err())
	case errors.As(err, &refused):
		e.Detail = fmt.Sprintf("it answered %q", cut([]byte(refused.status)))
	case closedEarly(err):
		e.Kind, e.Detail = Closed, "instead of answering CONNECT"
	default:
		e.Kind, e.Detail = Garbage, "its answer to CONNECT is no HTTP"
	}
	return e
}

// prefixed is a connection some of whose bytes were read already.
type prefixed struct {
	net.Conn
	early []byte
}

// Read returns the early bytes first.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.early) > 0 {
		n := copy(b, p.early)
		p.early = p.early[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
