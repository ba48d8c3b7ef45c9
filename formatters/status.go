package formatters

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/textformat"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// maxBase64 is how much of the base64 of bytes is shown to a person, in characters.
const maxBase64 = 120

// WriteStatus writes how a call ended for a person: the code and the message on a
// line, then each detail under its name, indented. The details of google.rpc have
// a form of their own, details of other known types are JSON, and all others are a type and
// base64. Everything is cleaned. Further lines of a message are indented, so
// that no server can write a line that looks like one of this program. Long texts and many details
// are cut, with a note.
func WriteStatus(w io.Writer, s *invoke.Status, o Options) error {
	if s == nil {
		return nil
	}
	b := &block{colors: palette.New(o.Color), seen: o.Seen}
	b.head(b.colors.Paint(palette.Bad, fmt.Sprintf("%s (%d)", invoke.CodeName(s.Code), s.Code)), s.Message)
	for _, d := range s.Details {
		if b.full() {
			break
		}
		b.detail(d, &o)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A block is text that is indented by parts.
type block struct {
	strings.Builder
	colors *palette.Palette
	seen   *secret.Seen // masked in all text; may be nil
	cut    bool         // the rest is left out
}

// head writes the first line, and the further lines of a message indented.
func (b *block) head(name, message string) {
	b.WriteString(name)
	if message != "" {
		b.WriteString(": ")
		b.text(message, "  ")
		return
	}
	b.WriteByte('\n')
}

// text writes cleaned text from outside and a line feed. Its further lines are
// indented by indent.
func (b *block) text(s, indent string) {
	s = strings.TrimRight(Clean(b.seen.MaskWords(Cut(s, MaxText)), true), "\n")
	b.WriteString(strings.ReplaceAll(s, "\n", "\n"+indent))
	b.WriteByte('\n')
}

// name writes the line that names a detail.
func (b *block) name(s string) {
	b.WriteString("  " + b.colors.Paint(palette.Strong, Clean(Cut(s, MaxText), false)) + "\n")
}

// line writes a line of a detail, its parts that are not empty with colons between them.
func (b *block) line(parts ...string) {
	if b.full() {
		return
	}
	var s strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if s.Len() > 0 {
			s.WriteString(": ")
		}
		s.WriteString(p)
	}
	if s.Len() > 0 {
		b.WriteString("    ")
		b.text(s.String(), "      ")
	}
}

// full reports whether the block is so long that the rest is left out, and writes at its end that
// it is.
func (b *block) full() bool {
	if b.cut || b.Len() < maxBlock {
		return b.cut
	}
	b.cut = true
	b.WriteString("  ... (cut: --format-error or -o events shows all of it)\n")
	return true
}

// detail writes one detail.
func (b *block) detail(d *anypb.Any, o *Options) {
	name := typeName(d.GetTypeUrl())
	readable := len(d.GetValue()) <= maxRead
	if readable {
		if m, err := standardDetail(d); err == nil {
			b.name(string(name.Name()))
			b.standard(m)
			return
		}
	}
	if name == "" {
		name = "a detail with no type"
	}
	b.name(string(name))
	if readable {
		if j, err := detailValue(d, o); err == nil {
			b.line(string(j))
			return
		}
	}
	b.line(shortBase64(d.GetValue()))
}

// detailValue returns the compact JSON of a detail's value, without @type.
func detailValue(d *anypb.Any, o *Options) ([]byte, error) {
	t, err := known{o.Types}.FindMessageByURL(d.GetTypeUrl())
	if err != nil {
		return nil, err
	}
	return transcode.NewEncoder(t.Descriptor(), o.encoding(nil, "")).Append(nil, d.GetValue())
}

// shortBase64 returns the base64 of bytes, cut and with a note of their size when it is long.
func shortBase64(p []byte) string {
	if base64.StdEncoding.EncodedLen(len(p)) <= maxBase64 {
		return base64.StdEncoding.EncodeToString(p)
	}
	return fmt.Sprintf("%s... (%d bytes in all)", base64.StdEncoding.EncodeToString(p[:maxBase64/4*3]), len(p))
}

// WriteErrorJSON writes how a call ended as the indented JSON of a
// google.rpc.Status. A detail whose type is not known, whose value is not of its
// type, or whose JSON is past maxDetails, is its bytes in base64.
func WriteErrorJSON(w io.Writer, s *invoke.Status, o Options) error {
	p, types := rpcStatus(s, &o)
	wire, err := proto.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding a status: %w", err)
	}
	eo := o.encoding(nil, "  ")
	eo.Types = types
	b, err := transcode.NewEncoder(p.ProtoReflect().Descriptor(), eo).Append(nil, wire)
	if err != nil {
		return fmt.Errorf("encoding a status: %w", err)
	}
	b = jsontext.NewPainter(nil, o.Color).Append(nil, append(b, '\n'))
	_, err = w.Write(b)
	return err
}

// WriteErrorText writes how a call ended as a google.rpc.Status in the protobuf
// text format. A detail that cannot be decoded is its bytes.
func WriteErrorText(w io.Writer, s *invoke.Status, o Options) error {
	m, types := rpcStatus(s, &o)
	text := o.textFormat(types)
	_, err := w.Write(textformat.Append(nil, m.ProtoReflect(), &text))
	return err
}

// rpcStatus returns a status as its message, and the types with which all of that can be printed.
func rpcStatus(s *invoke.Status, o *Options) (*status.Status, invoke.Types) {
	types := readable{known: known{o.Types}, broken: map[protoreflect.FullName]bool{}}
	p := &status.Status{}
	if s == nil {
		return p, types
	}
	p.Code, p.Message = int32(s.Code), strings.ToValidUTF8(o.Seen.MaskWords(s.Message), "\uFFFD")
	room := maxDetails
	for _, d := range s.Details {
		if _, ok := detailJSON(d, o, "  ", &room); !ok {
			types.broken[typeName(d.GetTypeUrl())] = true
		}
		p.Details = append(p.Details,
			&anypb.Any{TypeUrl: strings.ToValidUTF8(d.GetTypeUrl(), "\uFFFD"), Value: d.GetValue()})
	}
	return p, types
}

// readable does not resolve the types of values that are broken, so that such a value is printed
// as bytes rather than being an error.
type readable struct {
	known
	broken map[protoreflect.FullName]bool
}

func (r readable) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if r.broken[name] {
		return nil, protoregistry.NotFound
	}
	return r.known.FindMessageByName(name)
}

func (r readable) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if r.broken[typeName(url)] {
		return nil, protoregistry.NotFound
	}
	return r.known.FindMessageByURL(url)
}
