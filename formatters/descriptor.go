package formatters

import (
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/protosource"
	"github.com/rpcctl/rpcctl/internal/palette"
)

// WriteDescriptor writes what a symbol is as its definition in proto source, with its comments
// and options, after a line that names it, as in "shop.v1.Order is a message:". Custom options
// have names when the symbol's file imports them. Everything is cleaned.
//
// Printing parses options that were unknown before, and keeps the result in the descriptor, so
// nothing else may read the options at the same time.
func WriteDescriptor(w io.Writer, d protoreflect.Descriptor, o Options) error {
	source, err := protosource.Definition(d)
	if err != nil {
		return err
	}
	name := string(d.FullName())
	if f, ok := d.(protoreflect.FileDescriptor); ok {
		name = f.Path()
	}
	colors := palette.New(o.Color)
	head := colors.Paint(palette.Strong, Clean(name, false)) + " is " + kindOf(d) + ":\n"
	_, err = io.WriteString(w, head+protosource.Paint(source, colors))
	return err
}

// kindOf returns the kind of a symbol with its article.
func kindOf(d protoreflect.Descriptor) string {
	switch d := d.(type) {
	case protoreflect.FileDescriptor:
		return "a file"
	case protoreflect.MessageDescriptor:
		return "a message"
	case protoreflect.FieldDescriptor:
		if d.IsExtension() {
			return "an extension"
		}
		return "a field"
	case protoreflect.OneofDescriptor:
		return "a oneof"
	case protoreflect.EnumDescriptor:
		return "an enum"
	case protoreflect.EnumValueDescriptor:
		return "an enum value"
	case protoreflect.ServiceDescriptor:
		return "a service"
	case protoreflect.MethodDescriptor:
		return "a method"
	}
	return "a symbol"
}

// WriteSource writes a whole file, with its comments, as proto source that compiles to the
// same file. Hidden characters in comments are escaped.
//
// It parses options as WriteDescriptor does.
func WriteSource(w io.Writer, f protoreflect.FileDescriptor) error {
	return protosource.WriteFile(w, f)
}
