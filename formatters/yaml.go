package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/formatters/internal/yaml"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

// A yamlFormatter prints each response as a YAML document.
type yamlFormatter struct {
	out      *batch.Writer
	o        Options
	encoders encoders
	printer  *yaml.Printer
	json     []byte
	count    int
}

func newYAML(w io.Writer, o Options) (Formatter, error) {
	f := &yamlFormatter{out: batch.New(w, o.Live), o: o}
	f.encoders = encoders{o: &f.o}
	f.printer = yaml.NewPrinter(palette.New(o.Color), f.out.Spill)
	return f, nil
}

// Event prints a response.
func (f *yamlFormatter) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	enc := f.encoders.of(e.Message)
	large := len(e.Message.Wire) >= memory.PieceSize
	var err error
	if !large {
		if f.json, err = enc.Append(f.json[:0], e.Message.Wire); err != nil {
			return faulty(e, err)
		}
	}
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	if f.count++; f.count > 1 {
		buf = append(buf, "---\n"...)
	}
	f.printer.Start(buf)
	if large {
		err = enc.Write(f.printer, e.Message.Wire)
	} else {
		_, err = f.printer.Write(f.json)
	}
	if err != nil {
		return after(f.out.End(f.printer.Text(), e.At), faulty(e, err))
	}
	return f.out.End(f.printer.Finish(), e.At)
}

// Flush writes what is left.
func (f *yamlFormatter) Flush() error { return f.out.Flush() }
