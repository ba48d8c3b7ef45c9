package connect

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
)

// Here watches plaintext connections to a target whose name says that it is this machine, such
// as api.localhost (RFC 6761, section 6.3), since whoever resolves the name may lead them
// elsewhere. It is safe for concurrent use.
type Here struct {
	// Only allows no plaintext connection to another machine, whatever goes over it.
	Only bool

	secrets, elsewhere atomic.Bool
}

// Guard notes that secrets go over the connections from now on: those made later lead to this
// machine, or fail. It reports whether those made before do.
func (h *Here) Guard() bool {
	h.secrets.Store(true)
	return !h.elsewhere.Load()
}

// DialPlain is Dial for a connection that will not be encrypted.
func (d *Dialer) DialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dial(ctx, network, address)
	if err != nil || d.Here == nil || network != "tcp" {
		return conn, err
	}
	if err := d.Here.check(address, conn.RemoteAddr()); err != nil {
		_ = conn.Close() // nothing was sent over it
		return nil, err
	}
	return conn, nil
}

// check refuses a connection that leads elsewhere, when it must not.
func (h *Here) check(address string, remote net.Addr) error {
	if loopback(remote) {
		return nil
	}
	if !h.Only {
		h.elsewhere.Store(true)
	}
	if !h.Only && !h.secrets.Load() {
		return nil
	}
	return &Error{Kind: Elsewhere, Address: address, Detail: fmt.Sprintf("it is at %s", remote)}
}

// loopback reports whether an address is one of this machine alone.
func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
