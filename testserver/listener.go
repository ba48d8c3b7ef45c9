package testserver

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// connections counts what listeners accept and remembers what is open, since the gRPC server
// does not close a connection whose handshake never ends, and would wait for it when it stops.
type connections struct {
	recorder *recorder
	room     *room

	mu     sync.Mutex
	open   map[*connection]struct{}
	quics  map[*quic.Conn]struct{} // of HTTP/3
	closed bool
}

func newConnections(r *recorder, in *room) *connections {
	return &connections{recorder: r, room: in, open: map[*connection]struct{}{}, quics: map[*quic.Conn]struct{}{}}
}

// closeAll closes every open connection, and from then on each new one at once.
func (c *connections) closeAll() {
	c.mu.Lock()
	c.closed = true
	open := slices.Collect(maps.Keys(c.open))
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close() // The peer is being cut off: nothing it was sent matters now.
	}
}

// quic counts a connection of HTTP/3 until it ends, or ends it.
func (c *connections) quic(ctx context.Context, conn *quic.Conn) context.Context {
	if !c.room.claim(connectionWeight) {
		// if not now, it ends with the server
		_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), busyText)
		return ctx
	}
	c.mu.Lock()
	c.quics[conn] = struct{}{}
	c.mu.Unlock()
	context.AfterFunc(conn.Context(), func() {
		c.mu.Lock()
		delete(c.quics, conn)
		c.mu.Unlock()
		c.room.give(connectionWeight)
	})
	return ctx
}

type listener struct {
	net.Listener
	connections *connections
}

func (l *listener) Accept() (net.Conn, error) {
	c := l.connections
	raw, err := l.Listener.Accept()
	for ; err == nil && !c.room.claim(connectionWeight); raw, err = l.Listener.Accept() {
		_ = raw.Close() // there is no room for more
	}
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: raw, connections: c}
	c.recorder.accepted.Add(1)
	c.recorder.open.Add(1)
	c.mu.Lock()
	closed := c.closed
	c.open[conn] = struct{}{}
	c.mu.Unlock()
	c.recorder.note()
	if closed {
		_ = conn.Close() // As in closeAll.
	}
	return conn, nil
}

type connection struct {
	net.Conn
	connections *connections
	once        sync.Once
	err         error
	debts       // of what it will write
}

// Write writes, and counts it.
func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.pay(int64(n))
	return n, err
}

// RemoteAddr returns the address of the client as a clientAddr.
func (c *connection) RemoteAddr() net.Addr { return clientAddr{c.Conn.RemoteAddr(), c} }

func (c *connection) Close() error {
	c.once.Do(func() {
		c.err = c.Conn.Close()
		c.debts.close()
		c.connections.mu.Lock()
		delete(c.connections.open, c)
		c.connections.mu.Unlock()
		c.connections.room.give(connectionWeight)
		c.connections.recorder.open.Add(-1)
		c.connections.recorder.note()
	})
	return c.err
}
