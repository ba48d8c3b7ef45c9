package secret

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Declared reports whether the schema marks a field as not to be printed, by the option debug_redact
// (google/protobuf/descriptor.proto). The mark holds for everything below the field.
func Declared(fd protoreflect.FieldDescriptor) bool {
	o, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

// Field reports whether a field is secret, by the schema or by its name.
func Field(fd protoreflect.FieldDescriptor) bool { return Declared(fd) || Name(string(fd.Name())) }

// A Resolver finds the types of extensions and of the messages in an Any.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// A Stripper removes the secret fields of messages. It is safe for concurrent use.
type Stripper struct {
	Secret func(protoreflect.FieldDescriptor) bool // Declared or Field
	Keys   func(string) bool                       // whether the values of a key of a map are secret; nil: none are
	Types  Resolver                                // may be nil: then an Any is opaque

	known sync.Map // protoreflect.MessageDescriptor → bool
}

// Strip returns an encoded message without its secret fields, and the paths of these fields, at most
// 101; the elements of a list share a path. It returns encoded itself when
// there are none, or when it is not a message. A nil *Stripper removes nothing.
func (s *Stripper) Strip(md protoreflect.MessageDescriptor, encoded []byte) (stripped []byte, paths []string) {
	if s == nil || !s.mayHide(md) {
		return encoded, nil
	}
	w := &stripping{s: s}
	stripped, ok := w.message(md, encoded, 0)
	if !ok || !w.found {
		return encoded, nil
	}
	return stripped, w.paths
}

// mayHide reports whether a message of a type may have a secret field.
func (s *Stripper) mayHide(md protoreflect.MessageDescriptor) bool {
	if known, ok := s.known.Load(md); ok {
		return known.(bool)
	}
	found := s.find(md, map[protoreflect.FullName]bool{})
	s.known.Store(md, found)
	return found
}

// find reports whether there may be a secret field in a type or below it. Seen are the types that were
// looked at.
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

// stringKeys reports whether a field is a map with strings as keys.
func stringKeys(fd protoreflect.FieldDescriptor) bool {
	return fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind
}
