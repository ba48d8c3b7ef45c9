package connect

import (
	"crypto/tls"
	"time"
)

// A Step is a part of making a connection, reported when it is done or has failed.
type Step struct {
	Address string               // what was asked for: host:port, or a socket's path
	Remote  string               // what was connected to; "" when that is no address of the network
	TLS     *tls.ConnectionState // of a handshake that succeeded; nil for the connection under it
	Took    time.Duration
	Err     error
}

// told reports a step, which began at a moment, to Told.
func (d *Dialer) told(s Step, began time.Time) {
	if d.Told != nil {
		s.Took = time.Since(began)
		d.Told(s)
	}
}

// Secured reports a TLS handshake that was run elsewhere and began at a moment.
func (d *Dialer) Secured(address string, state tls.ConnectionState, began time.Time) {
	d.told(Step{Address: address, TLS: &state}, began)
}
