// Package protosource prints descriptors as proto source: with protoprint of jhump/protoreflect,
// whose output it corrects, cleans and colours.
package protosource

import (
	"fmt"
	"io"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/safetext"
)

// Definition returns the definition of a symbol as cleaned proto source.
func Definition(d protoreflect.Descriptor) (source string, err error) {
	// The printer panics on some descriptors that no compiler makes, and servers
	// can send any.
	defer func() {
		if p := recover(); p != nil {
			source, err = "", fmt.Errorf("printing the definition of %s: %v",
				safetext.Clean(string(d.FullName()), false), p)
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
	return tidied(safetext.Clean(respell(text), true)), nil
}

// tidied returns proto source with spaces as people write them, and without blank lines between
// definitions of one line.
func tidied(source string) string {
	var b strings.Builder
	before, blank := "", false
	for line := range strings.Lines(source) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			blank = true
			continue
		}
		if blank && before != "" && (strings.HasSuffix(before, "}") || opensBlock(line, trimmed)) {
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

// opensBlock reports whether a blank line may stand before a line: one that begins a definition or
// a comment, or that is not indented.
func opensBlock(line, trimmed string) bool {
	return strings.HasSuffix(trimmed, "{") || strings.HasPrefix(trimmed, "//") || !strings.HasPrefix(line, " ")
}

// WriteFile writes a whole file, with its comments, as proto source that compiles to the same
// file. Hidden characters in comments are escaped.
func WriteFile(w io.Writer, f protoreflect.FileDescriptor) (err error) {
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

// cleanComments cleans the comments of proto source. The printer escapes strings, and all other
// text is made of names, which were checked.
func cleanComments(source string) string {
	if safetext.Clean(source, true) == source {
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
			b.WriteString(safetext.Clean(source[i:i+n], true))
		case strings.HasPrefix(source[i:], "/*"):
			n = len(source) - i
			if end := strings.Index(source[i+2:], "*/"); end >= 0 {
				n = end + 4
			}
			b.WriteString(safetext.Clean(source[i:i+n], true))
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
