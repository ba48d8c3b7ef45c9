package connect

import "crypto/tls"

// The versions of HTTP, as people name them.
const (
	VersionHTTP1 = "1.1"
	VersionHTTP2 = "2"
	VersionHTTP3 = "3"
)

// ALPN returns the name of a version of HTTP in a TLS handshake (RFC 7301; RFC 9112,
// section 9.1; RFC 9113, section 3.2; RFC 9114, section 3.1).
func ALPN(version string) string {
	switch version {
	case VersionHTTP1:
		return "http/1.1"
	case VersionHTTP2:
		return "h2"
	default:
		return "h3"
	}
}

// OfferALPN makes the handshakes of config offer versions of HTTP, the preferred one first.
func OfferALPN(config *tls.Config, versions ...string) {
	config.NextProtos = make([]string, len(versions))
	for i, version := range versions {
		config.NextProtos[i] = ALPN(version)
	}
}

// AgreedVersion returns the version of HTTP that a handshake over TCP agreed on. A server
// without ALPN agrees on none, which is "".
func AgreedVersion(state tls.ConnectionState) string {
	for _, version := range []string{VersionHTTP1, VersionHTTP2} {
		if state.NegotiatedProtocol == ALPN(version) {
			return version
		}
	}
	return ""
}
