package discovery_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
)

// transport returns a transport that dials with a function.
func transport(t testing.TB, dial func(context.Context) (net.Conn, error)) invoke.Transport {
	t.Helper()
	target := invoke.Target{Network: "tcp", Address: "127.0.0.1:1", Security: invoke.SecurityPlaintext}
	tr, err := grpcwire.New(t.Context(), target, grpcwire.Options{Connect: connect.Dialer{
		Net: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// demo starts the demo server.
func demo(t *testing.T, o testserver.Options) (invoke.Transport, *testserver.Server) {
	t.Helper()
	m := testserver.StartMemory(o)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return transport(t, m.Dial), m.Server
}

// An answerer is a reflection server. A nil answer ends the stream with err, or
// in OK.
type answerer func(req *reflectpb.ServerReflectionRequest, nth int) (*reflectpb.ServerReflectionResponse, error)

// serve starts a server with reflection services of the given versions that
// answer with a.
func serve(t *testing.T, a answerer, versions ...string) invoke.Transport {
	t.Helper()
	return serveStreams(t, a.run, versions...)
}

// serveMany starts a server with reflection v1 that answers each question with
// any number of answers.
func serveMany(t *testing.T, answer func(req *reflectpb.ServerReflectionRequest, nth int) []*reflectpb.ServerReflectionResponse) invoke.Transport {
	t.Helper()
	return serveStreams(t, func(stream grpc.ServerStream) error {
		for nth := 0; ; nth++ {
			var req reflectpb.ServerReflectionRequest
			if err := stream.RecvMsg(&req); err != nil {
				return nil
			}
			for _, a := range answer(&req, nth) {
				if err := stream.SendMsg(a); err != nil {
					return err
				}
			}
		}
	}, "v1")
}

func serveStreams(t *testing.T, handle func(grpc.ServerStream) error, versions ...string) invoke.Transport {
	t.Helper()
	s := grpc.NewServer()
	for _, v := range versions {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: "grpc.reflection." + v + ".ServerReflection",
			HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{
				StreamName: "ServerReflectionInfo", ClientStreams: true, ServerStreams: true,
				Handler: func(_ any, stream grpc.ServerStream) error { return handle(stream) },
			}},
		}, nil)
	}
	l := bufconn.Listen(1 << 20)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return transport(t, l.DialContext)
}

func (a answerer) run(stream grpc.ServerStream) error {
	for nth := 0; ; nth++ {
		var req reflectpb.ServerReflectionRequest
		if err := stream.RecvMsg(&req); err != nil {
			return nil
		}
		answer, err := a(&req, nth)
		if answer == nil {
			return err
		}
		if err := stream.SendMsg(answer); err != nil {
			return err
		}
	}
}

// files is an answer of file descriptors.
func files(fds ...*descriptorpb.FileDescriptorProto) *reflectpb.ServerReflectionResponse {
	r := &reflectpb.FileDescriptorResponse{}
	for _, fd := range fds {
		raw, err := proto.Marshal(fd)
		if err != nil {
			panic(err)
		}
		r.FileDescriptorProto = append(r.FileDescriptorProto, raw)
	}
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: r}}
}

func refusal(code int32, text string) *reflectpb.ServerReflectionResponse {
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_ErrorResponse{
		ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: code, ErrorMessage: text},
	}}
}

func listing(names ...string) *reflectpb.ServerReflectionResponse {
	r := &reflectpb.ListServiceResponse{}
	for _, n := range names {
		r.Service = append(r.Service, &reflectpb.ServiceResponse{Name: n})
	}
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: r}}
}

// fileProto reads a FileDescriptorProto in text form.
func fileProto(t testing.TB, text string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	fd := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text), fd); err != nil {
		t.Fatal(err)
	}
	return fd
}

// protoset makes the bytes of a descriptor set.
func protoset(t testing.TB, fds ...*descriptorpb.FileDescriptorProto) []byte {
	t.Helper()
	raw, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: fds})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// fieldTypes describes the fields of a message in one line each.
func fieldTypes(md protoreflect.MessageDescriptor) []string {
	var lines []string
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		line := string(f.Name()) + " " + f.Kind().String()
		if m := f.Message(); m != nil {
			line += " " + string(m.FullName())
		}
		if e := f.Enum(); e != nil {
			line += " " + string(e.FullName())
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func demoSet(t testing.TB) *discovery.Protoset {
	t.Helper()
	s, err := discovery.ParseProtoset("demo", testserver.Protoset())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message(t testing.TB, s discovery.Source, name protoreflect.FullName) protoreflect.MessageDescriptor {
	t.Helper()
	d, err := s.Find(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor)
}
