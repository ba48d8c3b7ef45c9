package httpwire

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	connectrpc "connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// open begins a call on a connection that has room for it.
func (t *Transport) open(ctx context.Context, c conn, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	ex := &exchange{
		conn: c, authority: t.authority(), path: t.target.Prefix +
			m.Path, explain: t.explain, answered: make(chan struct{}),
	}
	ctx, info := connectrpc.NewClientContext(ctx)
	request := info.RequestHeader()
	if t.o.UserAgent != "" {
		request.Set("user-agent", t.o.UserAgent)
	}
	for key, values := range md {
		request.SetValues(key, onWire(key, values))
	}
	spec := t.spec(m)
	unary := t.o.Protocol == Connect && spec.StreamType == connectrpc.StreamTypeUnary
	ex.protocol, ex.unary, ex.limit, ex.codings = t.o.Protocol, unary, t.maxRecv(m), t.codings
	library, err := connecthttp.NewTransport(ex, t.scheme()+"://"+t.authority()+t.target.Prefix,
		t.options(m)...).NewClientStream(ctx, spec)
	s := &stream{
		ctx: ctx, cancel: cancel, library: library, info: info, ex: ex, protocol: t.o.Protocol, limit: t.maxRecv(m),
		prefixed: unary,
		messages: make(chan []byte), ended: make(chan struct{}), abandoned: make(chan struct{}),
	}
	if err != nil {
		s.finishedBy(err)
		status, _ := s.Finish()
		return nil, &invoke.StatusError{Status: status}
	}
	s.begin(m.ClientStreams)
	return s, nil
}

// spec gives the library the shape of a method. Only Connect has a form of its own for unary
// calls; to the library all other calls are streams, whose messages the Invoker counts.
func (t *Transport) spec(m invoke.Method) connectrpc.Spec {
	spec := connectrpc.Spec{Procedure: m.Path, StreamType: connectrpc.StreamTypeServer}
	switch {
	case m.ClientStreams:
		spec.StreamType = connectrpc.StreamTypeBidi
	case t.o.Protocol == Connect && !m.ServerStreams:
		spec.StreamType = connectrpc.StreamTypeUnary
	}
	if m.NoSideEffects {
		spec.IdempotencyLevel = connectrpc.IdempotencyNoSideEffects
	}
	return spec
}

func (t *Transport) options(m invoke.Method) []connecthttp.Option {
	codecs := connecthttp.WithCodecs(codec{connectproto.NewBinaryCodec()})
	if m.Codec == invoke.CodecJSON {
		codecs = connecthttp.WithCodecs(codec{connectproto.NewJSONCodec()}, codec{connectproto.NewBinaryCodec()})
	}
	compressors := make([]connectrpc.Compressor, len(t.codings))
	for i, c := range t.codings {
		compressors[i] = c
	}
	options := []connecthttp.Option{
		codecs, connecthttp.WithCompressors(compressors...), connecthttp.WithReadMaxBytes(t.maxRecv(m)),
	}
	if t.o.Protocol == GRPCWeb {
		options = append(options, connecthttp.WithGRPCWeb())
	}
	if t.o.Compress != "" && t.o.Compress != compress.Identity && !m.Uncompressed {
		options = append(options, connecthttp.WithSendCompression(t.o.Compress))
	}
	if t.o.Get {
		options = append(options, connecthttp.WithHTTPGet())
	}
	return options
}

// An exchange is the request of a call and its response. It is the library's HTTP client, and
// sends nothing twice.
type exchange struct {
	conn      conn
	authority string
	path      string // of the URL, escaped
	explain   func(context.Context, *connect.Error) *connect.Error
	protocol  string
	unary     bool // in the form that Connect has for unary calls
	limit     int  // bytes of the greatest message
	codings   []*compress.Coding
	sent      atomic.Bool
	answered  chan struct{} // closed when the response is there, or there will be none

	// What follows is set before answered is closed.
	status  int
	version string
	header  http.Header // as it came; nil when there is no response
	err     error       // why there is none

	// What follows belongs to the goroutine that receives.
	in      *incoming   // where the next message is stored
	size    int64       // the announced size of the body; -1: none
	trailer http.Header // as read here; nil: the library has them

	ending atomic.Pointer[invoke.Status] // how the call ended, if that was read here
}

// Do sends the request and waits for the response.
func (e *exchange) Do(r *http.Request) (*http.Response, error) {
	if !e.sent.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("%s %s: asked to send a request again", r.Method, e.path)
	}
	defer close(e.answered)
	r = r.WithContext(r.Context()) // a copy, since the library looks at its own meanwhile
	r.GetBody = nil                // nothing to repeat it with
	r.Host = e.authority
	if strings.Contains(e.path, "%") {
		u := *r.URL
		u.RawPath = e.path
		r.URL = &u
	}
	if r.Body != nil {
		r.Body = watch(r.Context(), e.conn.ended(), r.Body)
	}
	response, err := e.conn.RoundTrip(r)
	if err != nil {
		if fault := e.conn.fault(); fault != nil {
			err = e.explain(r.Context(), fault)
		}
		e.err = err
		return nil, err
	}
	e.status, e.version, e.header = response.StatusCode, versionOf(response), response.Header.Clone()
	e.size = response.ContentLength
	e.takeBody(response)
	if response.ProtoMajor < 2 {
		// The library refuses streams in both directions over HTTP/1.1. They work, one
		// direction after the other, and both protocols allow it.
		response.ProtoMajor, response.ProtoMinor = 2, 0
	}
	return response, nil
}

// takeBody replaces the body of the response by one that takes out what is read here: the
// library would expand a message, or an error, in pieces of several times its size. Responses
// that the library refuses unread are left to it.
func (e *exchange) takeBody(r *http.Response) {
	named := "Grpc-Encoding"
	switch {
	case e.unary:
		named = "Content-Encoding"
	case e.protocol == Connect:
		named = "Connect-Content-Encoding"
	}
	var x expander
	if name := r.Header.Get(named); name != "" && name != compress.Identity {
		i := slices.IndexFunc(e.codings, func(c *compress.Coding) bool { return c.Name() == name })
		if i < 0 {
			return
		}
		x.coding = e.codings[i]
	}
	switch {
	case !e.unary:
		r.Body = newFramedBody(r.Body, e, x, e.limit)
		if e.protocol == GRPCWeb {
			e.salvage(r.Header)
		}
		return
	case r.StatusCode == http.StatusOK:
		r.Body = &messageBody{ReadCloser: r.Body, ex: e, expander: x, limit: int64(e.limit)}
	default:
		r.Body = &errorBody{ReadCloser: r.Body, ex: e, expander: x, limit: max(int64(e.limit), invoke.MaxHeaders)}
	}
	r.Header.Del(named)
}

// failure returns why there is no response, as far as it is known by now.
func (e *exchange) failure() error {
	select {
	case <-e.answered:
		return e.err
	default:
		return nil
	}
}

func versionOf(r *http.Response) string {
	if r.ProtoMajor == 1 {
		return fmt.Sprintf("1.%d", r.ProtoMinor)
	}
	return fmt.Sprint(r.ProtoMajor)
}

// A watchedBody is a request body that is closed when one of two contexts ends: the call's, or
// the connection's. net/http waits for bodies without end, on HTTP/1.1 even when the server
// has closed the connection.
//
// Closing it is an error for its reader, and resets the stream. An end of the body would
// instead be the end of the requests, which a server might still answer.
type watchedBody struct {
	io.ReadCloser
	stops [2]func() bool
}

func watch(call, connection context.Context, body io.ReadCloser) *watchedBody {
	shut := func() { _ = body.Close() } // nobody is left to be told
	return &watchedBody{ReadCloser: body, stops: [2]func() bool{
		context.AfterFunc(call, shut), context.AfterFunc(connection, shut),
	}}
}

// Close closes the body for net/http.
func (b *watchedBody) Close() error {
	for _, stop := range b.stops {
		stop()
	}
	return b.ReadCloser.Close()
}

// A codec passes messages as bytes, under the name of another codec, which encodes the
// library's own messages.
type codec struct{ connectrpc.StableCodec }

// An incoming is a message to receive. The body of the response fills it in.
type incoming struct{ wire []byte }

func (c codec) MarshalWrite(ctx context.Context, w io.Writer, msg any) error {
	if wire, ok := msg.([]byte); ok {
		_, err := w.Write(wire)
		return err
	}
	return c.StableCodec.MarshalWrite(ctx, w, msg)
}

// MarshalWriteStable writes a message for a URL.
func (c codec) MarshalWriteStable(ctx context.Context, w io.Writer, msg any) error {
	if wire, ok := msg.([]byte); ok {
		_, err := w.Write(wire)
		return err
	}
	return c.StableCodec.MarshalWriteStable(ctx, w, msg)
}

func (c codec) UnmarshalRead(ctx context.Context, r io.Reader, msg any) error {
	if _, ok := msg.(*incoming); !ok {
		return c.StableCodec.UnmarshalRead(ctx, r, msg)
	}
	return nil // the body has put it there
}
