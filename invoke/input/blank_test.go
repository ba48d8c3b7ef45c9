package input

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/descriptorpb"
)

// blanks is an input of so many bytes of white space, and then a text.
func blanks(text string, n int64, then string) io.Reader {
	return io.MultiReader(io.LimitReader(&repeating{text: text}, n), strings.NewReader(then))
}

// Endless white space, before and between messages, is not kept, and does not count for the
// limit of a message. White space behind a message that is not JSON may be part of it, and the
// current line of YAML may be indented.
func TestBlanksAreNotKept(t *testing.T) {
	const many = 4 << 20
	o := Options{Message: (&descriptorpb.FileDescriptorProto{}).ProtoReflect().Descriptor(), Types: nil, MaxSize: 1 << 20}
	for _, tt := range []struct{ name, blank string }{
		{"spaces", " "}, {"line feeds", "\n"}, {"tabs", "\t"}, {"lines of spaces", strings.Repeat(" ", 70) + "\r\n"},
	} {
		for _, f := range []struct {
			format         Format
			message, after string
		}{
			{FormatJSON, `{"name":"x"}`, ""}, {FormatYAML, "name: x\n", "---\n"}, {FormatText, `name: "x"`, "\x1e"},
		} {
			for _, streams := range []bool{false, true} {
				t.Run(tt.name+" "+string(f.format), func(t *testing.T) {
					o := o
					o.Format, o.Streams = f.format, streams
					if f.format == FormatYAML && !strings.Contains(tt.blank, "\n") {
						t.Skip()
					}
					in := []io.Reader{blanks(tt.blank, many, "\n"+f.message+f.after)}
					if streams {
						in = append(in, blanks(tt.blank, many, "\n"+f.message+f.after))
					}
					o.Stdin = io.MultiReader(append(in, blanks(tt.blank, many, "\n"))...)
					s, err := New([]Part{{Text: "-", Data: true, Origin: "-d"}}, o)
					if err != nil {
						t.Fatal(err)
					}
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					n := 0
					for ; ; n++ {
						wire, err := s.Next(t.Context())
						if err == io.EOF {
							break
						}
						if err != nil {
							t.Fatal(err)
						}
						if !bytes.Contains(wire, []byte("x")) {
							t.Errorf("%x", wire)
						}
					}
					runtime.ReadMemStats(&after)
					if n != len(in) {
						t.Errorf("%d messages", n)
					}
					if all := after.TotalAlloc - before.TotalAlloc; all > 8<<20 {
						t.Errorf("%d KiB were allocated", all>>10)
					}
				})
			}
		}
	}
}
