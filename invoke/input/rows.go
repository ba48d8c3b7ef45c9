package input

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/dynamicpb"
)

// maxRow is the size of the longest row, in bytes. It bounds how far a quote that is never
// closed reaches.
const maxRow = 1 << 20

// rows are the rows of CSV (RFC 4180) or of TSV (the media type
// text/tab-separated-values, which has no quotes).
type rows struct {
	cutter rowCutter
	header []byte // the first line as it stood; nil before it was read
	names  []string
	words  []*word // the path of each column; nil when there is a template
}

func newRows(format Format) *rows { return &rows{cutter: rowCutter{quotes: format == FormatCSV}} }

// fields returns the cells of a row, and the offset of each.
func (r *rows) fields(doc []byte) (cells []string, at []int, fault *Fault) {
	if !r.cutter.quotes {
		line := strings.TrimRight(string(doc), "\r\n")
		cells = strings.Split(line, "\t")
		at = make([]int, len(cells))
		for i := 1; i < len(cells); i++ {
			at[i] = at[i-1] + len(cells[i-1]) + 1
		}
		return cells, at, nil
	}
	reader := csv.NewReader(bytes.NewReader(doc))
	reader.FieldsPerRecord = -1
	cells, err := reader.Read()
	if err != nil {
		f := Fault{Problem: "this is no row of CSV: " + err.Error()}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			f = Fault{
				Problem: "this is no row of CSV: " + pe.Err.Error(),
				Place:   Place{Offset: int64(offsetOf(doc, pe.Line, max(1, pe.Column)))},
			}
		}
		return nil, nil, &f
	}
	at = make([]int, len(cells))
	for i := range cells {
		line, column := reader.FieldPos(i)
		start := 0
		for ; line > 1; line-- {
			start += bytes.IndexByte(doc[start:], '\n') + 1
		}
		at[i] = start + column - 1
	}
	return cells, at, nil
}

// secrets are the cells of columns with secret names. A row that cannot be parsed may have
// them anywhere.
func (r *rows) secrets(doc []byte, is func(path string) bool) (spans []span) {
	if r.header == nil || !slices.ContainsFunc(r.names, is) {
		return nil
	}
	cells, at, fault := r.fields(doc)
	if fault != nil || len(cells) != len(r.names) {
		return []span{{0, len(doc)}}
	}
	for i, name := range r.names {
		end := len(doc)
		if i+1 < len(at) {
			end = at[i+1] - 1
		}
		if is(name) && at[i] < end {
			spans = append(spans, span{at[i], end})
		}
	}
	return spans
}

// row makes the message of a row. For the header, which is the first row, it returns none.
func (l *List) row(dst, doc []byte) ([]byte, []Fault) {
	r := l.rows
	cells, at, fault := r.fields(doc)
	if fault == nil && r.header == nil {
		return nil, l.head(doc, cells, at)
	}
	if fault == nil && len(cells) != len(r.names) {
		fault = &Fault{
			Place:   Place{Length: len(bytes.TrimRight(doc, "\r\n"))},
			Problem: fmt.Sprintf("a row of %d columns, where the header has %d", len(cells), len(r.names)),
		}
	}
	if fault != nil {
		return nil, []Fault{*fault}
	}
	return l.apply(dst, nil, func(c *change, m *dynamicpb.Message) []Fault {
		if l.form != nil {
			return l.form.apply(c, m, cellColumns{r.names, cells})
		}
		for i, cell := range cells {
			if cell == "" {
				continue // CSV does not distinguish an empty text from no value
			}
			w := *r.words[i]
			w.part.Text += cell
			if err := c.apply(m, &w); err != nil {
				faults := faultsOf(err)
				for k := range faults {
					faults[k].Offset, faults[k].Length = int64(at[i]), len(cell)
					faults[k].Problem = fmt.Sprintf("column %s: %s", r.names[i], faults[k].Problem)
				}
				return faults
			}
		}
		return nil
	})
}

// head reads the header line.
func (l *List) head(doc []byte, cells []string, at []int) []Fault {
	r := l.rows
	r.names = cells
	m, c := dynamicpb.NewMessage(l.o.Message), newChange(l.dec, 0)
	c.rehearsal = true
	for i, name := range cells {
		fault := func(problem, suggestion string) []Fault {
			return []Fault{{
				Place: Place{Offset: int64(at[i]), Length: len(name)}, Problem: problem,
				Suggestion: suggestion,
			}}
		}
		if l.form != nil {
			continue
		}
		text := name + "="
		steps, value, _, ok := splitWord(text)
		if !ok || value != len(text) {
			return fault(fmt.Sprintf("the name of a column is a field path, which %q is not", name), "")
		}
		w := &word{
			index: l.docs.index, part: Part{Text: text, Origin: l.docs.part.Origin}, steps: steps, value: value,
			data: true,
		}
		null := *w
		null.part.Text += "null"
		if err := c.apply(m, &null); err != nil && !nullIsText(err) {
			f := faultsOf(err)[0]
			return fault(f.Problem, f.Suggestion)
		}
		r.words = append(r.words, w)
	}
	r.header = bytes.TrimRight(bytes.Clone(doc), "\r\n")
	return nil
}

// nullIsText reports whether a null was refused as a value, which means that the path is
// right.
func nullIsText(err error) bool {
	var e *Error
	return errors.As(err, &e) && len(e.Faults) > 0 && int(e.Faults[0].Offset) >= len(e.Faults[0].Text)-len("null")
}

// A rowCutter ends rows at line feeds that are not within quotes.
type rowCutter struct {
	quotes bool // there may be quotes, as in CSV
	inside bool // of quotes
	closed bool // the byte before was a closing quote, or the first half of a doubled quote
	begun  bool // of a cell that is not empty
	seen   bool // of a row that is not blank
}

func (c *rowCutter) feed(p []byte) (int, bool) {
	for i, b := range p {
		if b == '"' && c.quotes && (c.inside || c.closed || !c.begun) {
			c.inside, c.closed = !c.inside, c.inside
			c.begun, c.seen = true, true
			continue
		}
		if c.inside {
			continue
		}
		c.closed = false
		switch b {
		case '\n':
			blank := !c.seen
			c.begun, c.seen = false, false
			if !blank {
				return i + 1, true
			}
		case ',':
			c.begun, c.seen = false, true
		case '\r':
		default:
			c.begun, c.seen = true, true
		}
	}
	return len(p), false
}

func (c *rowCutter) pending() (bool, int) { return c.seen || c.inside, 0 }
func (*rowCutter) announced() int64       { return 0 }
