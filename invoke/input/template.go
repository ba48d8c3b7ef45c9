package input

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/types/dynamicpb"
)

// A template is words whose values have {column} in them.
type template struct{ words []*formWord }

// A formWord is a word and the pieces of its value: text, column, text, ... The value behind
// ":=" is one text, since its braces are JSON.
type formWord struct {
	*word
	pieces []string
}

// columns are the source of a template's values.
type columns interface {
	column(name string) (text string, ok bool)
	all() []string
}

// newTemplate returns the template that words are, or nil when none has a column.
func newTemplate(words []*word) (*template, error) {
	t, found := &template{}, false
	for _, w := range words {
		fw := &formWord{word: w, pieces: []string{w.text()}}
		if !w.json {
			pieces, bad := splitPieces(w.text())
			if bad >= 0 {
				return nil, w.fault(w.value+bad, 1, "a brace that is never closed; {{ is the brace itself")
			}
			fw.pieces = pieces
		}
		if len(fw.pieces) > 1 {
			if found = true; strings.HasPrefix(fw.pieces[0], "@") {
				return nil, w.atValue("a list cannot name files to read")
			}
		}
		t.words = append(t.words, fw)
	}
	if !found {
		return nil, nil
	}
	return t, nil
}

// splitPieces cuts a value at its columns. bad is the offset of a brace that is not closed,
// else -1.
func splitPieces(s string) (pieces []string, bad int) {
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '{' && strings.HasPrefix(s[i:], "{{"), s[i] == '}' && strings.HasPrefix(s[i:], "}}"):
			text.WriteByte(s[i])
			i++
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return nil, i
			}
			pieces = append(pieces, text.String(), s[i+1:i+end])
			text.Reset()
			i += end
		default:
			text.WriteByte(s[i])
		}
	}
	return append(pieces, text.String()), -1
}

// apply sets what the template says in m. A value that is one column sets nothing when the
// column is absent or empty.
func (t *template) apply(c *change, m *dynamicpb.Message, from columns) []Fault {
	for _, fw := range t.words {
		w := *fw.word
		if len(fw.pieces) > 1 {
			var text strings.Builder
			for i, piece := range fw.pieces {
				if i%2 == 0 {
					text.WriteString(piece)
					continue
				}
				value, ok := from.column(piece)
				if !ok {
					return []Fault{unknownColumn(piece, from.all())}
				}
				text.WriteString(value)
			}
			if text.Len() == 0 {
				continue
			}
			w.data = true
			w.part.Text = w.part.Text[:w.value] + text.String()
		} else if !w.json {
			w.part.Text = w.part.Text[:w.value] + fw.pieces[0]
		}
		if err := c.apply(m, &w); err != nil {
			faults := faultsOf(err)
			for i := range faults {
				faults[i].Problem = fmt.Sprintf("%s: %s", fw.part.Text, faults[i].Problem)
			}
			return faults
		}
	}
	return nil
}

// cellColumns are the columns of a row.
type cellColumns struct{ names, cells []string }

func (c cellColumns) all() []string { return c.names }

func (c cellColumns) column(name string) (string, bool) {
	for i, n := range c.names {
		if n == name {
			return c.cells[i], true
		}
	}
	return "", false
}

// objectColumns are the members of a JSON object, nested ones by their path.
type objectColumns map[string]any

// jsonColumns reads a line of JSON as columns.
func jsonColumns(doc []byte) (columns, []Fault) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var object map[string]any
	err := dec.Decode(&object)
	if err == nil && dec.Decode(new(any)) != io.EOF {
		err = fmt.Errorf("there is text after the end of the object")
	}
	if err != nil || object == nil {
		return nil, []Fault{{
			Place:   Place{Length: len(bytes.TrimSpace(doc))},
			Problem: "a template takes its columns from a JSON object, which this is not",
		}}
	}
	return objectColumns(object), nil
}

func (c objectColumns) all() []string { return nil }

func (c objectColumns) column(name string) (string, bool) {
	var v any = map[string]any(c)
	for key := range strings.SplitSeq(name, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return "", false
		}
		if v, ok = object[key]; !ok {
			return "", false
		}
	}
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	default:
		text, err := json.Marshal(v)
		return string(text), err == nil
	}
}
