package invoke

import (
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A Call is everything about one invocation. All but Requests is plain data,
// printable before it runs.
type Call struct {
	Method   protoreflect.MethodDescriptor
	Metadata Metadata
	Requests Requests      // encoded messages; io.EOF half-closes
	Types    Types         // resolves Any and extensions; may be nil
	Timeout  time.Duration // 0: no deadline. It counts from the Opened event on
	MaxRecv  int           // bytes of the greatest message to receive; 0: the limit of the transport
}

// WireMethod returns what a transport needs to know of the call's method.
func (c *Call) WireMethod() Method {
	return Method{
		Path:          MethodPath(c.Method),
		ClientStreams: c.Method.IsStreamingClient(),
		ServerStreams: c.Method.IsStreamingServer(),
		NoSideEffects: noSideEffects(c.Method),
		MaxRecv:       c.MaxRecv,
		Input:         c.Method.Input(),
		Output:        c.Method.Output(),
		Types:         c.Types,
	}
}

// MethodPath returns the path of a method on the wire, "/pkg.Service/Method".
func MethodPath(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// MethodName returns the name of a method as people write it,
// "pkg.Service/Method".
func MethodName(m protoreflect.MethodDescriptor) string { return MethodPath(m)[1:] }

// StreamKind returns the shape of a method: unary, client-stream, server-stream
// or bidi.
func StreamKind(m protoreflect.MethodDescriptor) string {
	switch {
	case m.IsStreamingClient() && m.IsStreamingServer():
		return "bidi"
	case m.IsStreamingClient():
		return "client-stream"
	case m.IsStreamingServer():
		return "server-stream"
	default:
		return "unary"
	}
}

func noSideEffects(m protoreflect.MethodDescriptor) bool {
	o, ok := m.Options().(*descriptorpb.MethodOptions)
	return ok && o.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}
