package formatters

import (
	"fmt"
	"io"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/internal/palette"
)

// WriteDescriptor writes what a symbol is as its definition in proto source, with
// its comments and options, after a line that names it, as in
// "shop.v1.Order is a message:". Custom options have names when the symbol's file
// imports them. Everything is cleaned.
//
// Printing reads options that were not understood before anew and keeps them in
// the descriptor, so it must not run beside anything that looks at those.
func WriteDescriptor(w io.Writer, d protoreflect.Descriptor, o Options) error {
	source, err := descriptorSource(d)
	if err != nil {
		return err
	}
	name := string(d.FullName())
	if f, ok := d.(protoreflect.FileDescriptor); ok {
		name = f.Path()
	}
	colors := palette.New(o.Color)
	head := colors.Paint(palette.Strong, Clean(name, false)) + " is " + kindOf(d) + ":\n"
	_, err = io.WriteString(w, head+paintSource(source, colors))
	return err
}

// kindOf names the kind of a symbol, with its article.
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

// descriptorSource returns the definition of a symbol as cleaned proto source.
func descriptorSource(d protoreflect.Descriptor) (source string, err error) {
	// The printer panics on some descriptors that no compiler makes, and servers
	// can send any.
	defer func() {
		if p := recover(); p != nil {
			source, err = "", fmt.Errorf("printing the definition of %s: %v", Clean(string(d.FullName()), false), p)
		}
	}()
	p := protoprint.Printer{
		Indent:       "  ",
		OmitComments: protoprint.CommentsDetached, // often the licence
	}
	text, err := p.PrintProtoToString(d)
	if err != nil {
		return "", fmt.Errorf("printing the definition of %s: %w", d.FullName(), err)
	}
	return tidied(Clean(respell(text), true)), nil
}

// tidied returns proto source with the spaces that people write and with no blank
// lines between things that are one line each.
func tidied(source string) string {
	var b strings.Builder
	before, blank := "", false
	for line := range strings.Lines(source) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			blank = true
			continue
		}
		if blank && before != "" && (strings.HasSuffix(before, "}") || strings.HasSuffix(trimmed, "{") || strings.HasPrefix(trimmed, "//") || !indented(line)) {
			b.WriteByte('\n')
		}
		if strings.HasPrefix(trimmed, "rpc ") {
			line = strings.Replace(line, " ( ", "(", 1)
			line = strings.Replace(line, " ) returns ( ", ") returns (", 1)
			line = strings.Replace(line, " )", ")", 1)
		}
		b.WriteString(line)
		before, blank = trimmed, false
	}
	return b.String()
}

func indented(line string) bool { return strings.HasPrefix(line, " ") }

// WriteSource writes a whole file as proto source that compiles to it again, with
// its comments. What could move a cursor stands there as an escape.
//
// What is said of WriteDescriptor about options holds here too.
func WriteSource(w io.Writer, f protoreflect.FileDescriptor) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("printing the file %q: %v", f.Path(), p)
		}
	}()
	p := protoprint.Printer{Indent: "  ", ForceFullyQualifiedNames: true}
	text, err := p.PrintProtoToString(f)
	if err != nil {
		return fmt.Errorf("printing the file %q: %w", f.Path(), err)
	}
	_, err = io.WriteString(w, cleanComments(respell(text)))
	return err
}

// cleanComments cleans the comments of proto source. Its printer escapes what is in strings, and
// nothing else has any text that was not checked.
func cleanComments(source string) string {
	if Clean(source, true) == source {
		return source
	}
	var b strings.Builder
	for i := 0; i < len(source); {
		n := 1
		switch {
		case strings.HasPrefix(source[i:], "//"):
			n = len(source) - i
			if end := strings.IndexByte(source[i:], '\n'); end >= 0 {
				n = end
			}
			b.WriteString(Clean(source[i:i+n], true))
		case strings.HasPrefix(source[i:], "/*"):
			n = len(source) - i
			if end := strings.Index(source[i+2:], "*/"); end >= 0 {
				n = end + 4
			}
			b.WriteString(Clean(source[i:i+n], true))
		case source[i] == '"' || source[i] == '\'':
			n = quotedLength(source[i:])
			b.WriteString(source[i : i+n])
		default:
			b.WriteByte(source[i])
		}
		i += n
	}
	return b.String()
}

// CleanJSON returns JSON with hidden characters as escapes, which loses nothing.
func CleanJSON(raw []byte) []byte { return jsontext.Clean(raw) }
