package connect_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

func TestErrorTexts(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"a kind", &connect.Error{Kind: connect.Refused, Address: "h:1"}, "h:1: connection refused"},
		{"a detail", &connect.Error{Kind: connect.TimedOut, Address: "h:1", Detail: "within 10s"}, "h:1: no answer: within 10s"},
		{"of a proxy", &connect.Error{Kind: connect.Refused, Address: "p:1", Proxy: true}, "proxy p:1: connection refused"},
		{"late", &connect.LateError{Address: "h:1"}, "the deadline has passed while connecting to h:1"},
		{"late, after a failure", &connect.LateError{Address: "h:1", Err: &connect.Error{Kind: connect.Refused, Address: "h:1"}}, "the deadline has passed while connecting: h:1: connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What was wrong before a deadline is not the cause of a deadline that passed.
func TestLateErrorIsADeadline(t *testing.T) {
	err := error(&connect.LateError{Address: "h:1", Err: &connect.Error{Kind: connect.Refused, Address: "h:1", Err: io.EOF}})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.As(err, new(*connect.Error)) {
		t.Errorf("%v has the wrong causes", err)
	}
}

// The verdict on a certificate has its own kind for each cause, and says what the certificate has
// instead. InspectTLS verifies certificates itself: its verdict is the same.
func TestKindsOfCertificates(t *testing.T) {
	authority := newIssuer(t, "the authority")
	middle := authority.below(t, "the middle")
	chained := middle.issueFor(t, "h.example")
	whole := chained
	whole.Certificate = append([][]byte{}, chained.Certificate[0], middle.cert.Raw)
	moment := func(s string) time.Time {
		at, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tt := range []struct {
		name        string
		certificate tls.Certificate
		host        string
		kind        connect.Kind // "": the certificate is accepted
		detail      string
	}{
		{"a name", authority.issueFor(t, "h.example"), "h.example", "", ""},
		{"a name in capitals", authority.issueFor(t, "h.example"), "H.EXAMPLE", "", ""},
		{"a wildcard", authority.issueFor(t, "*.example"), "h.example", "", ""},
		{"a wildcard and two labels", authority.issueFor(t, "*.example"), "a.h.example", connect.WrongName, "not a.h.example; it has *.example"},
		{"an address", authority.issue(t, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}), "127.0.0.1", "", ""},
		{"another name", authority.issue(t, x509.Certificate{DNSNames: []string{"a.example", "b.example"}, IPAddresses: []net.IP{net.IPv6loopback}}), "h.example", connect.WrongName, "not h.example; it has a.example, b.example, ::1"},
		{"another address", authority.issueFor(t, "h.example"), "127.0.0.1", connect.WrongName, "not 127.0.0.1; it has h.example"},
		{"a common name alone", authority.issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "h.example"}}), "h.example", connect.WrongName, "not h.example; it has none at all"},
		{"another issuer", newIssuer(t, "somebody").issueFor(t, "h.example"), "h.example", connect.UnknownAuthority, "issued by CN=somebody"},
		{"an issuer of the same name", newIssuer(t, "the authority").issueFor(t, "h.example"), "h.example", connect.UnknownAuthority, "issued by CN=the authority"},
		{"its own issuer", (&issuer{}).issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "alone"}, DNSNames: []string{"h.example"}}), "h.example", connect.UnknownAuthority, "issued by CN=alone"},
		{"a chain", whole, "h.example", "", ""},
		{"a chain with a gap", chained, "h.example", connect.UnknownAuthority, "issued by CN=the middle"},
		{"expired", authority.issue(t, x509.Certificate{DNSNames: []string{"h.example"}, NotBefore: moment("2001-02-03 04:05:06"), NotAfter: moment("2002-02-03 04:05:06")}), "h.example", connect.Expired, "on 2002-02-03 04:05:06 UTC"},
		{"not valid yet", authority.issue(t, x509.Certificate{DNSNames: []string{"h.example"}, NotBefore: moment("2201-02-03 04:05:06"), NotAfter: moment("2202-02-03 04:05:06")}), "h.example", connect.NotYetValid, "until 2201-02-03 04:05:06 UTC"},
		{"for clients", authority.issue(t, x509.Certificate{DNSNames: []string{"h.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), "h.example", connect.Handshake, "x509: certificate specifies an incompatible key usage"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{tt.certificate}})
			d := &connect.Dialer{}
			config := &tls.Config{RootCAs: authority.pool, ServerName: tt.host, MinVersion: tls.VersionTLS12}
			_, err := d.Handshake(t.Context(), dial(t, d, address), address, config)
			checkError(t, err, tt.kind, address, tt.detail)
			_, _, err = d.InspectTLS(t.Context(), dial(t, d, address), address, config)
			checkError(t, err, tt.kind, address, tt.detail)
		})
	}
}

// checkError checks the kind, the address and the detail of an *Error; a kind of "" is no error.
func checkError(t *testing.T, err error, kind connect.Kind, address, detail string) {
	t.Helper()
	var got *connect.Error
	if err != nil && !errors.As(err, &got) {
		t.Fatalf("got %v, want an *Error", err)
	}
	var want *connect.Error
	if kind != "" {
		want = &connect.Error{Kind: kind, Address: address, Detail: detail}
	}
	if got != nil {
		clone := *got
		clone.Err, got = nil, &clone
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// alert is the record of a fatal alert (RFC 8446, section 6).
func alert(code byte) string { return "\x15\x03\x03\x00\x02\x02" + string([]byte{code}) }

// The bytes with which a server answers a TLS handshake show why it failed.
func TestKindsOfHandshakes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server func(net.Conn)
		cert   bool // the client has a certificate
		kind   connect.Kind
		detail string
	}{
		{"HTTP", say("HTTP/1.1 400 Bad Request\r\n\r\n"), false, connect.ServerPlaintext, ""},
		{"SSH", say("SSH-2.0-OpenSSH_9.9\r\n"), false, connect.ServerPlaintext, ""},
		{"settings of HTTP/2", say("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), false, connect.ServerPlaintext, ""},
		{"zeros", say(strings.Repeat("\x00", 100)), false, connect.ServerPlaintext, ""},
		{"closed", hangUp(""), false, connect.Closed, "during the TLS handshake"},
		{"closed in a header", hangUp("\x16\x03"), false, connect.Closed, "during the TLS handshake"},
		{"closed in a record", hangUp("\x16\x03\x03\x01\x00\x02"), false, connect.Closed, "during the TLS handshake"},
		{"close notify", say(alert(0)), false, connect.Closed, "during the TLS handshake"},
		{"reset", reset, false, connect.Closed, "it reset it during the TLS handshake"},
		{"not a message", say("\x16\x03\x03\x00\x04\xff\x00\x00\x00"), false, connect.Handshake, "unexpected message"},
		{"bad certificate", say(alert(42)), false, connect.ClientCert, "it sent the alert bad certificate"},
		{"bad certificate, given", say(alert(42)), true, connect.ClientCertBad, "it sent the alert bad certificate"},
		{"unsupported certificate", say(alert(43)), true, connect.ClientCertBad, "it sent the alert unsupported certificate"},
		{"revoked certificate", say(alert(44)), true, connect.ClientCertBad, "it sent the alert revoked certificate"},
		{"expired certificate", say(alert(45)), true, connect.ClientCertBad, "it sent the alert expired certificate"},
		{"unknown certificate", say(alert(46)), true, connect.ClientCertBad, "it sent the alert unknown certificate"},
		{"unknown authority", say(alert(48)), true, connect.ClientCertBad, "it sent the alert unknown certificate authority"},
		{"certificate required", say(alert(116)), false, connect.ClientCert, "it sent the alert certificate required"},
		{"handshake failure", say(alert(40)), false, connect.Handshake, "it sent the alert handshake failure; it may want a client certificate, or none of the versions and ciphers that are offered"},
		{"handshake failure, given", say(alert(40)), true, connect.Handshake, "it sent the alert handshake failure; it may want a client certificate, or none of the versions and ciphers that are offered"},
		{"no protocol", say(alert(120)), false, connect.HTTP1, "it refused HTTP/2 in the TLS handshake (ALPN)"},
		{"internal error", say(alert(80)), false, connect.Handshake, "internal error"},
		{"an unknown alert", say(alert(200)), false, connect.Handshake, "alert(200)"},
		{"the last alert", say(alert(255)), false, connect.Handshake, "alert(255)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t, tt.server)
			config := &tls.Config{ServerName: "h.example", MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
			if tt.cert {
				config.Certificates = []tls.Certificate{newIssuer(t, "authority").issueFor(t, "client")}
			}
			d := &connect.Dialer{}
			secured, err := d.Handshake(t.Context(), dial(t, d, address), address, config)
			if secured != nil {
				t.Errorf("got a connection")
			}
			checkError(t, err, tt.kind, address, tt.detail)
		})
	}
}

// Servers that crypto/tls runs refuse in their own words.
func TestHandshakesThatAServerRefuses(t *testing.T) {
	authority := newIssuer(t, "authority")
	other := newIssuer(t, "authority") // of that name, since a client presents only a certificate that the server's list of names allows
	forClient := x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, tt := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		kind   connect.Kind
		detail string
	}{
		{"HTTP/1.1 alone", &tls.Config{NextProtos: []string{"http/1.1"}}, &tls.Config{NextProtos: []string{"h2"}}, connect.HTTP1, "it refused HTTP/2 in the TLS handshake (ALPN)"},
		{"no version", &tls.Config{MinVersion: tls.VersionTLS13}, &tls.Config{MaxVersion: tls.VersionTLS12}, connect.Handshake, "protocol version not supported"},
		{"no cipher", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, &tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, MaxVersion: tls.VersionTLS12}, connect.Handshake, "it sent the alert handshake failure; it may want a client certificate, or none of the versions and ciphers that are offered"},
		{"a client certificate of another", &tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool}, &tls.Config{Certificates: []tls.Certificate{other.issue(t, forClient)}}, connect.ClientCertBad, "it sent the alert unknown certificate authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Certificates = []tls.Certificate{authority.issueFor(t, "h.example")}
			tt.client.RootCAs, tt.client.ServerName = authority.pool, "h.example"
			address := serveTLS(t, tt.server)
			d := &connect.Dialer{}
			_, err := d.Handshake(t.Context(), dial(t, d, address), address, tt.client)
			checkError(t, err, tt.kind, address, tt.detail)
		})
	}
}

// A server that accepts a connection and then says nothing takes the limit and no longer.
func TestHandshakeEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit time.Duration
		text  string
	}{
		{"the default", 0, "to the TLS handshake within 10s"},
		{"a limit", time.Minute, "to the TLS handshake within 1m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, other := net.Pipe()
				defer conn.Close()
				go silent(other)
				d := &connect.Dialer{Timeout: tt.limit}
				began := time.Now()
				_, err := d.Handshake(t.Context(), conn, "h:1", &tls.Config{ServerName: "h"})
				checkError(t, err, connect.TimedOut, "h:1", tt.text)
				if took := time.Since(began); took != d.Limit() {
					t.Errorf("took %s, want %s", took, d.Limit())
				}
			})
		})
	}
}
