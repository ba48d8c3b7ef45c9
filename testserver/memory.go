package testserver

import (
	"context"
	"fmt"
	"net"

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
	go func() { m.served <- m.Server.Serve(m.listener) }()
	return m
}

// Dial connects to the server. The connection is the caller's to close.
func (m *Memory) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := m.listener.DialContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the server in memory: %w", err)
	}
	return conn, nil
}

// Close ends the server at once and waits until it has. It returns what
// serving ended with, which is nil unless something went wrong. Only the first
// Close ends the server; others return nil.
func (m *Memory) Close() error {
	m.Server.Close()
	err, open := <-m.served
	if open {
		close(m.served)
	}
	return err
}
