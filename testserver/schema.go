package testserver

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

//go:embed proto
var sources embed.FS

// A string and not bytes, so that nobody can write to it.
//
//go:embed demo.protoset
var protoset string

// Protos returns the sources of the demo's schema. Paths are those of import
// lines, such as "rpcctl/demo/v1/shop.proto". The well-known types that they
// import are not among them. It is safe for concurrent use.
func Protos() fs.FS {
	sub, err := fs.Sub(sources, "proto")
	if err != nil {
		panic(err) // The name is constant and valid, so this cannot happen.
	}
	return sub
}

// Protoset returns the demo's schema as a serialized FileDescriptorSet: all
// files of [Protos] with their comments, and all that they import. The slice is
// the caller's.
func Protoset() []byte { return []byte(protoset) }

// schema answers the reflection service: the demo's files as they are in the descriptor set,
// since the generated code has no comments, and everything else (health, reflection,
// google.rpc) from what is linked in. The set is parsed at the first question.
type schema struct {
	once  sync.Once
	files *protoregistry.Files
	types *dynamicpb.Types
	err   error
}

func (s *schema) load() error {
	s.once.Do(func() {
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal([]byte(protoset), set); err != nil {
			s.err = fmt.Errorf("reading the demo's schema: %w", err)
			return
		}
		if s.files, s.err = protodesc.NewFiles(set); s.err == nil {
			s.types = dynamicpb.NewTypes(s.files)
		}
	})
	return s.err
}

// FindFileByPath implements protodesc.Resolver.
func (s *schema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if !strings.HasPrefix(path, "rpcctl/") {
		return protoregistry.GlobalFiles.FindFileByPath(path)
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s.files.FindFileByPath(path)
}

// FindDescriptorByName implements protodesc.Resolver.
func (s *schema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if !own(name) {
		return protoregistry.GlobalFiles.FindDescriptorByName(name)
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s.files.FindDescriptorByName(name)
}

// extensions answers the reflection service's questions about extensions from
// the same files, so that a file never comes without its comments. The demo
// extends its own messages and descriptor.proto, and is asked for no others.
type extensions struct{ schema *schema }

// FindExtensionByName implements protoregistry.ExtensionTypeResolver.
func (e extensions) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if err := e.schema.load(); err != nil {
		return nil, err
	}
	return e.schema.types.FindExtensionByName(name)
}

// FindExtensionByNumber implements protoregistry.ExtensionTypeResolver.
func (e extensions) FindExtensionByNumber(
	message protoreflect.FullName, field protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	if err := e.schema.load(); err != nil {
		return nil, err
	}
	return e.schema.types.FindExtensionByNumber(message, field)
}

// RangeExtensionsByMessage implements reflection.ExtensionResolver.
func (e extensions) RangeExtensionsByMessage(message protoreflect.FullName, f func(protoreflect.ExtensionType) bool) {
	if e.schema.load() != nil {
		return
	}
	extend := func(list protoreflect.ExtensionDescriptors) bool {
		for i := range list.Len() {
			if d := list.Get(i); d.ContainingMessage().FullName() == message && !f(dynamicpb.NewExtensionType(d)) {
				return false
			}
		}
		return true
	}
	e.schema.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		return extend(file.Extensions()) && inMessages(file.Messages(), extend)
	})
}

// inMessages calls f with the extensions declared inside the messages, at any
// depth, until it returns false.
func inMessages(messages protoreflect.MessageDescriptors, f func(protoreflect.ExtensionDescriptors) bool) bool {
	for i := range messages.Len() {
		m := messages.Get(i)
		if !f(m.Extensions()) || !inMessages(m.Messages(), f) {
			return false
		}
	}
	return true
}

func own(name protoreflect.FullName) bool {
	return name == "rpcctl" || strings.HasPrefix(string(name), "rpcctl.")
}
