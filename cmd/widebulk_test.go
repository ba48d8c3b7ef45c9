//go:build linux

package cmd_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wideSchema is a service w.Wide whose requests need files with much in them, each of which is within its
// bound.
func wideSchema(files int, fill func(f *descriptorpb.FileDescriptorProto, number string)) *descriptorpb.FileDescriptorSet {
	main := &descriptorpb.FileDescriptorProto{
		Name: proto.String("wide.proto"), Package: proto.String("w"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("All")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Wide"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("Do"), InputType: proto.String(".w.All"), OutputType: proto.String(".w.All")},
		}}},
	}
	set := &descriptorpb.FileDescriptorSet{}
	for i := range files {
		number := strconv.Itoa(i)
		f := &descriptorpb.FileDescriptorProto{
			Name: proto.String("f" + number + ".proto"), Package: proto.String("w.f" + number), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		}
		fill(f, number)
		set.File = append(set.File, f)
		main.Dependency = append(main.Dependency, f.GetName())
		main.MessageType[0].Field = append(main.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("f" + number), Number: proto.Int32(int32(i + 1)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".w.f" + number + ".M"),
		})
	}
	set.File = append(set.File, main)
	return set
}

// A schema of many large files takes no more memory than one large file, whatever its source.
func TestWideSchemas(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for name, c := range map[string]struct {
		files int
		fill  func(f *descriptorpb.FileDescriptorProto, number string)
	}{
		"enums": {12, func(f *descriptorpb.FileDescriptorProto, number string) {
			e := &descriptorpb.EnumDescriptorProto{Name: proto.String("E")}
			for i := range 180_000 {
				e.Value = append(e.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String("V" + strconv.Itoa(i)), Number: proto.Int32(int32(i))})
			}
			f.EnumType = append(f.EnumType, e)
		}},
		"fields": {8, func(f *descriptorpb.FileDescriptorProto, _ string) {
			for i := range 100_000 {
				f.MessageType[0].Field = append(f.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
					Name: proto.String("f" + strconv.Itoa(i)), Number: proto.Int32(int32(20_000 + i)),
					Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
				})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			set := wideSchema(c.files, c.fill)
			raw, err := proto.Marshal(set)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "wide.binpb")
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			address := serveSchema(t, set)
			for _, try := range []struct {
				args []string
				said string
			}{
				{[]string{"-a", address, "describe", "w.All"}, `exit 1 rpcctl: descriptor of "w.All" from reflection: it and what it imports have more than 1500000 `},
				{[]string{"-a", address, "call", "Wide.Do", "--timeout", "30"}, `exit 1 rpcctl: descriptor of "w.Wide" from reflection: it and what it imports`},
				{[]string{"-a", "127.0.0.1:1", "--protoset", path, "describe", "w.All"}, `exit 1 rpcctl: descriptor of "w.All": it and what it imports`},
				{[]string{"-a", address, "export", "--protoset-out", filepath.Join(t.TempDir(), "out")}, "exit 1 rpcctl: not all of the schema was written:"},
			} {
				withinBounds(t, try.args, try.said)
			}
		})
	}
}

// withinBounds runs rpcctl, which has to say something in the end, and holds its memory.
func withinBounds(t *testing.T, args []string, want string) {
	t.Helper()
	peak, took, said := peakOf(t, args)
	t.Logf("%4d MiB of %3d, %5.1f s, %.90v, %s", peak, mostResident, took.Seconds(), args, said)
	if peak > mostResident {
		t.Errorf("%v took %d MiB, more than %d", args, peak, mostResident)
	}
	if !strings.HasPrefix(said, want) {
		t.Errorf("%v ended with %q, want %q", args, said, want)
	}
}

// A schema may have millions of names, and the same again and again.
func TestSchemasOfManyNames(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	const size = 60 << 20
	field := func(b []byte, num protowire.Number, data []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), data)
	}
	const name, value, enum, file = 1, 2, 5, 1 // the fields of descriptor.proto
	for kind, next := range map[string]func(i int) string{
		"one name": func(int) string { return "V" }, "no name": func(int) string { return "" }, "many names": func(i int) string { return "V" + strconv.Itoa(i) },
	} {
		t.Run(kind, func(t *testing.T) {
			values := field(nil, name, []byte("E"))
			for i := 0; len(values) < size; i++ {
				var v []byte
				if text := next(i); text != "" {
					v = field(nil, name, []byte(text))
				}
				values = field(values, value, v)
			}
			path := filepath.Join(t.TempDir(), "names.binpb")
			raw := field(nil, file, field(field(nil, name, []byte("n.proto")), enum, values))
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			withinBounds(t, []string{"-a", "127.0.0.1:1", "--protoset", path, "describe", "E"}, `exit 1 rpcctl: descriptor of "n.proto" from `)
			withinBounds(t, []string{"-a", "127.0.0.1:1", "--protoset", path, "describe", "Other"}, "exit 2 rpcctl: Other: no such symbol")
		})
	}
}

// serveSchema starts a server with the reflection of a schema, and nothing behind it.
func serveSchema(t *testing.T, set *descriptorpb.FileDescriptorSet) (address string) {
	t.Helper()
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "w.Wide", HandlerType: (*any)(nil), Metadata: "wide.proto"}, struct{}{})
	options := reflection.ServerOptions{Services: server, DescriptorResolver: files}
	reflectionpb.RegisterServerReflectionServer(server, reflection.NewServerV1(options))
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return l.Addr().String()
}
