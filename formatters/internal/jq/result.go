package jq

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/itchyny/gojq"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
)

const (
	// maxResultDepth is how deep a result may nest.
	maxResultDepth = 1000
	// spillSize is how much of a result is held before it is written, in bytes: one that is
	// shorter is printed whole or not at all.
	spillSize = 4 << 20
)

// MaxResult returns how long the text of a result for a document may be, in bytes: a small result
// can hold another many times over, and each of those the next.
func MaxResult(document []byte) int { return 32<<20 + 16*len(document) }

// A ResultPrinter prints results as JSON, with keys in alphabetical order, as objects of programs
// have no order of their own. It is for one result.
type ResultPrinter struct {
	Indent string // of each level; "": all on one line
	Most   int    // how long the text may be, in bytes, with what stands before it
	// Spill writes the text of a long result that is there so far, and returns what is to be
	// appended to. Nil keeps all of the text.
	Spill func(text []byte) []byte

	spilled int // bytes that were written
}

// Spilled reports whether a part of the result was written already.
func (p *ResultPrinter) Spilled() bool { return p.spilled > 0 }

// Append appends a result to dst. The error for a result past a bound is an *Error.
func (p *ResultPrinter) Append(dst []byte, result any) ([]byte, error) {
	return p.value(dst, result, 0)
}

// value appends a value at a depth.
func (p *ResultPrinter) value(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxResultDepth {
		return dst, &Error{Err: fmt.Errorf("a result nests deeper than %d levels", maxResultDepth)}
	}
	if p.Spill != nil && len(dst) >= spillSize {
		p.spilled += len(dst)
		dst = p.Spill(dst)
	}
	if p.spilled+len(dst) > p.Most {
		return dst, &Error{Err: errors.New("a result is too long to be printed")}
	}
	switch v := v.(type) {
	case string:
		return jsontext.AppendString(dst, v), nil
	case []any:
		return p.array(dst, v, depth)
	case map[string]any:
		return p.object(dst, v, depth)
	}
	text, err := gojq.Marshal(v) // null, booleans and numbers
	if err != nil {
		return dst, &Error{Err: err}
	}
	return append(dst, text...), nil
}

func (p *ResultPrinter) array(dst []byte, elements []any, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendBreak(dst, p.Indent, depth+1)
		if dst, err = p.value(dst, element, depth+1); err != nil {
			return dst, err
		}
	}
	if len(elements) > 0 {
		dst = jsontext.AppendBreak(dst, p.Indent, depth)
	}
	return append(dst, ']'), nil
}

func (p *ResultPrinter) object(dst []byte, members map[string]any, depth int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(jsontext.AppendBreak(dst, p.Indent, depth+1), key), ':')
		if p.Indent != "" {
			dst = append(dst, ' ')
		}
		if dst, err = p.value(dst, members[key], depth+1); err != nil {
			return dst, err
		}
	}
	if len(members) > 0 {
		dst = jsontext.AppendBreak(dst, p.Indent, depth)
	}
	return append(dst, '}'), nil
}
