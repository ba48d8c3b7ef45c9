package discovery

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// within tells whether a name is in a package or one below it.
func within(pkg, name protoreflect.FullName) bool {
	if pkg == "" {
		return true
	}
	return len(name) > len(pkg) && name[len(pkg)] == '.' && name[:len(pkg)] == pkg
}

// findInFile returns the symbol of a file with a full name, or nil. Enum values
// are found under both names: as siblings of their enum, which is their full
// name, and below it, as people write them.
func findInFile(f protoreflect.FileDescriptor, name protoreflect.FullName) protoreflect.Descriptor {
	if !within(f.Package(), name) {
		return nil
	}
	rest := string(name)
	if f.Package() != "" {
		rest = rest[len(f.Package())+1:]
	}
	first, rest, more := strings.Cut(rest, ".")
	n := protoreflect.Name(first)
	if s := f.Services().ByName(n); s != nil {
		if !more {
			return s
		}
		return orNil(s.Methods().ByName(protoreflect.Name(rest)))
	}
	return findDeclared(f, n, rest, more)
}

// declarations are what a file and a message have in common.
type declarations interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

func findDeclared(in declarations, n protoreflect.Name, rest string, more bool) protoreflect.Descriptor {
	if m := in.Messages().ByName(n); m != nil {
		if !more {
			return m
		}
		first, rest, more := strings.Cut(rest, ".")
		return findInMessage(m, protoreflect.Name(first), rest, more)
	}
	if e := in.Enums().ByName(n); e != nil {
		if !more {
			return e
		}
		return orNil(e.Values().ByName(protoreflect.Name(rest)))
	}
	if more {
		return nil
	}
	if x := in.Extensions().ByName(n); x != nil {
		return x
	}
	for i := range in.Enums().Len() {
		if v := in.Enums().Get(i).Values().ByName(n); v != nil {
			return v
		}
	}
	return nil
}

func findInMessage(m protoreflect.MessageDescriptor, n protoreflect.Name, rest string, more bool) protoreflect.Descriptor {
	if d := findDeclared(m, n, rest, more); d != nil || more {
		return d
	}
	if f := m.Fields().ByName(n); f != nil {
		return f
	}
	return orNil(m.Oneofs().ByName(n))
}

// orNil makes a nil of a concrete interface a nil Descriptor.
func orNil[D interface {
	comparable
	protoreflect.Descriptor
}](d D) protoreflect.Descriptor {
	var none D
	if d == none {
		return nil
	}
	return d
}
