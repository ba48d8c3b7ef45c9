// Package yamlbound cuts YAML into tokens within bounds, before a parser gets them. The time
// of that parser grows with the square of the keys of a mapping and of the levels of nesting,
// and its memory is some hundred times that of the text. For a decoder that expands aliases,
// Aliases bounds the result.
package yamlbound

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Limits bound a text.
type Limits struct {
	Depth int // levels of collections
	Marks int // characters that may begin or end a part, such as - and commas
	Keys  int // of one mapping; several mappings together take no longer than one with as many keys
}

// A Fault is a bound that a text exceeds.
type Fault struct {
	Problem string
	Token   *token.Token // where; nil: the text as a whole
	Long    bool         // it is too long, as opposed to nested too deep
}

// Tokenize cuts a text into tokens. The fault is the bound that the text exceeds, nil for none.
func Tokenize(text []byte, l Limits) (token.Tokens, *Fault) {
	if n := marks(text); n > l.Marks {
		return nil, &Fault{Problem: fmt.Sprintf("YAML of more than %d parts is too long", l.Marks), Long: true}
	}
	tokens := lexer.Tokenize(string(text))
	if f := l.check(tokens); f != nil {
		return nil, f
	}
	return tokens, nil
}

// marks counts the characters that may part tokens: there are at most twice as many tokens.
func marks(text []byte) int {
	n := 0
	for _, c := range []byte("\n-:,[]{}?&*!|>#'\"") {
		n += bytes.Count(text, []byte{c})
	}
	return n
}

// check finds the first token that is past a bound. Flow collections nest by brackets, others
// by columns; tags and such stand before a value on one line.
func (l Limits) check(tokens token.Tokens) *Fault {
	var open blocks
	var in flows
	line, onLine, work := 0, 0, 0
	for i, tk := range tokens {
		in.take(tk.Type)
		switch tk.Type {
		case token.MappingKeyType, token.TagType, token.AnchorType:
			if tk.Position.Line != line {
				line, onLine = tk.Position.Line, 0
			}
			onLine++
		case token.SequenceEntryType:
			open.enter(tk.Position.Column)
		case token.MappingValueType:
			if len(in.open) == 0 && i > 0 {
				work += open.enter(tokens[i-1].Position.Column)
			}
		}
		switch {
		case len(in.open) > l.Depth, onLine > l.Depth, len(open) > l.Depth:
			return &Fault{fmt.Sprintf("nesting deeper than %d is too deep", l.Depth), tk, false}
		case work > l.Keys*l.Keys/2:
			return &Fault{fmt.Sprintf("mappings of more than %d keys are too long", l.Keys), tk, true}
		case in.noValue > l.Keys:
			return &Fault{fmt.Sprintf("more than %d keys without a value are too many", l.Keys), tk, true}
		}
	}
	return nil
}

// flows are the flow collections that are open. The parser takes the keys of their mappings
// one after the other, but for a key without a value it moves all that follows.
type flows struct {
	open    []flowEntry
	noValue int // keys without a value, of all mappings
}

// A flowEntry is what was read so far of an entry of a flow collection, such as [a, b] or {a: b}.
type flowEntry struct{ list, begun, colon, valued bool }

func (f *flows) take(t token.Type) {
	last := len(f.open) - 1
	switch t {
	case token.MappingEndType, token.SequenceEndType, token.CollectEntryType:
		if last < 0 {
			return
		}
		if e := f.open[last]; e.begun && !e.list && !e.valued {
			f.noValue++
		}
		if t != token.CollectEntryType {
			f.open = f.open[:last]
			return
		}
		f.open[last] = flowEntry{list: f.open[last].list}
		return
	}
	if last >= 0 {
		e := &f.open[last]
		e.valued = e.valued || e.colon
		e.begun, e.colon = true, t == token.MappingValueType
	}
	if t == token.MappingStartType || t == token.SequenceStartType {
		f.open = append(f.open, flowEntry{list: t == token.SequenceStartType})
	}
}

// blocks are the collections that are open, by the columns they stand at.
type blocks []block

type block struct{ column, entries int }

// enter adds an entry at a column, which ends the collections to its right, and returns how
// many entries its collection has.
func (b *blocks) enter(column int) int {
	open := *b
	for len(open) > 0 && open[len(open)-1].column > column {
		open = open[:len(open)-1]
	}
	if len(open) == 0 || open[len(open)-1].column < column {
		open = append(open, block{column: column})
	}
	*b = open
	last := &open[len(open)-1]
	last.entries++
	return last.entries
}
