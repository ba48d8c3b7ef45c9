package testserver

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	connectrpc "connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectgzip"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/grpc/credentials"
)

// A front takes the connections of a listener and hands each to the server for what
// its client speaks: gRPC, or HTTP otherwise.
type front struct {
	tls  *tls.Config // nil: plaintext
	grpc *queue
	web  *queue
}

// serve takes connections until the listener is closed.
func (f *front) serve(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go f.sort(conn)
	}
}

// sort finds out what a client speaks. A client that does not show it is disconnected after a
// while; one of HTTP/2 may wait with its first request.
func (f *front) sort(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout)) // if this fails, it may stay longer
	if f.tls != nil {
		secured := tls.Server(conn, f.tls)
		if err := secured.Handshake(); err != nil {
			_ = conn.Close()
			return
		}
		conn = secured
	}
	o := &opening{conn: &patient{Conn: conn}}
	grpc, err := o.isGRPC()
	if err != nil && len(o.kept) == 0 {
		_ = conn.Close()
		return
	}
	o.conn = conn
	_ = conn.SetDeadline(time.Time{})
	to := f.web
	if grpc {
		to = f.grpc
	}
	to.put(o.replay())
}

// A patient connection has no time limit once it has been written to: then the client is known
// to speak HTTP/2.
type patient struct{ net.Conn }

func (p *patient) Write(b []byte) (int, error) {
	_ = p.SetDeadline(time.Time{})
	return p.Conn.Write(b)
}

// A queue is a listener that returns the connections that are put into it.
type queue struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (q *queue) put(conn net.Conn) {
	select {
	case q.conns <- conn:
	case <-q.closed:
		_ = conn.Close()
	}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

func (q *queue) Addr() net.Addr { return anyAddr{} }

// anyAddr is the address of a queue.
type anyAddr struct{}

func (anyAddr) Network() string { return "queue" }
func (anyAddr) String() string  { return "queue" }

// shaken are the credentials of connections whose TLS handshake is done.
type shaken struct {
	credentials.TransportCredentials
}

// ServerHandshake returns what the handshake agreed on.
func (shaken) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	private := credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
	info := credentials.TLSInfo{CommonAuthInfo: private}
	if r, ok := conn.(*replayed); ok {
		if secured, ok := r.Conn.(*tls.Conn); ok {
			info.State = secured.ConnectionState()
		}
	}
	return conn, info, nil
}

// Clone returns credentials of the same kind.
func (s shaken) Clone() credentials.TransportCredentials { return s }

// newWeb makes the server for Connect and gRPC-Web, and for the gRPC of its library, for
// clients that mix them on one connection. in and calls count what requests take.
func newWeb(rpc *connectrpc.Server, maxRecv int, in, calls *room) (*http.Server, *sync.WaitGroup) {
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc, connecthttp.WithReadMaxBytes(maxRecv),
		connecthttp.WithCompressors(unpacker{connectgzip.New(), in}),
		connecthttp.WithCodecs(weigher{connectproto.NewBinaryCodec(), weighWire},
			weigher{webJSON{connectproto.NewJSONCodec()}, weighJSON}))
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // connections come here after their TLS handshake
	running := &sync.WaitGroup{}
	answer := allowOrigins(calls.requests(in.handler(mux)))
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running.Add(1)
			defer running.Done()
			if r.ProtoMajor < 2 {
				// The library refuses streams in both directions over HTTP/1.1. They work when
				// the client ends its side first, and mostly when it does not.
				_ = http.NewResponseController(w).EnableFullDuplex() // an error means that it is not needed
				r.ProtoMajor, r.ProtoMinor = 2, 0
			}
			answer.ServeHTTP(w, r)
		}),
		Protocols:         &protocols,
		ReadHeaderTimeout: handshakeTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0), // clients see their own mistakes
	}, running
}
