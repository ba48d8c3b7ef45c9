package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A zone is what a name server answers: addresses by name, or another code than success.
type zone map[string]struct {
	code  dnsmessage.RCode
	addrs []string
}

// serveNames runs a name server on this machine until the test ends. It says nothing about a name
// that the zone lacks.
func serveNames(t *testing.T, z zone) (address string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			answer, ok := z[m.Questions[0].Name.String()]
			if !ok {
				continue
			}
			m.Response, m.Authoritative, m.RCode, m.Additionals = true, true, answer.code, nil
			for _, a := range answer.addrs {
				if r, ok := record(m.Questions[0], netip.MustParseAddr(a)); ok {
					m.Answers = append(m.Answers, r)
				}
			}
			packed, err := m.Pack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.WriteTo(packed, from)
		}
	}()
	return c.LocalAddr().String()
}

// record returns the record of an address, if it is of the type that is asked for.
func record(q dnsmessage.Question, a netip.Addr) (dnsmessage.Resource, bool) {
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}}
	switch {
	case q.Type == dnsmessage.TypeA && a.Is4():
		r.Body = &dnsmessage.AResource{A: a.As4()}
	case q.Type == dnsmessage.TypeAAAA && a.Is6():
		r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
	default:
		return r, false
	}
	return r, true
}

func TestLookup(t *testing.T) {
	server := serveNames(t, zone{
		"four.example.":   {addrs: []string{"192.0.2.1", "192.0.2.2"}},
		"six.example.":    {addrs: []string{"2001:db8::1"}},
		"mapped.example.": {addrs: []string{"::ffff:192.0.2.1"}},
		"none.example.":   {code: dnsmessage.RCodeNameError},
		"empty.example.":  {},
		"broken.example.": {code: dnsmessage.RCodeServerFailure},
	})
	for _, tt := range []struct {
		name, address string
		want          []string
		kind          connect.Kind
		detail        string
	}{
		{"IPv4", "four.example.:443", []string{"192.0.2.1", "192.0.2.2"}, "", ""},
		{"IPv6", "six.example.:443", []string{"2001:db8::1"}, "", ""},
		{"IPv4 in IPv6", "mapped.example.:443", []string{"192.0.2.1"}, "", ""},
		{"an address", "192.0.2.9:443", []string{"192.0.2.9"}, "", ""},
		{"an address of IPv6", "[2001:db8::9]:443", []string{"2001:db8::9"}, "", ""},
		{"no such name", "none.example.:443", nil, connect.UnknownHost, ""},
		{"no address", "empty.example.:443", nil, connect.UnknownHost, ""},
		{"a server that fails", "broken.example.:443", nil, connect.UnknownHost, "looking up the name: server misbehaving"},
		{"no port", "four.example.", nil, connect.Other, "address four.example.: missing port in address"},
		{"no brackets", "2001:db8::9", nil, connect.Other, "address 2001:db8::9: too many colons in address"},
		{"no host", ":443", nil, connect.UnknownHost, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := new(connect.Dialer).Lookup(t.Context(), server, tt.address)
			checkError(t, err, tt.kind, tt.address, tt.detail)
			var want []netip.Addr
			for _, a := range tt.want {
				want = append(want, netip.MustParseAddr(a))
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A name server that does not answer takes the limit and no longer.
func TestLookupEnds(t *testing.T) {
	const limit = 50 * time.Millisecond
	d := &connect.Dialer{Timeout: limit}
	began := time.Now()
	_, err := d.Lookup(t.Context(), serveNames(t, nil), "h.example.:443")
	checkError(t, err, connect.TimedOut, "h.example.:443", "to the question for its name within 50ms")
	if took := time.Since(began); took > 10*limit {
		t.Errorf("took %s", took)
	}
}

// What was seen of the other side is returned also when its certificate is refused, and nothing
// when there was no certificate. The caller's configuration stays as it was.
func TestInspectTLSTellsWhatItSaw(t *testing.T) {
	authority := newIssuer(t, "authority")
	certificate := authority.issueFor(t, "h.example")
	secure := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}})
	http1 := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}})
	for _, tt := range []struct {
		name, address, host string
		insecure            bool
		kind                connect.Kind
		seen                bool
	}{
		{"accepted", secure, "h.example", false, "", true},
		{"refused", secure, "h.test", false, connect.WrongName, true},
		{"not verified", secure, "h.test", true, "", true},
		{"no protocol", http1, "h.example", false, connect.HTTP1, false},
		{"no TLS", serve(t, say("SSH-2.0-OpenSSH_9.9\r\n")), "h.example", false, connect.ServerPlaintext, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &connect.Dialer{}
			config := &tls.Config{RootCAs: authority.pool, ServerName: tt.host, InsecureSkipVerify: tt.insecure, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
			conn, seen, err := d.InspectTLS(t.Context(), dial(t, d, tt.address), tt.address, config)
			checkKind(t, err, tt.kind)
			if (conn != nil) != (tt.kind == "") {
				t.Errorf("got the connection %v", conn)
			}
			if (seen != nil) != tt.seen {
				t.Fatalf("saw %v", seen)
			}
			if tt.seen && (seen.NegotiatedProtocol != "h2" || !seen.PeerCertificates[0].Equal(certificate.Leaf)) {
				t.Errorf("saw %s and the certificate of %s", seen.NegotiatedProtocol, seen.PeerCertificates[0].Subject)
			}
			if config.InsecureSkipVerify != tt.insecure || config.VerifyConnection != nil {
				t.Error("the configuration was changed")
			}
		})
	}
}

func TestSpeaksHTTP2(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server func(net.Conn)
		kind   connect.Kind
		detail string
	}{
		{"it does", say(settings), "", ""},
		{"in small pieces", func(c net.Conn) {
			for _, b := range []byte(settings) {
				_, _ = c.Write([]byte{b})
			}
			silent(c)
		}, "", ""},
		{"HTTP/1.1", say("HTTP/1.1 400 Bad Request\r\n\r\n"), connect.HTTP1, `it answered "HTTP/1.1 400 Bad Request"`},
		{"TLS", say(alert(70)), connect.ServerTLS, ""},
		{"garbage", say("220 mail\r\n"), connect.Garbage, `it sent "220 mail\r\n"`},
		{"closed", hangUp(""), connect.Closed, ""},
		{"closed in the settings", hangUp("\x00\x00\x00\x04"), connect.Closed, ""},
		{"reset", reset, connect.Closed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &connect.Dialer{}
			address := serve(t, tt.server)
			err := d.SpeaksHTTP2(t.Context(), dial(t, d, address), address, false)
			checkKind(t, err, tt.kind)
			var e *connect.Error
			if errors.As(err, &e) && tt.detail != "" && e.Detail != tt.detail {
				t.Errorf("got %q, want %q", e.Detail, tt.detail)
			}
		})
	}
}

// The client says what the protocol begins with (RFC 9113, section 3.4).
func TestSpeaksHTTP2SaysThePreface(t *testing.T) {
	said := make(chan string, 1)
	address := serve(t, func(c net.Conn) {
		words := make([]byte, 33)
		_, err := io.ReadFull(c, words)
		said <- string(words)
		if err == nil {
			_, _ = io.WriteString(c, settings)
		}
	})
	d := &connect.Dialer{}
	if err := d.SpeaksHTTP2(t.Context(), dial(t, d, address), address, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+settings, <-said); diff != "" {
		t.Error(diff)
	}
}

// A server of TLS 1.3 refuses the client's certificate when the handshake is over.
func TestSpeaksHTTP2WithAClientCertificate(t *testing.T) {
	certificates := []tls.Certificate{newIssuer(t, "authority").issueFor(t, "h.example")}
	address := serveTLS(t, &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13})
	for given, want := range map[bool]connect.Kind{false: connect.ClientCert, true: connect.ClientCertBad} {
		d := &connect.Dialer{}
		secured, err := d.Handshake(t.Context(), dial(t, d, address), address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		checkError(t, d.SpeaksHTTP2(t.Context(), secured, address, given), want, address, "it sent the alert certificate required")
	}
}

// A server that sends no settings takes the limit, or less when the context ends before.
func TestSpeaksHTTP2Ends(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		want     time.Duration
	}{
		{"at the limit", time.Minute, connect.DefaultTimeout},
		{"at the deadline", time.Second, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				conn, other := net.Pipe()
				defer conn.Close()
				go silent(other)
				began := time.Now()
				checkKind(t, new(connect.Dialer).SpeaksHTTP2(ctx, conn, "h:1", false), connect.TimedOut)
				if took := time.Since(began); took != tt.want {
					t.Errorf("took %s, want %s", took, tt.want)
				}
			})
		})
	}
}

// A question that is given up ends then.
func TestSpeaksHTTP2EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		cancel()
		silent(c)
	})
	d := &connect.Dialer{Timeout: time.Hour}
	if err := d.SpeaksHTTP2(ctx, dial(t, d, address), address, false); err == nil {
		t.Error("got no error")
	}
}

func TestTLSVersion(t *testing.T) {
	for v, want := range map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3", tls.VersionTLS11: "0x0302", 0: "0x0000", 0xffff: "0xffff"} {
		if got := connect.TLSVersion(v); got != want {
			t.Errorf("%#x: got %s, want %s", v, got, want)
		}
	}
}
