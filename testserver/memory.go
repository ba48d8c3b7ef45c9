package testserver

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/test/bufconn"
)

// pipeBuffer is what each direction of a connection in memory holds, in bytes:
// a little more than the greatest HTTP/2 window grpc-go starts with.
const pipeBuffer = 256 << 10

// A Memory is a server inside this process, reached without a port. It is safe
// for concurrent use.
type Memory struct {
	// Server is the server itself, for its Stats.
	Server *Server

	listener *bufconn.Listener
	served   chan error
}

// StartMemory makes a server and serves it in memory, until Close.
func StartMemory(o Options) *Memory {
	m := &Memory{Server: New(o), listener: bufconn.Listen(pipeBuffer), served: make(chan error, 1)}
	go func() { m.served <- m.Server.Serve(pipeListener{m.listener}) }()
	return m
}

// Dial connects to the server. The caller closes the connection.
func (m *Memory) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := m.listener.DialContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the server in memory: %w", err)
	}
	return &pipeEnd{Conn: conn}, nil
}

// A pipeListener returns the server's ends of connections in memory.
type pipeListener struct{ *bufconn.Listener }

// Accept waits for a connection.
func (l pipeListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &pipeEnd{Conn: conn}, nil
}

// A pipeEnd is one end of a connection in memory. A deadline keeps both buffers alive until it
// passes, and grpc-go sets one of ten seconds when it closes, so closing removes deadlines.
type pipeEnd struct {
	net.Conn

	mu     sync.Mutex
	closed bool
}

func (e *pipeEnd) limit(set func(time.Time) error, t time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	return set(t)
}

// SetDeadline sets the limit of reads and of writes.
func (e *pipeEnd) SetDeadline(t time.Time) error { return e.limit(e.Conn.SetDeadline, t) }

// SetReadDeadline sets the limit of reads.
func (e *pipeEnd) SetReadDeadline(t time.Time) error { return e.limit(e.Conn.SetReadDeadline, t) }

// SetWriteDeadline sets the limit of writes.
func (e *pipeEnd) SetWriteDeadline(t time.Time) error { return e.limit(e.Conn.SetWriteDeadline, t) }

// Close ends the connection, and with it its deadlines.
func (e *pipeEnd) Close() error {
	e.mu.Lock()
	e.closed = true
	_ = e.Conn.SetDeadline(time.Time{})
	e.mu.Unlock()
	return e.Conn.Close()
}

// Close ends the server at once and waits until it has. It returns the error of serving, nil
// when there was none. Only the first Close ends the server; others return nil.
func (m *Memory) Close() error {
	m.Server.Close()
	err, open := <-m.served
	if open {
		close(m.served)
	}
	return err
}
