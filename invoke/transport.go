package invoke

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Method is what a transport needs to know of a method, and no more.
type Method struct {
	Path          string // "/pkg.Service/Method"
	ClientStreams bool
	ServerStreams bool
	NoSideEffects bool // the schema promises it; a Connect call may then use GET
	MaxRecv       int  // bytes of the greatest message to receive; 0: the limit of the transport
	// Uncompressed sends the messages as they are, whatever the transport compresses with. It
	// is for questions that rpcctl asks beside the user's call.
	Uncompressed bool
	// Codec is how the messages are encoded: "" is CodecProto. A transport announces
	// it and encodes nothing.
	Codec string
	// Input, Output and Types are for transports that encode messages in another way than
	// protobuf's own. They are nil when the caller knows no schema.
	Input, Output protoreflect.MessageDescriptor
	Types         Types
}

// MaxHeaders is how much a transport accepts of the headers of a response, and of its
// trailers, in bytes as HTTP/2 counts them (RFC 9113, section 6.5.2). Beyond it the call ends
// with a *LimitError in its status.
const MaxHeaders = 4 << 20

// The codecs of messages.
const (
	CodecProto = "proto" // the wire format of protobuf
	CodecJSON  = "json"  // the JSON mapping of protobuf
)

// A Wire says how a transport will carry a call, for people and for events.
type Wire struct {
	URL         string // where the call goes, as a URL: http://host:port/pkg.Service/Method
	Protocol    string // grpc, grpc-web, connect
	HTTP        string // the HTTP version asked for: 1.1, 2, 3, or auto
	Codec       string // proto, json
	Compression string // of requests: identity, gzip, br, zstd, deflate, snappy
}

// A Transport carries messages as bytes. It knows paths and metadata, never
// descriptors. It is safe for concurrent use.
type Transport interface {
	// Wire says how a call of the method would be carried. It opens nothing.
	Wire(m Method) Wire
	// Open begins a call, connecting first if need be. An error is a
	// *StatusError. The stream ends with ctx; whoever opened it calls Finish.
	Open(ctx context.Context, m Method, md Metadata) (Stream, error)
	// Close drops the connections; calls in flight end in a status.
	Close() error
}

// A Stream is one call in flight, whatever its shape. Send and Recv may run
// concurrently with each other, not with themselves.
type Stream interface {
	// Send sends a message. io.EOF means that the server ended the call early, and that Finish
	// returns why; any other error, that this message cannot be sent and nothing was. The
	// bytes may be reused at return.
	Send(msg []byte) error
	// CloseSend half-closes: there are no more requests.
	CloseSend() error
	// Header blocks until the response headers or the end of the call. It is nil when there
	// are no headers: there is no response, or one of trailers only.
	Header() Metadata
	// Recv returns the next message, valid until a later Recv returns another. Any error, such
	// as io.EOF, is the end of the call, which Finish explains.
	Recv() ([]byte, error)
	// Finish drops what was not received and returns the status and the trailers. It always
	// returns, and returns the same when called again. Protocol fields, such as grpc-status,
	// are part of the trailers when the server sent them.
	Finish() (*Status, Metadata)
}

// An HTTPStream is a Stream that knows of the HTTP response behind it.
type HTTPStream interface {
	Stream
	// HTTP returns the status of the response, such as 200, and the version of HTTP
	// that was used: 1.1, 2 or 3. They are zero before Header has returned and when
	// there was no response.
	HTTP() (status int, version string)
}
