package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Kind is a reason why a connection could not be made.
type Kind string

// The causes. Each has its own next step for a person.
const (
	UnknownHost      Kind = "unknown host"                // the name resolves to nothing
	Refused          Kind = "connection refused"          // nothing listens there
	Unreachable      Kind = "unreachable"                 // no route
	TimedOut         Kind = "no answer"                   // within the limit for connecting
	Closed           Kind = "closed the connection"       // before a byte of its own
	ServerTLS        Kind = "the server speaks TLS"       // and was spoken to in plaintext
	ServerPlaintext  Kind = "the server does not use TLS" // and was spoken to in TLS
	HTTP1            Kind = "the server speaks HTTP/1 only"
	Garbage          Kind = "the server does not speak HTTP/2"
	UnknownAuthority Kind = "the certificate's issuer is not trusted"
	WrongName        Kind = "the certificate is for another name"
	Expired          Kind = "the certificate has expired"
	NotYetValid      Kind = "the certificate is not valid yet"
	ClientCert       Kind = "the server wants a client certificate"
	ClientCertBad    Kind = "the server refuses the client certificate"
	NoALPN           Kind = "the server's TLS does not offer HTTP/2"
	NotGRPC          Kind = "the answer is not gRPC"
	ProxyRefused     Kind = "the proxy refuses"
	ProxyUnusable    Kind = "the proxy cannot be used" // as it is named
	Handshake        Kind = "TLS handshake"            // any other fault of TLS
	NoSocket         Kind = "no such socket"
	Elsewhere        Kind = "the name is not this machine" // and was spoken to in plaintext
	Other            Kind = "cannot connect"
)

// An Error says why a connection could not be made.
type Error struct {
	Kind    Kind
	Address string // what was dialled: host:port, or a socket's path
	Proxy   bool   // Address is the proxy on the way there
	Detail  string // more about the kind, from here or from outside: clean before printing; may be ""
	Err     error  // the cause; may be nil
}

func (e *Error) Error() string {
	s := e.Address + ": " + string(e.Kind)
	if e.Proxy {
		s = "proxy " + s
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A LateError is a deadline of a call that passed while it connected. It is a
// context.DeadlineExceeded to errors.Is.
type LateError struct {
	Address string // what was dialled
	Err     error  // why there was no connection before; may be nil
}

func (e *LateError) Error() string {
	if e.Err != nil {
		return "the deadline has passed while connecting: " + e.Err.Error()
	}
	return "the deadline has passed while connecting to " + e.Address
}

// Unwrap returns the kind of error that it is. What was wrong before the deadline is
// no cause of it.
func (e *LateError) Unwrap() error { return context.DeadlineExceeded }

// dialError explains an error of dialling.
func dialError(address string, err error, limit time.Duration) *Error {
	e := &Error{Kind: Other, Address: address, Err: err}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Kind = UnknownHost
	case errors.As(err, &dns) && dns.IsTimeout:
		e.Kind, e.Detail = TimedOut, "to the question for its name "+withinLimit(limit)
	case errors.As(err, &dns):
		e.Kind, e.Detail = UnknownHost, "looking up the name: "+dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind = Refused
	case errors.Is(err, syscall.ECONNRESET): // it may come before connect has returned
		e.Kind, e.Detail = Closed, "it reset it before it said anything"
	case errors.Is(err, os.ErrNotExist):
		e.Kind = NoSocket
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Kind = Unreachable
	case isTimeout(err):
		e.Kind, e.Detail = TimedOut, withinLimit(limit)
	default:
		e.Detail = innermost(err).Error()
	}
	return e
}

// handshakeError explains an error of a TLS handshake, from what is known of the
// other side's certificate and bytes.
func handshakeError(address string, err error, limit time.Duration) *Error {
	e := &Error{Kind: Handshake, Address: address, Err: err}
	var (
		record tls.RecordHeaderError
		keys   *keyLogError
	)
	alert, alerted := remoteAlert(err)
	switch {
	case errors.As(err, &keys):
		e.Detail = keys.Error()
	case errors.As(err, &record):
		e.Kind = ServerPlaintext
	case e.certificate(err):
	case alerted && alert == alertNoProtocol:
		e.Kind, e.Detail = HTTP1, "it refused HTTP/2 in the TLS handshake (ALPN)"
	case alerted && (wantsClientCert(alert) || alert == alertHandshakeFailure):
		e.alert(alert)
	case isTimeout(err):
		e.Kind, e.Detail = TimedOut, "to the TLS handshake "+withinLimit(limit)
	case errors.Is(err, syscall.ECONNRESET):
		e.Kind, e.Detail = Closed, "it reset it during the TLS handshake"
	case closedEarly(err):
		e.Kind, e.Detail = Closed, "during the TLS handshake"
	default:
		e.Detail = strings.TrimPrefix(innermost(err).Error(), "tls: ")
	}
	return e
}

// alert explains an alert that the other side sent in the handshake.
func (e *Error) alert(alert tls.AlertError) {
	e.Detail = "it sent the alert " + strings.TrimPrefix(alert.Error(), "tls: ")
	switch {
	case wantsClientCert(alert):
		e.Kind = ClientCert
	case alert == alertHandshakeFailure:
		// Some servers say no more than this when they miss a certificate.
		e.Detail += "; it may want a client certificate, or none of the versions and ciphers that are offered"
	}
}

// certificate explains an error in the other side's certificate. It reports whether err is one.
func (e *Error) certificate(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		e.Kind = UnknownAuthority
		if unknown.Cert != nil {
			e.Detail = "issued by " + unknown.Cert.Issuer.String()
		}
	case errors.As(err, &hostname):
		e.Kind, e.Detail = WrongName, wrongName(hostname)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Kind, e.Detail = validity(invalid.Cert)
	default:
		return false
	}
	return true
}

func wrongName(h x509.HostnameError) string {
	names := append([]string{}, h.Certificate.DNSNames...)
	for _, ip := range h.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	has := "none at all"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return fmt.Sprintf("not %s; it has %s", h.Host, has)
}

func validity(c *x509.Certificate) (Kind, string) {
	if c != nil && time.Now().Before(c.NotBefore) {
		return NotYetValid, "until " + c.NotBefore.UTC().Format(time.DateTime) + " UTC"
	}
	if c == nil {
		return Expired, ""
	}
	return Expired, "on " + c.NotAfter.UTC().Format(time.DateTime) + " UTC"
}

// refusedCert turns an error about a missing client certificate into one about the client
// certificate that was sent.
func (e *Error) refusedCert() *Error {
	if e.Kind == ClientCert {
		e.Kind = ClientCertBad
	}
	return e
}

// Alerts of RFC 8446, section 6.2, and of RFC 7301.
const (
	alertHandshakeFailure    tls.AlertError = 40
	alertBadCertificate      tls.AlertError = 42
	alertUnsupportedCert     tls.AlertError = 43
	alertCertificateRevoked  tls.AlertError = 44
	alertCertificateExpired  tls.AlertError = 45
	alertCertificateUnknown  tls.AlertError = 46
	alertUnknownCA           tls.AlertError = 48
	alertCertificateRequired tls.AlertError = 116
	alertNoProtocol          tls.AlertError = 120
)

// wantsClientCert reports whether an alert is how a server asks for a client
// certificate, or refuses the one that it got.
func wantsClientCert(a tls.AlertError) bool {
	switch a {
	case alertBadCertificate, alertUnsupportedCert, alertCertificateRevoked, alertCertificateExpired,
		alertCertificateUnknown, alertUnknownCA, alertCertificateRequired:
		return true
	}
	return false
}

// remoteAlert finds the alert that the other side sent. crypto/tls gives it the
// exported type over QUIC alone, so over TCP it is known by its text.
func remoteAlert(err error) (tls.AlertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	for a := tls.AlertError(0); a < 255; a++ {
		if op.Err.Error() == a.Error() {
			return a, true
		}
	}
	return 0, false
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// closedEarly reports whether err is that the other side closed the connection.
func closedEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func withinLimit(limit time.Duration) string { return "within " + limit.String() }

// innermost returns the last error of a chain: what net and os wrap around it
// repeats the address.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
