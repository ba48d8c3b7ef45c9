package httpwire

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A conn is one connection.
type conn interface {
	http.RoundTripper // needs a reservation
	// reserve makes room for one request. It returns false when there is none, or when the
	// connection has ended.
	reserve() bool
	release() // gives a reservation back that was not used
	alive() bool
	fault() *connect.Error  // what is wrong with the connection, if that is known
	ended() context.Context // done when nothing more can come from the server
	Close() error
}

// lease returns a connection with room for one request, making one if need be. A caller that
// does not use it must release it.
func (t *Transport) lease(ctx context.Context) (conn, error) {
	if c, err := t.reserved(); c != nil || err != nil {
		return c, err
	}
	// One connection is made at a time: over HTTP/2 and HTTP/3 those who wait then use it.
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c, err := t.reserved(); c != nil || err != nil {
		return c, err
	}
	c, err := t.establish(ctx)
	if err != nil {
		return nil, err
	}
	if !c.reserve() {
		// A server may refuse a client after the handshake, and before its first request.
		if fault := c.fault(); fault != nil {
			_ = c.Close() // the fault says more
			return nil, t.explain(ctx, fault)
		}
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	t.conns = append(t.conns, c)
	return c, nil
}

// reserved returns an open connection that has room, or nil.
func (t *Transport) reserved() (conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, net.ErrClosed
	}
	kept := t.conns[:0]
	var found conn
	for _, c := range t.conns {
		if !c.alive() {
			_ = c.Close() // its error is known already
			continue
		}
		kept = append(kept, c)
		if found == nil && c.reserve() {
			found = c
		}
	}
	clear(t.conns[len(kept):])
	t.conns = kept
	return found, nil
}

// establish makes a connection. What it finds out about the server is kept for the next
// connection. No request has been sent yet, so it may try again.
func (t *Transport) establish(ctx context.Context) (conn, error) {
	looking, cancel := context.WithTimeout(ctx, t.o.Connect.Limit())
	defer cancel()
	for {
		t.mu.Lock()
		secure, version := t.secure, t.version
		t.mu.Unlock()
		c, err := t.dial(ctx, secure, version)
		if err == nil {
			return c, nil
		}
		again, err := t.learn(ctx, looking, err, secure, version)
		if !again {
			return nil, err
		}
	}
}

// learn reports whether a failure to connect shows another way, and takes it. Otherwise it
// returns an error, which may say more than err. It goes on only while there is time for
// connecting.
func (t *Transport) learn(ctx, looking context.Context, err error, secure bool, version string) (again bool, _ error) {
	var ce *connect.Error
	if secure || !errors.As(err, &ce) || ctx.Err() != nil {
		return false, err
	}
	ce = t.explain(looking, ce)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case (ce.Kind == connect.ServerTLS || ce.Kind == connect.Elsewhere) && !t.decided:
		t.secure, t.decided = true, true
		return true, nil
	case version == "" && (ce.Kind == connect.HTTP1 || ce.Kind == connect.Closed):
		t.version = connect.VersionHTTP1
		return true, nil
	}
	return false, ce
}

// explain finds out more about a plaintext connection that was closed without an answer: many
// servers that want TLS do only that.
func (t *Transport) explain(ctx context.Context, e *connect.Error) *connect.Error {
	if e.Kind == connect.Closed && t.scheme() == "http" && t.target.Network == "tcp" &&
		t.o.Connect.AnswersTLS(ctx, t.target.Network, t.target.Address) {
		return &connect.Error{Kind: connect.ServerTLS, Address: e.Address, Err: e}
	}
	return e
}
