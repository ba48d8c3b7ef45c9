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
	"unicode"

	"golang.org/x/net/http/httpproxy"
)

// A ProxyError is the error of a variable whose value cannot be the address of a proxy. Its text shows
// nothing of the value, which may have a password in it.
type ProxyError struct {
	Variable string // the name of it
	Problem  string // what is wrong with it
}

func (e *ProxyError) Error() string { return e.Variable + " " + e.Problem }

// ProxyFromEnvironment returns, for Dialer.Proxy, the choice that HTTPS_PROXY and
// NO_PROXY make, in capitals or not. Their rules are those of net/http: no proxy
// for this machine, host suffixes, address ranges and "*" in NO_PROXY. It returns
// nil when no proxy is named. The choice's error is a *ProxyError, for the addresses
// that would be reached through the proxy.
func ProxyFromEnvironment(getenv func(string) string) func(address string) (*url.URL, error) {
	either := func(name string) (string, string) {
		if v := getenv(name); v != "" {
			return name, v
		}
		name = strings.ToLower(name)
		return name, getenv(name)
	}
	variable, text := either("HTTPS_PROXY")
	if text == "" {
		return nil
	}
	proxy, err := parseProxy(variable, text)
	// httpproxy takes a text that it cannot read for no proxy, and "http://" for a host named
	// http. It is used for its rules alone.
	_, none := either("NO_PROXY")
	c := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: none}
	choose := c.ProxyFunc()
	return func(address string) (*url.URL, error) {
		// A tunnel carries anything, so the one for https serves plaintext too.
		if u, cerr := choose(&url.URL{Scheme: "https", Host: address}); u == nil || cerr != nil {
			return nil, cerr
		}
		return proxy, err
	}
}

// parseProxy reads the proxy that a variable names: a URL, or host:port for http.
func parseProxy(variable, text string) (*url.URL, error) {
	problem := func(text string) error { return &ProxyError{Variable: variable, Problem: text} }
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return nil, problem("has white space in it")
	}
	alone := strings.ToLower(strings.TrimRight(text, ":/"))
	if _, isScheme := proxyPorts[alone]; isScheme || alone == "" {
		return nil, problem("has no host")
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, problem("is no URL of a proxy") // the cause has the text
	}
	_, known := proxyPorts[u.Scheme]
	switch {
	case u.Hostname() == "":
		return nil, problem("has no host")
	case strings.Trim(u.Path, "/") != "":
		return nil, problem("is no URL of a proxy")
	case !known:
		return nil, problem("is " + otherKind(u.Scheme))
	}
	return u, nil
}

// proxyPorts are the ports of proxies that name none, by scheme.
var proxyPorts = map[string]string{"http": "80", "https": "443"}

// otherKind is what is wrong with a proxy whose scheme has no port there.
func otherKind(scheme string) string {
	return "of the kind " + scheme + ", which is not spoken here; http and https are"
}

// tunnel connects to address through a proxy, by HTTP CONNECT (RFC 9110, section
// 9.3.6). Its error is an *Error about the proxy.
func (d *Dialer) tunnel(ctx context.Context, proxy *url.URL, address string) (net.Conn, error) {
	port, known := proxyPorts[proxy.Scheme]
	if !known {
		return nil, &Error{Kind: ProxyUnusable, Address: address, Detail: "it is " + otherKind(proxy.Scheme)}
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
		config, err := d.ProxyTLS.Config(ctx)
		if err != nil {
			_ = conn.Close()
			return nil, &Error{
				Kind: ProxyUnusable, Address: at, Proxy: true, Err: err,
				Detail: "its certificates cannot be read",
			}
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

// errLongAnswer is an answer of a proxy that is longer than maxProxyAnswer.
var errLongAnswer = errors.New("longer than 64 KiB")

// maxProxyAnswer bounds the header of a proxy's answer, in bytes.
const maxProxyAnswer = 64 << 10

// connectThrough asks a proxy for a tunnel.
func connectThrough(conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	r := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address,
		Header: http.Header{"User-Agent": {"rpcctl"}},
	}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		r.Header.Set("Proxy-Authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxProxyAnswer}
	buffered := bufio.NewReader(limited)
	answer, err := http.ReadResponse(buffered, r)
	for err == nil && answer.StatusCode/100 == 1 { // it is at work (RFC 9110, section 15.2)
		answer, err = http.ReadResponse(buffered, r)
	}
	if err != nil && limited.N <= 0 {
		return nil, errLongAnswer
	}
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
	case errors.Is(err, errLongAnswer):
		e.Kind, e.Detail = Garbage, "its answer to CONNECT is "+err.Error()
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
