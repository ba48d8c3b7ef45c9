package formatters

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/itchyny/gojq"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/invoke"
)

// A jqFormatter prints what a filter makes of each response.
type jqFormatter struct {
	out     *batch.Writer
	program *Program
	o       Options
	indent  string
	result  []byte            // before it is painted
	painter *jsontext.Painter // nil: no colours
}

// newFiltered makes the formatter for a format with Options.Filter.
func newFiltered(format Format, w io.Writer, o Options) (Formatter, error) {
	f := &jqFormatter{out: batch.New(w, o.Live), o: o}
	switch format {
	case JSON:
		f.indent = "  "
	case NDJSON:
	default:
		return nil, fmt.Errorf("a jq filter gives JSON: it goes with the formats %s and %s, not %s", JSON, NDJSON, format)
	}
	f.program = NewProgram(&f.o)
	f.painter = jsontext.NewPainter(f.out.Pieces(), o.Color)
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
		b := &resultBound{most: len(buf) + maxResult(f.program.document), spill: f.out.Spill}
		next, err := f.append(buf, result, b)
		switch {
		case err != nil && b.gone > 0:
			return after(f.out.End(append(next[:0], '\n'), e.At), err)
		case err != nil:
			return after(f.out.End(buf, e.At), err)
		}
		return f.out.End(append(next, '\n'), e.At)
	})
}

// append appends one result to buf.
func (f *jqFormatter) append(buf []byte, result any, b *resultBound) (_ []byte, err error) {
	if text, ok := result.(string); ok && f.o.FilterRaw {
		return append(buf, Clean(text, true)...), nil
	}
	if f.painter == nil {
		return appendResult(buf, result, f.indent, 0, b)
	}
	if f.result, err = appendResult(f.result[:0], result, f.indent, 0, &resultBound{most: b.most}); err != nil {
		return buf, err
	}
	return f.painter.Append(buf, f.result), nil
}

// Flush writes what is left.
func (f *jqFormatter) Flush() error { return f.out.Flush() }

// maxResultDepth is how deep a result may nest: a filter can build anything.
const maxResultDepth = 1000

// maxResult is how long the text of a result may be, in bytes: a small one can hold another
// many times over, and each of those the next.
func maxResult(document []byte) int { return 32<<20 + 16*len(document) }

// A resultBound bounds the text of one result.
type resultBound struct {
	most  int                      // bytes
	spill func(text []byte) []byte // writes what there is of a long one; nil: it is held until its end
	gone  int                      // bytes that were written
}

// spillSize is how much of a result is held before it is written, in bytes: one that is shorter
// is printed whole or not at all.
const spillSize = 4 << 20

// appendResult appends a value of a filter as JSON, keys in alphabetical order,
// as the filter's own maps have none. It ends when the result is past its bound.
func appendResult(dst []byte, v any, indent string, depth int, b *resultBound) ([]byte, error) {
	if depth > maxResultDepth {
		return dst, &FilterError{Err: fmt.Errorf("a result nests deeper than %d levels", maxResultDepth)}
	}
	if b.spill != nil && len(dst) >= spillSize {
		b.gone += len(dst)
		dst = b.spill(dst)
	}
	if b.gone+len(dst) > b.most {
		return dst, &FilterError{Err: errors.New("a result is too long to be printed")}
	}
	var err error
	switch v := v.(type) {
	case string:
		return jsontext.AppendString(dst, v), nil
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = jsontext.AppendBreak(dst, indent, depth+1)
			if dst, err = appendResult(dst, element, indent, depth+1, b); err != nil {
				return dst, err
			}
		}
		if len(v) > 0 {
			dst = jsontext.AppendBreak(dst, indent, depth)
		}
		return append(dst, ']'), nil
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendString(jsontext.AppendBreak(dst, indent, depth+1), key), ':')
			if indent != "" {
				dst = append(dst, ' ')
			}
			if dst, err = appendResult(dst, v[key], indent, depth+1, b); err != nil {
				return dst, err
			}
		}
		if len(v) > 0 {
			dst = jsontext.AppendBreak(dst, indent, depth)
		}
		return append(dst, '}'), nil
	default:
		text, err := gojq.Marshal(v) // null, booleans and numbers
		if err != nil {
			return dst, &FilterError{Err: err}
		}
		return append(dst, text...), nil
	}
}
