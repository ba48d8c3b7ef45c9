package main

import (
	"context"
	"fmt"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A schema is the runner's messages.
type schema struct {
	files             *protoregistry.Files
	types             *dynamicpb.Types
	request, response protoreflect.MessageDescriptor
}

// compile reads the runner's .proto files from the folder dir.
func compile(dir string) (*schema, error) {
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(
		&protocompile.SourceResolver{ImportPaths: []string{dir}})}
	linked, err := c.Compile(context.Background(),
		"conformance/conformance.proto",
		"google/protobuf/test_messages_proto2.proto",
		"google/protobuf/test_messages_proto3.proto",
		"google/protobuf/test_messages_proto2_editions.proto",
		"google/protobuf/test_messages_proto3_editions.proto",
		"google/protobuf/test_messages_edition2023.proto",
	)
	if err != nil {
		return nil, fmt.Errorf("compiling the runner's messages: %w", err)
	}
	files := new(protoregistry.Files)
	for _, fd := range linked {
		if err := load(files, fd); err != nil {
			return nil, fmt.Errorf("linking the runner's messages: %w", err)
		}
	}
	s := &schema{files: files, types: dynamicpb.NewTypes(files)}
	for name, md := range map[protoreflect.FullName]*protoreflect.MessageDescriptor{
		"conformance.ConformanceRequest":  &s.request,
		"conformance.ConformanceResponse": &s.response,
	} {
		d, err := files.FindDescriptorByName(name)
		if err != nil {
			return nil, err
		}
		*md = d.(protoreflect.MessageDescriptor)
	}
	return s, nil
}

// load builds fd and what it imports as generated code does, since package protodesc
// refuses the MessageSet that is among the runner's messages.
func load(files *protoregistry.Files, fd protoreflect.FileDescriptor) error {
	if _, err := files.FindFileByPath(fd.Path()); err == nil {
		return nil
	}
	for i := range fd.Imports().Len() {
		if err := load(files, fd.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	raw, err := proto.Marshal(protodesc.ToFileDescriptorProto(fd))
	if err != nil {
		return err
	}
	protoimpl.DescBuilder{RawDescriptor: raw, FileRegistry: files}.Build()
	return nil
}
