package skeleton_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
)

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
