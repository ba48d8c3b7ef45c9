package connect_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // a frame that changes nothing

// first asks a server something, and returns the error of reading its first bytes.
func first(s *connect.Sniffer) error {
	if _, err := s.Write([]byte("a question")); err != nil {
		return err
	}
	_, err := s.Read(make([]byte, 100))
	return err
}

// The first bytes of a server show what it speaks. A fault in them is the error of the read,
// and none of them reaches a parser of frames or of headers.
func TestFirstBytes(t *testing.T) {
	const html = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\nThe plain HTTP request was sent to HTTPS port"
	for _, tt := range []struct {
		name   string
		sniff  func(net.Conn, string) *connect.Sniffer
		server func(net.Conn)
		kind   connect.Kind // "": there is no fault
		detail string
	}{
		{"settings", connect.Sniff, say(settings), "", ""},
		{"settings that go on", connect.Sniff, say("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"), "", ""},
		{"too few bytes for a frame", connect.Sniff, say("\x00\x00"), "", ""},
		{"another frame", connect.Sniff, say("\x00\x00\x08\x07\x00\x00\x00\x00\x00"), connect.Garbage, `it sent "\x00\x00\b\a\x00\x00\x00\x00\x00"`},
		{"HTTP/1.1", connect.Sniff, say("HTTP/1.1 505 HTTP Version Not Supported\r\nServer: x\r\n\r\n"), connect.HTTP1, `it answered "HTTP/1.1 505 HTTP Version Not Supported"`},
		{"HTTP/1.1 without an end", connect.Sniff, say("HTTP/1.0"), connect.HTTP1, `it answered "HTTP/1.0"`},
		{"HTTP/1.1 with keys of a terminal", connect.Sniff, say("HTTP/1.1 400 \x1b]0;x\x07\r\n\r\n"), connect.HTTP1, `it answered "HTTP/1.1 400 \x1b]0;x\a"`},
		{"a long line of HTTP/1.1", connect.Sniff, say("HTTP/1.1 400 " + strings.Repeat("x", 80)), connect.HTTP1, `it answered "HTTP/1.1 400 ` + strings.Repeat("x", 27) + `"`},
		{"a page that wants TLS", connect.Sniff, say(html), connect.ServerTLS, ""},
		{"an alert of TLS", connect.Sniff, say(alert(70)), connect.ServerTLS, ""},
		{"a handshake of TLS", connect.Sniff, say("\x16\x03\x01\x00\x05"), connect.ServerTLS, ""},
		{"the first byte of TLS alone", connect.Sniff, say("\x16\x04\x01\x00\x05"), connect.Garbage, `it sent "\x16\x04\x01\x00\x05"`},
		{"SSH", connect.Sniff, say("SSH-2.0-OpenSSH_9.9\r\n"), connect.Garbage, `it sent "SSH-2.0-OpenSSH_9.9\r\n"`},
		{"long garbage", connect.Sniff, say(strings.Repeat("é", 60)), connect.Garbage, `it sent "` + strings.Repeat("é", 20) + `"`},
		{"closed", connect.Sniff, hangUp(""), connect.Closed, "before it said anything"},
		{"reset", connect.Sniff, reset, connect.Closed, "it reset it before it said anything"},

		{"HTTP/1.1, a response", connect.SniffHTTP1, say("HTTP/1.1 200 OK\r\n\r\n"), "", ""},
		{"HTTP/1.1, an error", connect.SniffHTTP1, say("HTTP/1.1 400 Bad Request\r\n\r\n"), "", ""},
		{"HTTP/1.1, the beginning of one", connect.SniffHTTP1, say("HT"), "", ""},
		{"HTTP/1.1, settings", connect.SniffHTTP1, say(settings), connect.Garbage, `it sent "\x00\x00\x00\x04\x00\x00\x00\x00\x00"`},
		{"HTTP/1.1, an alert of TLS", connect.SniffHTTP1, say(alert(70)), connect.ServerTLS, ""},
		{"HTTP/1.1, a server of Go that wants TLS", connect.SniffHTTP1, say("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), connect.ServerTLS, ""},
		{"HTTP/1.1, SSH", connect.SniffHTTP1, say("SSH-2.0-OpenSSH_9.9\r\n"), connect.Garbage, `it sent "SSH-2.0-OpenSSH_9.9\r\n"`},
		{"HTTP/1.1, closed", connect.SniffHTTP1, hangUp(""), connect.Closed, "before it said anything"},
		{"HTTP/1.1, reset", connect.SniffHTTP1, reset, connect.Closed, "it reset it before it said anything"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t, tt.server)
			s := tt.sniff(dial(t, new(connect.Dialer), address), address)
			checkError(t, first(s), tt.kind, address, tt.detail)
			var fault error
			if e := s.Fault(); e != nil {
				fault = e
			}
			checkError(t, fault, tt.kind, address, tt.detail)
		})
	}
}

// Only the first bytes are examined: the rest belongs to the protocol.
func TestLaterBytesAreNotLookedAt(t *testing.T) {
	address := serve(t, func(c net.Conn) {
		for _, text := range []string{settings, "SSH-2.0-OpenSSH_9.9\r\n"} {
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, text)
		}
	})
	s := connect.Sniff(dial(t, new(connect.Dialer), address), address)
	for range 2 {
		if err := first(s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF || s.Fault() != nil {
		t.Errorf("got %v and the fault %v, want the end of the connection", err, s.Fault())
	}
}

// After a TLS handshake the first bytes show more: a server of TLS 1.3 refuses the client's
// certificate only then, and one that did not agree on HTTP/2 speaks something else.
func TestFirstBytesOverTLS(t *testing.T) {
	authority := newIssuer(t, "authority")
	certificates := []tls.Certificate{authority.issueFor(t, "h.example")}
	mutual := &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}}
	http2 := &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}}
	none := &tls.Config{Certificates: certificates}
	const answer = "HTTP/1.1 400 Bad Request\r\n\r\n"
	for _, tt := range []struct {
		name   string
		server *tls.Config
		answer func(net.Conn)
		client bool
		sniff  func(net.Conn, string) *connect.Sniffer
		kind   connect.Kind
		detail string
	}{
		{"HTTP/2", http2, say(settings), false, connect.Sniff, "", ""},
		{"no certificate", mutual, silent, false, connect.Sniff, connect.ClientCert, "it sent the alert certificate required"},
		{"another certificate", mutual, silent, true, connect.Sniff, connect.ClientCertBad, "it sent the alert certificate required"},
		{"no certificate, HTTP/1.1", mutual, silent, false, connect.SniffHTTP1, connect.ClientCert, "it sent the alert certificate required"},
		{"HTTP/1.1 after HTTP/2 was agreed on", http2, say(answer), false, connect.Sniff, connect.HTTP1, `it answered "HTTP/1.1 400 Bad Request"`},
		{"HTTP/1.1 and nothing agreed on", none, say(answer), false, connect.Sniff, connect.NoALPN, `no protocol was agreed on (ALPN), and then: the server speaks HTTP/1 only: it answered "HTTP/1.1 400 Bad Request"`},
		{"HTTP/2 and nothing agreed on", none, say(settings), false, connect.Sniff, "", ""},
		{"garbage and nothing agreed on", none, say("220 mail\r\n"), false, connect.Sniff, connect.NoALPN, `no protocol was agreed on (ALPN), and then: the server does not speak HTTP/2: it sent "220 mail\r\n"`},
		{"closed and nothing agreed on", none, hangUp(""), false, connect.Sniff, connect.NoALPN, "no protocol was agreed on (ALPN), and then: closed the connection: before it said anything"},
		{"closed and nothing agreed on, HTTP/1.1", none, hangUp(""), false, connect.SniffHTTP1, connect.Closed, "before it said anything"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t, func(c net.Conn) {
				secured := tls.Server(c, tt.server)
				defer secured.Close()
				tt.answer(secured)
			})
			d := &connect.Dialer{}
			config := &tls.Config{RootCAs: authority.pool, ServerName: "h.example", NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
			secured, err := d.Handshake(t.Context(), dial(t, d, address), address, config)
			if err != nil {
				t.Fatal(err)
			}
			checkError(t, first(tt.sniff(secured, address).GaveCert(tt.client)), tt.kind, address, tt.detail)
		})
	}
}

// unixPair returns the two ends of a connection over a socket, until the test ends.
func unixPair(t *testing.T) (client, server *net.UnixConn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return dialled.(*net.UnixConn), accepted.(*net.UnixConn)
}

// A server may close before the client has sent anything, after it has said why: that is then
// the error of writing, and not the broken pipe.
func TestLastWords(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leave  func(*net.UnixConn) error // how the server stops reading
		words  string
		kind   connect.Kind
		detail string
	}{
		{"an alert of TLS", (*net.UnixConn).Close, alert(70), connect.ServerTLS, ""},
		{"HTTP/1.1", (*net.UnixConn).Close, "HTTP/1.1 503 Busy\r\n\r\n", connect.HTTP1, `it answered "HTTP/1.1 503 Busy"`},
		{"none", (*net.UnixConn).Close, "", connect.Closed, "before it said anything"},
		{"none, but it stays", (*net.UnixConn).CloseRead, "", connect.Closed, "before it said anything"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := unixPair(t)
			if _, err := io.WriteString(server, tt.words); err != nil {
				t.Fatal(err)
			}
			if err := tt.leave(server); err != nil {
				t.Fatal(err)
			}
			_, err := connect.Sniff(client, "/s").Write([]byte("a question"))
			checkError(t, err, tt.kind, "/s", tt.detail)
		})
	}
}

// When what the server said has no fault, the error of writing stays as it is; the same holds
// for what was read before.
func TestLastWordsThatExplainNothing(t *testing.T) {
	for _, tt := range []struct {
		name, words string
		heard       bool
	}{
		{"settings", settings, false},
		{"settings that were read", settings, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := unixPair(t)
			s := connect.Sniff(client, "/s")
			if _, err := io.WriteString(server, tt.words); err != nil {
				t.Fatal(err)
			}
			if tt.heard {
				if _, err := s.Read(make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
			}
			server.Close()
			if _, err := s.Write([]byte("a question")); !errors.Is(err, syscall.EPIPE) || s.Fault() != nil {
				t.Errorf("got %v and the fault %v, want a broken pipe", err, s.Fault())
			}
		})
	}
}
