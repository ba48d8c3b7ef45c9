package connect

import (
	"crypto/tls"
	"errors"
	"time"
)

// QUICError explains an error of connecting over QUIC (RFC 9001), where dialling and
// the TLS handshake are one. Limit is the time that it was given.
func QUICError(address string, err error, limit time.Duration) *Error {
	if e := dialError(address, err, limit); e.Kind != Other {
		if e.Kind == TimedOut {
			e.Detail = "over QUIC (UDP) " + withinLimit(limit)
		}
		return e
	}
	e := handshakeError(address, err, limit)
	var alert tls.AlertError
	if e.Kind == Handshake && errors.As(err, &alert) {
		switch {
		case alert == alertNoProtocol:
			e.Kind, e.Detail = Handshake, "it refused HTTP/3 (ALPN)"
		case wantsClientCert(alert):
			e.Kind, e.Detail = ClientCert, "it sent the alert "+alert.Error()
		}
	}
	return e
}
