package symbol

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// InFile returns the symbol with a full name that a file declares, or nil. An enum value has
// two names: its full name, which makes it a sibling of its enum, and the one that people
// write, which puts it below the enum.
func InFile(f protoreflect.FileDescriptor, name protoreflect.FullName) protoreflect.Descriptor {
	if !Within(f.Package(), name) {
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

// A Scope declares messages, enums and extensions: it is a file or a message.
type Scope interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

// findDeclared returns what a scope declares under a name, or what rest names inside of it.
// There is a rest when more is set.
func findDeclared(in Scope, n protoreflect.Name, rest string, more bool) protoreflect.Descriptor {
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

func findInMessage(
	m protoreflect.MessageDescriptor, n protoreflect.Name, rest string, more bool,
) protoreflect.Descriptor {
	if d := findDeclared(m, n, rest, more); d != nil || more {
		return d
	}
	if f := m.Fields().ByName(n); f != nil {
		return f
	}
	return orNil(m.Oneofs().ByName(n))
}

// orNil returns a Descriptor that is nil when the given descriptor is.
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

// SortExtensions sorts extensions by their numbers.
func SortExtensions(xs []protoreflect.ExtensionDescriptor) {
	slices.SortFunc(xs, func(a, b protoreflect.ExtensionDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
}

// InFiles returns the symbol with a full name that the first of the files declares, or nil.
func InFiles(files []protoreflect.FileDescriptor, name protoreflect.FullName) protoreflect.Descriptor {
	for _, f := range files {
		if d := InFile(f, name); d != nil {
			return d
		}
	}
	return nil
}

// TypeOrNil returns a message or enum as it is, and nil for every other symbol.
func TypeOrNil(d protoreflect.Descriptor) protoreflect.Descriptor {
	switch d.(type) {
	case protoreflect.MessageDescriptor, protoreflect.EnumDescriptor:
		return d
	default:
		return nil
	}
}

// EachExtension visits the extensions that a file declares, at its top level and inside
// messages.
func EachExtension(in Scope, visit func(protoreflect.ExtensionDescriptor)) {
	for i := range in.Extensions().Len() {
		visit(in.Extensions().Get(i))
	}
	for i := range in.Messages().Len() {
		EachExtension(in.Messages().Get(i), visit)
	}
}
