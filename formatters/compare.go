package formatters

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/formatters/internal/grid"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// compareBytes is how much of the responses of one target is kept for showing, in bytes.
	compareBytes = 1 << 20
	// compareJSON is the length of the longest JSON of a response in which the order of a
	// map's entries does not count, in bytes.
	compareJSON = 8 << 20
	// compareTotal is how much is kept of the responses of all targets, in bytes.
	compareTotal = 32 << 20
	// leafBytes is what a field takes besides its path and value, in bytes.
	leafBytes = 80
	// shortBytes is how much is kept of a response for which there is no room, in bytes.
	shortBytes = 256
	// compareColumns is how many fields that differ have a column.
	compareColumns = 8
)

// A Comparison compares the responses of several targets. It keeps a bounded part of them, and
// finds out for all of them whether they are equal. It is used by one goroutine at a time.
type Comparison struct {
	o      Options
	rows   []*targetResponses
	unused int // of compareTotal
}

// A targetResponses is the responses of one target.
type targetResponses struct {
	target    string
	status    string
	ok        bool
	took      time.Duration
	responses int
	sum       hash.Hash
	text      []byte            // the responses as JSON, while they are not too long
	fields    map[string]string // the scalars in them, by path
	room      int               // how much of compareTotal text and fields take
	more      bool              // there was more than is kept
	unknown   bool              // there was no room to keep fields
}

// NewComparison returns a comparison without targets.
func NewComparison(o Options) *Comparison { return &Comparison{o: o, unused: compareTotal} }

// row returns the row of a target by its index.
func (c *Comparison) row(index int) *targetResponses {
	for len(c.rows) <= index {
		c.rows = append(c.rows, &targetResponses{sum: sha256.New(), fields: map[string]string{}})
	}
	return c.rows[index]
}

// Answer adds a response of the target with an index, from 0.
func (c *Comparison) Answer(index int, m *invoke.Message) error {
	r := c.row(index)
	if len(m.Wire) > compareBytes {
		return c.large(r, m)
	}
	j, err := transcode.NewEncoder(m.Desc, c.o.encoding(m.Types, "")).Append(nil, m.Wire)
	if err != nil && !tooLong(err) {
		return err
	}
	if err != nil || len(j) > compareJSON {
		return c.large(r, m)
	}
	dec := json.NewDecoder(bytes.NewReader(j))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return err
	}
	canonical, err := json.Marshal(value) // with its keys in order, unlike the entries of a map
	if err != nil {
		return err
	}
	r.sum.Write(canonical)
	r.sum.Write([]byte{'\n'})
	path := ""
	if r.responses++; r.responses > 1 {
		path = strconv.Itoa(r.responses)
	}
	if r.unknown || len(r.text)+len(j) > compareBytes {
		r.more = true
		r.keepBeginning(j)
		return nil
	}
	if len(r.text) > 0 {
		r.text = append(r.text, ' ')
	}
	r.text = append(r.text, j...)
	before := c.unused
	c.unused -= len(j)
	fits := c.addLeaves(r.fields, path, value)
	if r.room += before - c.unused; !fits {
		c.unused += r.room
		r.shorten()
		c.unused -= r.room
	}
	return nil
}

// shorten keeps only the beginning of the responses.
func (r *targetResponses) shorten() {
	r.unknown, r.more = true, true
	r.text, r.fields = slices.Clone(r.text[:min(len(r.text), shortBytes)]), map[string]string{}
	r.room = len(r.text)
}

// keepBeginning keeps the beginning of the first response.
func (r *targetResponses) keepBeginning(text []byte) {
	if r.responses == 1 && len(r.text) < shortBytes {
		r.text = append(r.text, text[:min(len(text), shortBytes-len(r.text))]...)
	}
}

// A beginning is a writer that keeps the beginning of the first response.
type beginning struct{ r *targetResponses }

func (b beginning) Write(p []byte) (int, error) {
	b.r.keepBeginning(p)
	return len(p), nil
}

// cell returns the responses of a target for a table.
func (r *targetResponses) cell() string {
	switch {
	case !r.more:
		return string(r.text)
	case len(r.text) == 0:
		return notKept
	default:
		return strings.ToValidUTF8(string(r.text), "") + "… (the rest is not kept)"
	}
}

// field returns the value of a field of a target for a table.
func (r *targetResponses) field(path string) string {
	if value, ok := r.fields[path]; ok || !r.more {
		return value
	}
	return notKept
}

// notKept stands for what is not kept.
const notKept = "(not kept)"

// large takes a response that is too long to be parsed. It is compared as it is printed, so
// that the order of a map's entries counts.
func (c *Comparison) large(r *targetResponses, m *invoke.Message) error {
	r.responses++
	r.more = true
	return transcode.NewEncoder(m.Desc, c.o.encoding(m.Types, "")).Write(io.MultiWriter(r.sum, beginning{r}), m.Wire)
}

// addLeaves adds the scalars of a JSON value by their paths. It reports whether there was room for
// all of them.
func (c *Comparison) addLeaves(to map[string]string, path string, value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			next := key
			if path != "" {
				next = path + "." + key
			}
			if !c.addLeaves(to, next, member) {
				return false
			}
		}
	case []any:
		for i, element := range v {
			if !c.addLeaves(to, fmt.Sprintf("%s[%d]", path, i), element) {
				return false
			}
		}
	default:
		text := fmt.Sprint(v)
		if c.unused -= len(path) + len(text) + leafBytes; c.unused < 0 {
			return false
		}
		to[path] = text
	}
	return true
}

// End adds how the call of a target ended.
func (c *Comparison) End(index int, target string, s *invoke.Status, took time.Duration) {
	r := c.row(index)
	r.target, r.took = target, took
	if s != nil {
		r.status, r.ok = invoke.CodeName(s.Code), s.Code == 0
	}
}

// Same reports whether all targets ended in the same status with the same responses.
func (c *Comparison) Same() bool {
	for _, r := range c.rows[min(1, len(c.rows)):] {
		first := c.rows[0]
		if r.status != first.status || r.responses != first.responses ||
			!bytes.Equal(r.sum.Sum(nil), first.sum.Sum(nil)) {
			return false
		}
	}
	return true
}

// Differing returns the paths of the fields that are not the same in all responses, in
// alphabetical order.
func (c *Comparison) Differing() []string {
	paths := map[string]bool{}
	var first *targetResponses
	for _, r := range c.rows {
		switch {
		case !r.ok, r.unknown:
		case first == nil:
			first = r
		default:
			for path, value := range r.fields {
				if other, ok := first.fields[path]; !ok || other != value {
					paths[path] = true
				}
			}
			for path := range first.fields {
				if _, ok := r.fields[path]; !ok {
					paths[path] = true
				}
			}
		}
	}
	var sorted []string
	for path := range paths {
		sorted = append(sorted, path)
	}
	slices.Sort(sorted)
	return sorted
}

// Write prints a row for each target: its status, its time, and the fields that differ, or the
// whole responses when none does.
func (c *Comparison) Write(w io.Writer) error {
	differing := c.Differing()
	shown := differing[:min(len(differing), compareColumns)]
	header := append([]string{"TARGET", "STATUS", "TIME"}, shown...)
	if len(shown) == 0 {
		header = append(header, "ANSWER")
	}
	rows := [][]string{header}
	for _, r := range c.rows {
		row := []string{r.target, r.status, r.took.Round(10 * time.Microsecond).String()}
		for _, path := range shown {
			row = append(row, r.field(path))
		}
		if len(shown) == 0 {
			row = append(row, r.cell())
		}
		rows = append(rows, row)
	}
	layout := grid.NewLayout(len(header), c.o.Width)
	layout.AlignRight(2)
	for _, row := range rows {
		for i := range row {
			row[i] = Clean(row[i], false)
		}
		layout.Add(row)
	}
	layout.Fit()
	out := bufio.NewWriter(w)
	for i, row := range rows {
		line := string(layout.AppendRow(nil, row))
		if i == 0 {
			line = palette.New(c.o.Color).Paint(palette.Strong, strings.TrimSuffix(line, "\n")) + "\n"
		}
		out.WriteString(line)
	}
	if n := len(differing) - len(shown); n > 0 {
		fmt.Fprintf(out, "%d more fields differ\n", n)
	}
	return out.Flush()
}
