package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const suite = "connectrpc.conformance.v1."

// A schema is the suite's messages, for here and for rpcctl.
type schema struct {
	types             *dynamicpb.Types
	request, response protoreflect.MessageDescriptor
	protoset          string // the file for rpcctl
}

// openSchema compiles the suite's .proto files and writes their descriptor set.
func openSchema(ctx context.Context, protos, dir string) (*schema, error) {
	names, err := filepath.Glob(filepath.Join(protos, "connectrpc", "conformance", "v1", "*.proto"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s has no connectrpc/conformance/v1/*.proto", protos)
	}
	for i, name := range names {
		if names[i], err = filepath.Rel(protos, name); err != nil {
			return nil, err
		}
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{protos}}),
	}
	linked, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("compiling the suite's schema: %w", err)
	}
	files, set := &protoregistry.Files{}, &descriptorpb.FileDescriptorSet{}
	for _, f := range linked {
		if err := add(files, set, f); err != nil {
			return nil, err
		}
	}
	b, err := proto.Marshal(set)
	if err != nil {
		return nil, err
	}
	s := &schema{types: dynamicpb.NewTypes(files), protoset: filepath.Join(dir, "suite.binpb")}
	if err := os.WriteFile(s.protoset, b, 0o600); err != nil {
		return nil, err
	}
	s.request, err = s.message("ClientCompatRequest")
	if err != nil {
		return nil, err
	}
	s.response, err = s.message("ClientCompatResponse")
	return s, err
}

// add adds a file behind those that it imports.
func add(files *protoregistry.Files, set *descriptorpb.FileDescriptorSet, f protoreflect.FileDescriptor) error {
	if _, err := files.FindFileByPath(f.Path()); err == nil {
		return nil
	}
	for i := range f.Imports().Len() {
		if err := add(files, set, f.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	return files.RegisterFile(f)
}

func (s *schema) message(name protoreflect.Name) (protoreflect.MessageDescriptor, error) {
	t, err := s.types.FindMessageByName(suite + protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	return t.Descriptor(), nil
}
