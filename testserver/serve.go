package testserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// Serve accepts connections from l until Stop or Close, and then returns nil; on a server that
// has ended it does so at once. It closes l. A server may serve several listeners.
//
// A connection may speak gRPC, or gRPC-Web and Connect over HTTP/1.1 and HTTP/2.
func (s *Server) Serve(l net.Listener) error {
	if !s.ends.add(l) {
		return l.Close()
	}
	s.serving.Do(func() {
		if s.maxMemory > 0 {
			go s.connections.guard(s.maxMemory, s.ends.done)
		}
		// These fail only because of their end.
		go func() { _ = s.grpc.Serve(s.front.grpc) }()
		go func() { _ = s.web.Serve(s.front.web) }()
	})
	err := s.front.serve(&listener{Listener: l, connections: s.connections})
	if s.ends.over() {
		return nil
	}
	return fmt.Errorf("serving %s: %w", l.Addr(), errors.Join(err, l.Close()))
}

// ServeHTTP3 answers Connect and gRPC-Web over HTTP/3 on c until Stop or Close, and
// then returns nil. It closes c. The server must have been made with TLS.
func (s *Server) ServeHTTP3(c net.PacketConn) error {
	if s.front.tls == nil {
		return errors.Join(errors.New("HTTP/3 needs TLS"), c.Close())
	}
	config := s.front.tls.Clone()
	config.MinVersion = tls.VersionTLS13
	server := &http3.Server{
		Handler: s.web.Handler, TLSConfig: http3.ConfigureTLSConfig(config),
		MaxHeaderBytes: maxHeader, ConnContext: s.connections.quic,
	}
	if !s.ends.add(server) {
		return c.Close()
	}
	err := server.Serve(c)
	if s.ends.over() {
		err = nil
	}
	if cerr := c.Close(); !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return fmt.Errorf("serving HTTP/3 on %s: %w", c.LocalAddr(), err)
	}
	return nil
}

// Stop ends the server: it accepts nothing new, gives the calls that run a
// while to end (Options.Grace), and then cuts them off. When it returns, no
// handler is left. Stopping a stopped server does nothing.
func (s *Server) Stop() { s.stop(s.grace) }

// Close ends the server at once, as Stop does after the grace.
func (s *Server) Close() { s.stop(0) }

func (s *Server) stop(grace time.Duration) {
	s.ends.shut(grace)
	drained := make(chan struct{})
	if grace > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		go func() {
			defer close(drained)
			var both sync.WaitGroup
			both.Go(s.grpc.GracefulStop)
			both.Go(func() { _ = s.web.Shutdown(ctx) }) // its only error is that the time is over
			both.Wait()
			s.handlers.Wait()
		}()
		select {
		case <-drained:
			s.connections.closeAll() // those that never showed what they speak
			return
		case <-ctx.Done():
		}
	} else {
		close(drained)
	}
	s.recorder.stopping.Store(true)
	s.connections.closeAll()
	s.grpc.Stop()
	_ = s.web.Close() // the connections are closed: nothing is left to fail
	<-drained
	s.handlers.Wait()
}

// ends are what a server takes connections from, to be closed with it.
type ends struct {
	mu   sync.Mutex
	open []interface{ Close() error }
	shot bool
	done chan struct{} // closed with the server
}

// add returns false when the server has ended.
func (e *ends) add(c interface{ Close() error }) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.shot {
		e.open = append(e.open, c)
	}
	return !e.shot
}

func (e *ends) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.shot
}

// shut closes them. Calls over HTTP/3 have time until the grace is over.
func (e *ends) shut(grace time.Duration) {
	e.mu.Lock()
	if !e.shot {
		close(e.done)
	}
	e.shot = true
	open := e.open
	e.open = nil
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, c := range open {
		if h3, ok := c.(*http3.Server); ok && grace > 0 {
			_ = h3.Shutdown(ctx) // its only error is that the time is over
		}
		_ = c.Close() // it is no longer needed
	}
}
