package secret

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Declared reports whether the author of a schema marked a field as one that is
// not to be printed for debugging, by the option debug_redact
// (google/protobuf/descriptor.proto). It holds for all below the field.
func Declared(fd protoreflect.FieldDescriptor) bool {
	o, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

// Field reports whether a field is secret: it is declared so, or named so.
func Field(fd protoreflect.FieldDescriptor) bool { return Declared(fd) || Name(string(fd.Name())) }

// A Resolver finds the types of extensions and of the messages in an Any.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// A Stripper takes the secret fields out of messages. It is safe for concurrent
// use.
type Stripper struct {
	Secret func(protoreflect.FieldDescriptor) bool // Declared or Field
	Keys   func(string) bool                       // reports whether the values of a key of a map are secret; nil: none are
	Types  Resolver                                // may be nil: then an Any is opaque

	known sync.Map // protoreflect.MessageDescriptor → bool
}

// Strip returns the wire form of a message without its secret fields and all below
// them, and the paths that it left out, at most 101; elements of a list share theirs. When there are none the wire is returned
// as it is, and so is what is no message. A nil Stripper leaves nothing out.
func (s *Stripper) Strip(md protoreflect.MessageDescriptor, wire []byte) (stripped []byte, paths []string) {
	if s == nil || !s.mayHide(md) {
		return wire, nil
	}
	w := &walk{s: s}
	stripped, ok := w.message(md, wire, 0)
	if !ok || !w.found {
		return wire, nil
	}
	return stripped, w.paths
}

// mayHide reports whether a message of a type can have a secret field.
func (s *Stripper) mayHide(md protoreflect.MessageDescriptor) bool {
	if known, ok := s.known.Load(md); ok {
		return known.(bool)
	}
	found := s.find(md, map[protoreflect.FullName]bool{})
	s.known.Store(md, found)
	return found
}

// find looks for a secret field below a type.
func (s *Stripper) find(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[md.FullName()] {
		return false
	}
	seen[md.FullName()] = true
	if md.FullName() == "google.protobuf.Any" {
		return s.Types != nil
	}
	if md.ExtensionRanges().Len() > 0 && s.Types != nil {
		return true // an extension may be secret
	}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if s.Secret(fd) || s.Keys != nil && stringKeys(fd) || fd.Message() != nil && s.find(fd.Message(), seen) {
			return true
		}
	}
	return false
}

func stringKeys(fd protoreflect.FieldDescriptor) bool {
	return fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind
}
