package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/formatters/internal/textformat"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

// A textFormatter prints responses in the text format, with a line that holds the
// record separator (0x1E) between them.
type textFormatter struct {
	out   *batch.Writer
	o     Options
	text  textformat.Options
	count int
}

func newText(w io.Writer, o Options) (Formatter, error) {
	f := &textFormatter{out: batch.New(w, o.Live), o: o, text: o.textFormat(nil)}
	f.text.Spill = f.out.Spill
	return f, nil
}

// textFormat returns the options of the text format.
func (o *Options) textFormat(types invoke.Types) textformat.Options {
	return textformat.Options{
		Types: types, Colors: palette.New(o.Color), EmitDefaults: o.EmitDefaults, EnumNumbers: o.EnumNumbers,
	}
}

// Event prints a response.
func (f *textFormatter) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	if err := memory.Check(e.Message, string(Text), memory.MaxDecoded); err != nil {
		return faulty(e, err)
	}
	m, err := decoded(e.Message, &f.o)
	if err != nil {
		return faulty(e, err)
	}
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	if f.count++; f.count > 1 {
		buf = append(buf, "\x1e\n"...)
	}
	f.text.Types = f.o.types(e.Message)
	before := len(buf)
	if buf = textformat.Append(buf, m, &f.text); len(buf) == before && serverStreams(e) {
		buf = append(buf, "# empty\n"...) // else it would look like the end of the stream
	}
	return f.out.End(buf, e.At)
}

// Flush writes what is left.
func (f *textFormatter) Flush() error { return f.out.Flush() }
