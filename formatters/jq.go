package formatters

import (
	"fmt"
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jq"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/invoke"
)

// A jqFormatter prints the results of a filter for each response.
type jqFormatter struct {
	out     *batch.Writer
	program *Program
	o       Options
	indent  string
	results jq.ResultPrinter
	spill   func(b []byte) []byte // nil: a result is painted as a whole
	result  []byte                // before it is painted
	painter *jsontext.Painter     // nil: no colours
}

// newFiltered makes the formatter for a format with Options.Filter.
func newFiltered(format Format, w io.Writer, o Options) (Formatter, error) {
	f := &jqFormatter{out: batch.New(w, o.Live), o: o}
	switch format {
	case JSON:
		f.indent = "  "
	case NDJSON:
	default:
		return nil, fmt.Errorf("a jq filter gives JSON: it goes with the formats %s and %s, not %s", JSON, NDJSON,
			format)
	}
	f.program = NewProgram(&f.o)
	if f.painter = jsontext.NewPainter(f.out.Pieces(), o.Color); f.painter == nil {
		f.spill = f.out.Spill
	}
	return f, nil
}

// Event prints the results for a response, each on lines of its own.
func (f *jqFormatter) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	if err := f.program.Read(e.Message); err != nil {
		return faulty(e, err)
	}
	return f.program.Each(func(result any) error {
		buf, err := f.out.Begin()
		if err != nil {
			return err
		}
		f.results = jq.ResultPrinter{
			Indent: f.indent, Most: len(buf) + jq.MaxResult(f.program.document),
			Spill: f.spill,
		}
		next, err := f.append(buf, result)
		switch {
		case err != nil && f.results.Spilled():
			return after(f.out.End(append(next[:0], '\n'), e.At), err)
		case err != nil:
			return after(f.out.End(buf, e.At), err)
		}
		return f.out.End(append(next, '\n'), e.At)
	})
}

// append appends one result to buf.
func (f *jqFormatter) append(buf []byte, result any) (_ []byte, err error) {
	if text, ok := result.(string); ok && f.o.FilterRaw {
		return append(buf, Clean(text, true)...), nil
	}
	if f.painter == nil {
		return f.results.Append(buf, result)
	}
	if f.result, err = f.results.Append(f.result[:0], result); err != nil {
		return buf, err
	}
	return f.painter.Append(buf, f.result), nil
}

// Flush writes what is left.
func (f *jqFormatter) Flush() error { return f.out.Flush() }
