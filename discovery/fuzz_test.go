package discovery_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/invoke"
)

func FuzzParseMethod(f *testing.F) {
	for _, seed := range []string{"pkg.Svc/Method", "pkg.Svc.Method", "/a.B/C", ".a.B.C", "M", "", "/", "a//b", "a..b", "\x00/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		service, method, err := discovery.ParseMethod(s)
		if err != nil {
			var ne *discovery.NameError
			if !errors.As(err, &ne) || service != "" || method != "" {
				t.Fatalf("%q: %q, %q, %v", s, service, method, err)
			}
			return
		}
		if !method.IsValid() || service != "" && !service.IsValid() {
			t.Fatalf("%q: %q, %q", s, service, method)
		}
		for _, form := range []string{string(service) + "/" + string(method), "/" + string(service) + "/" + string(method), string(service) + "." + string(method)} {
			if service == "" {
				form = string(method)
			}
			s2, m2, err := discovery.ParseMethod(form)
			if s2 != service || m2 != method || err != nil {
				t.Fatalf("%q from %q: %q, %q, %v", form, s, s2, m2, err)
			}
		}
	})
}

// fileSeeds are files of many shapes.
func fileSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	for _, text := range []string{
		shopText, moneyText,
		`name: "a.proto" package: "a" dependency: "a.proto" dependency: "b.proto" public_dependency: 1 weak_dependency: 0 message_type { name: "M" }`,
		`name: "a.proto" syntax: "editions" edition: EDITION_2023 options { features { message_encoding: DELIMITED enum_type: CLOSED } }
			enum_type { name: "E" value { name: "V" number: 1 } }
			message_type { name: "M" field { name: "m" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "M" }
				field { name: "e" number: 2 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: "E" default_value: "V" } }`,
		`name: "a.proto" package: "a" message_type { name: "M" extension_range { start: 1 end: 536870912 }
			field { name: "g" number: 0x1fffffff label: LABEL_OPTIONAL type: TYPE_GROUP type_name: ".a.M.G" } nested_type { name: "G" } 
			reserved_range { start: 5 end: 3 } reserved_name: "x" }
			extension { name: "x" number: 7 extendee: "M" label: LABEL_OPTIONAL type: TYPE_BYTES default_value: "\\001" }`,
		`name: "a.proto" syntax: "proto3" message_type { name: "M" field { name: "a" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL oneof_index: 0 proto3_optional: true }
			oneof_decl { name: "_a" } oneof_decl { name: "empty" } nested_type { name: "E" options { map_entry: true }
				field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "M" } }
			field { name: "map" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "E" } }
			source_code_info { location { path: 4 path: 0 span: 1 span: 2 } location { path: 4 span: 1 span: 2 span: 3 leading_comments: "c" } }`,
		`name: "a.proto" syntax: "proto3" message_type { name: "M" field { name: "map" number: 1 label: LABEL_REPEATED type_name: ".M.MapEntry" }
			nested_type { name: "MapEntry" options { map_entry: true } field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
				field { name: "value" number: 2 label: LABEL_OPTIONAL type_name: ".gone.T" } } }`,
		`name: "google/protobuf/timestamp.proto" package: "google.protobuf" message_type { name: "Timestamp" field { name: "seconds" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }`,
	} {
		seeds = append(seeds, protoset(f, fileProto(f, text)))
	}
	return seeds
}

// exercise asks a source for all that it lists, and uses what it gets.
func exercise(t *testing.T, s discovery.Source, names []protoreflect.FullName) {
	ctx := t.Context()
	services, err := s.Services(ctx)
	if err == nil {
		names = append(names, services...)
	}
	for _, n := range names[:min(len(names), 50)] {
		d, err := s.Find(ctx, n)
		if err != nil {
			if d != nil {
				t.Fatalf("%s: %v and %v", n, d, err)
			}
			continue
		}
		if d.FullName() != n {
			t.Fatalf("%s: found %s", n, d.FullName())
		}
		walk(t, s, d)
		discovery.Closure(d)
		_, _ = discovery.FindSymbol(ctx, s, string(n.Name()))
	}
}

func walk(t *testing.T, s discovery.Source, d protoreflect.Descriptor) {
	_ = proto.Size(d.Options())
	_ = d.ParentFile().SourceLocations().ByDescriptor(d)
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		for i := range min(d.Methods().Len(), 20) {
			m := d.Methods().Get(i)
			if _, err := discovery.FindMethod(t.Context(), s, invoke.MethodName(m)); err == nil {
				walk(t, s, m.Input())
				walk(t, s, m.Output())
			}
		}
	case protoreflect.MessageDescriptor:
		walkMessage(t, s, d)
	}
}

func walkMessage(t *testing.T, s discovery.Source, d protoreflect.MessageDescriptor) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		_, _, _ = f.Default(), f.JSONName(), f.TextName()
		_ = proto.Size(f.Options())
	}
	if _, err := s.Extensions(t.Context(), d.FullName()); err != nil {
		return
	}
	text, err := skeleton.Of(d)
	if err != nil || len(text) > 64<<10 {
		return
	}
	// False JSON names, and messages that require themselves, make it refuse some; it must not
	// panic.
	m := dynamicpb.NewMessage(d)
	if (protojson.UnmarshalOptions{Resolver: discovery.Types(t.Context(), s), AllowPartial: true}).Unmarshal(text, m) == nil {
		_, _ = protojson.MarshalOptions{AllowPartial: true}.Marshal(m)
	}
}

func FuzzProtoset(f *testing.F) {
	for _, seed := range fileSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := discovery.ParseProtoset("fuzz", data)
		if err != nil {
			return
		}
		exercise(t, s, discovery.Known(s))
	})
}

// A rawCodec hands bytes over as they are.
type rawCodec struct{}

func (rawCodec) Name() string                       { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func rawAnswers(answer *atomic.Pointer[[]byte]) *grpc.Server {
	s := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "grpc.reflection.v1.ServerReflection", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "ServerReflectionInfo", ClientStreams: true, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				for {
					var req []byte
					if stream.RecvMsg(&req) != nil {
						return nil
					}
					if err := stream.SendMsg(answer.Load()); err != nil {
						return err
					}
				}
			},
		}},
	}, nil)
	return s
}

func FuzzReflectionAnswer(f *testing.F) {
	for _, seed := range fileSeeds(f) {
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(seed, set); err != nil {
			f.Fatal(err)
		}
		f.Add(mustMarshal(f, files(set.File...)))
	}
	f.Add(mustMarshal(f, listing("shop.Shop", "\x1b", "")))
	f.Add(mustMarshal(f, refusal(5, "no")))
	f.Add(mustMarshal(f, refusal(0, "\x1b")))
	var answer atomic.Pointer[[]byte]
	server := rawAnswers(&answer)
	l := bufconn.Listen(1 << 20)
	go func() { _ = server.Serve(l) }()
	f.Cleanup(server.Stop)
	tr := transport(f, l.DialContext)
	f.Fuzz(func(t *testing.T, data []byte) {
		answer.Store(&data)
		// An answer to another question is skipped and waited after: not for long here.
		r := discovery.Reflect(tr, discovery.ReflectOptions{Timeout: 20 * time.Millisecond})
		defer r.Close()
		exercise(t, r, []protoreflect.FullName{"shop.Shop", "a.M", "M", "rpcctl.demo.v1.Shop"})
		exercise(t, r, discovery.Known(r))
		_, _ = discovery.FindMethod(context.WithoutCancel(t.Context()), r, "Place")
	})
}
