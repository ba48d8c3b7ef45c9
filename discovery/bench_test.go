package discovery_test

import (
	"fmt"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
)

// bigSet makes a descriptor set of many files, each with a service and messages,
// that import one another in short chains. RPCCTL_BENCH_PROTOSET names a real one
// to use in its place, and RPCCTL_BENCH_METHOD a method of it.
func bigSet(b *testing.B) ([]byte, string) {
	b.Helper()
	if path := os.Getenv("RPCCTL_BENCH_PROTOSET"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return data, os.Getenv("RPCCTL_BENCH_METHOD")
	}
	const files, messages, fields = 2000, 8, 12
	set := &descriptorpb.FileDescriptorSet{}
	for i := range files {
		pkg := fmt.Sprintf("big.p%d.v1", i)
		fd := &descriptorpb.FileDescriptorProto{
			Name: proto.String(fmt.Sprintf("big/p%d.proto", i)), Package: &pkg, Syntax: proto.String("proto3"),
		}
		if i%5 != 0 {
			fd.Dependency = []string{fmt.Sprintf("big/p%d.proto", i-1)}
		}
		for m := range messages {
			md := &descriptorpb.DescriptorProto{Name: proto.String(fmt.Sprintf("Message%d", m))}
			for f := range fields {
				md.Field = append(md.Field, &descriptorpb.FieldDescriptorProto{
					Name: proto.String(fmt.Sprintf("field_%d", f)), Number: proto.Int32(int32(f + 1)),
					Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
					Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), JsonName: proto.String(fmt.Sprintf("field%d", f)),
				})
			}
			fd.MessageType = append(fd.MessageType, md)
		}
		ref := "." + pkg + ".Message0"
		fd.Service = []*descriptorpb.ServiceDescriptorProto{{
			Name:   proto.String("Service"),
			Method: []*descriptorpb.MethodDescriptorProto{{Name: proto.String("Do"), InputType: &ref, OutputType: &ref}},
		}}
		set.File = append(set.File, fd)
	}
	data, err := proto.Marshal(set)
	if err != nil {
		b.Fatal(err)
	}
	return data, "big.p1234.v1.Service/Do"
}

// BenchmarkProtosetCall is the cost of a descriptor set to a call: the scan, and the files of
// one method.
func BenchmarkProtosetCall(b *testing.B) {
	data, method := bigSet(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := discovery.ParseProtoset("big", data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := discovery.FindMethod(b.Context(), s, method); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProtosetScan is the scan alone.
func BenchmarkProtosetScan(b *testing.B) {
	data, _ := bigSet(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := discovery.ParseProtoset("big", data)
		if err != nil {
			b.Fatal(err)
		}
		if names, err := s.Services(b.Context()); err != nil || len(names) == 0 {
			b.Fatal(names, err)
		}
	}
}
