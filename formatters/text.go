package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

// A textFormatter prints responses in the text format, with a line that holds the
// record separator (0x1E) between them.
type textFormatter struct {
	out    *batch.Writer
	o      Options
	colors *palette.Palette
	count  int
}

func newText(w io.Writer, o Options) (Formatter, error) {
	return &textFormatter{out: batch.New(w, o.Live), o: o, colors: palette.New(o.Color)}, nil
}

// Event prints a response.
func (f *textFormatter) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	if err := checkBulk(e.Message, Text, maxDecoded); err != nil {
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
	p := textPrinter{types: f.o.types(e.Message), o: &f.o, colors: f.colors, b: buf, spill: f.out.Spill}
	before := len(p.b)
	p.message(m, 0, 0)
	if len(p.b) == before && e.Call != nil && e.Call.Method != nil && e.Call.Method.IsStreamingServer() {
		p.b = append(p.b, "# empty\n"...) // else nothing would tell it from the stream's end
	}
	return f.out.End(p.b, e.At)
}

// Flush writes what is left.
func (f *textFormatter) Flush() error { return f.out.Flush() }
