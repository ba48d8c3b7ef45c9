package connect

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A Sniffer is a connection that looks at the first bytes that arrive,
// to tell what a server speaks that does not answer with HTTP/2.
type Sniffer struct {
	net.Conn
	address string
	explain func(address string, p []byte, err error) *Error
	looked  atomic.Bool // at the first bytes
	fault   atomic.Pointer[Error]

	http2    bool // will be spoken
	gaveCert bool
}

// GaveCert notes whether a client certificate was there to send, and returns s: when one was,
// a server that complains wants another.
func (s *Sniffer) GaveCert(given bool) *Sniffer {
	s.gaveCert = given
	return s
}

// Sniff wraps a fresh connection on which HTTP/2 will be spoken.
func Sniff(conn net.Conn, address string) *Sniffer {
	return &Sniffer{Conn: conn, address: address, explain: firstBytes, http2: true}
}

// SniffHTTP1 wraps a fresh connection on which HTTP/1.1 will be spoken.
func SniffHTTP1(conn net.Conn, address string) *Sniffer {
	return &Sniffer{Conn: conn, address: address, explain: firstBytesHTTP1}
}

// Fault returns what is wrong with the server's first bytes, or nil.
func (s *Sniffer) Fault() *Error { return s.fault.Load() }

// Read reads, and looks at the first bytes. It returns a fault in them as its error, since a
// frame may never become complete.
func (s *Sniffer) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n == 0 && err == nil {
		return n, err
	}
	if e := s.look(p[:n], err); e != nil {
		return 0, e
	}
	return n, err
}

// look examines the first bytes, or the error that came instead of them.
func (s *Sniffer) look(p []byte, err error) *Error {
	if s.looked.Load() || !s.looked.CompareAndSwap(false, true) {
		return nil
	}
	e := s.explain(s.address, p, err)
	if e == nil {
		return nil
	}
	secured, isTLS := s.Conn.(*tls.Conn)
	switch {
	case e.Kind == ClientCert && s.gaveCert:
		e.Kind = ClientCertBad
	case isTLS && s.http2 && (e.Kind == HTTP1 || e.Kind == Garbage || e.Kind == Closed) &&
		secured.ConnectionState().NegotiatedProtocol == "":
		e.Kind, e.Detail = NoALPN, "no protocol was agreed on (ALPN), and then: "+string(e.Kind)+": "+e.Detail
	}
	s.fault.Store(e)
	return e
}

// lastWords is how long a connection that cannot be written to is still read: what the server
// sent before it closed may still be on its way.
const lastWords = 100 * time.Millisecond

// Write writes. When the server has closed the connection before it was read from, Write reads
// what it sent: that may be an alert of TLS, which says more than a broken pipe.
func (s *Sniffer) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if err == nil || s.looked.Load() || !closedEarly(err) {
		return n, err
	}
	words := make([]byte, 64)
	_ = s.Conn.SetReadDeadline(time.Now().Add(lastWords))
	m, rerr := s.Conn.Read(words)
	if rerr == nil || isTimeout(rerr) {
		rerr = err
	}
	s.look(words[:m], rerr)
	// Another goroutine may have read the words.
	if e := s.fault.Load(); e != nil {
		return n, e
	}
	return n, err
}

// The first bytes of TLS records.
const (
	recordAlert     = 0x15 // RFC 8446, section 5.1
	recordHandshake = 0x16
)

func isTLS(p []byte) bool {
	return len(p) >= 2 && (p[0] == recordAlert || p[0] == recordHandshake) && p[1] == 3
}

// firstBytesHTTP1 explains the first bytes of a server that was spoken to in HTTP/1.1, or the
// error instead of them. It returns nil for what may be a response, which is left to its
// reader.
func firstBytesHTTP1(address string, p []byte, err error) *Error {
	// What net/http answers on a port with TLS; other servers say it on a page.
	const wantsTLS = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server"
	switch {
	case len(p) == 0:
		return withoutBytes(address, err)
	case isTLS(p) || bytes.HasPrefix(p, []byte(wantsTLS)):
		return &Error{Kind: ServerTLS, Address: address}
	case len(p) >= len("HTTP/") && !bytes.HasPrefix(p, []byte("HTTP/")):
		return &Error{Kind: Garbage, Address: address, Detail: fmt.Sprintf("it sent %q", cut(p))}
	}
	return nil
}

// withoutBytes explains the error that came instead of a server's first bytes.
func withoutBytes(address string, err error) *Error {
	alert, alerted := remoteAlert(err)
	switch {
	case alerted && wantsClientCert(alert): // TLS 1.3 sends it after the handshake
		return &Error{
			Kind: ClientCert, Address: address, Err: err,
			Detail: "it sent the alert " + strings.TrimPrefix(alert.Error(), "tls: "),
		}
	case errors.Is(err, syscall.ECONNRESET):
		return &Error{Kind: Closed, Address: address, Detail: "it reset it before it said anything", Err: err}
	case closedEarly(err):
		return &Error{Kind: Closed, Address: address, Detail: "before it said anything", Err: err}
	}
	return nil
}

// firstBytes explains the first bytes of a server that was spoken to in HTTP/2
// without TLS, or the error instead of them. It returns nil for a SETTINGS frame
// (RFC 9113, section 3.4).
func firstBytes(address string, p []byte, err error) *Error {
	const frameSettings = 0x4
	switch {
	case len(p) == 0:
		return withoutBytes(address, err)
	case isTLS(p):
		return &Error{Kind: ServerTLS, Address: address}
	case bytes.HasPrefix(p, []byte("HTTP/1")):
		if bytes.Contains(p, []byte("HTTPS")) {
			return &Error{Kind: ServerTLS, Address: address}
		}
		line, _, _ := bytes.Cut(p, []byte("\r\n"))
		return &Error{Kind: HTTP1, Address: address, Detail: fmt.Sprintf("it answered %q", cut(line))}
	case len(p) >= 4 && p[3] != frameSettings:
		return &Error{Kind: Garbage, Address: address, Detail: fmt.Sprintf("it sent %q", cut(p))}
	}
	return nil
}

// cut keeps what of a server's first bytes is worth showing.
func cut(p []byte) []byte { return p[:min(len(p), 40)] }
