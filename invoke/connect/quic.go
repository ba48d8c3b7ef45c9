package connect

import (
	"crypto/tls"
	"errors"
	"time"
)

// QUICError explains an error of connecting over QUIC (RFC 9001), where dialling and the TLS
// handshake are one. alert is the alert that the server sent, 0 for none (RFC 9001, section
// 4.8), and limit the time that connecting was given.
func QUICError(address string, err error, alert tls.AlertError, limit time.Duration) *Error {
	if e := dialError(address, err, limit); e.Kind != Other {
		if e.Kind == TimedOut {
			e.Detail = "over QUIC (UDP) " + withinLimit(limit)
		}
		return e
	}
	if alert != 0 {
		e := &Error{Kind: Handshake, Address: address, Err: err}
		if alert == alertNoProtocol {
			e.Detail = "it refused HTTP/3 (ALPN)"
			return e
		}
		e.alert(alert)
		return e
	}
	e := handshakeError(address, err, limit)
	var refused *tls.CertificateVerificationError
	if e.Kind == Handshake && errors.As(err, &refused) {
		e.Detail = innermost(refused).Error()
	}
	return e
}
