package formatters

import (
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/grid"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/formatters/internal/safetext"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// sampleRows and sampleBytes are how many rows, and bytes of cells, are gathered before
	// the columns get their widths.
	sampleRows  = 100
	sampleBytes = 256 << 10
	// sampleDelay is how long the first rows of a stream may wait for others.
	sampleDelay = 50 * time.Millisecond
)

// A tableFormatter prints a row for each response, or for each element of a list
// in it. Columns that are empty in the first rows are left out; when a later row
// has something in one of them, a new header follows.
//
// When the list was found without being asked for by name, the fields beside it are printed below.
type tableFormatter struct {
	o        Options
	colors   *palette.Palette
	encoders encoders
	json     []byte

	desc protoreflect.MessageDescriptor // the type of message that list and columns are for
	// the path of the field whose elements are the rows; nil: messages are the rows
	list    []string
	named   bool // the list was asked for by name
	columns []*tableColumn

	mu        sync.Mutex // the timer prints, too
	out       *batch.Writer
	sample    []tableRow
	bytes     int
	hasHeader bool // for the rows that come
	headers   int  // printed
	timer     *time.Timer
	received  time.Time
	shown     []*tableColumn
	layout    *grid.Layout // of shown
}

// A tableRow has a cell for each column that was known when the row came.
type tableRow []string

func newTable(w io.Writer, o Options) (Formatter, error) {
	f := &tableFormatter{o: o, colors: palette.New(o.Color), out: batch.New(w, o.Live)}
	f.encoders = encoders{o: &f.o}
	return f, nil
}

// Event prints the rows of a response. Columns that the message does not have are an error before
// the call is made.
func (f *tableFormatter) Event(e *invoke.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received = e.At
	method := protoreflect.MethodDescriptor(nil)
	if e.Call != nil {
		method = e.Call.Method
	}
	switch e.Kind {
	case invoke.Opened:
		if method != nil {
			return f.prepare(method.Output(), !method.IsStreamingServer())
		}
	case invoke.ResponseReceived:
		if err := f.prepare(e.Message.Desc, method == nil || !method.IsStreamingServer()); err != nil {
			return err
		}
		return f.response(e)
	case invoke.Finished:
		return f.layOut()
	}
	return nil
}

// response prints the rows of a message, and below a list the fields beside it.
func (f *tableFormatter) response(e *invoke.Event) (err error) {
	if err := memory.Check(e.Message, string(Table), memory.MaxJSON); err != nil {
		return faulty(e, err)
	}
	if f.json, err = f.encoders.of(e.Message).Append(f.json[:0], e.Message.Wire); err != nil {
		return faulty(e, err)
	}
	if f.list == nil {
		return f.row(f.json)
	}
	jsontext.EachElement(jsontext.Lookup(f.json, f.list), func(value []byte) {
		if err == nil {
			err = f.row(value)
		}
	})
	if err != nil || f.named || len(f.o.Columns) > 0 {
		return err
	}
	var rest []string
	jsontext.EachMember(f.json, func(key string, value []byte) {
		if key != f.list[0] {
			rest = append(rest, Clean(key, false)+": "+cellText(value))
		}
	})
	if len(rest) == 0 {
		return nil
	}
	if err := f.layOut(); err != nil {
		return err
	}
	return f.print(func(b []byte) []byte { return append(append(b, strings.Join(rest, "\n")...), '\n') })
}

// row gathers or prints one row.
func (f *tableFormatter) row(value []byte) error {
	row := f.cells(value)
	if f.hasHeader {
		return f.printRow(row)
	}
	f.sample = append(f.sample, row)
	for _, cell := range row {
		f.bytes += len(cell)
	}
	if len(f.sample) >= sampleRows || f.bytes >= sampleBytes {
		return f.layOut()
	}
	if f.timer == nil {
		f.timer = time.AfterFunc(sampleDelay, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			_ = f.layOut() // the next event and Flush return the error
		})
	}
	return nil
}

// cells returns the cells of a row, as cleaned text. A member without a column, such as an
// extension, gets one.
func (f *tableFormatter) cells(value []byte) tableRow {
	row := make(tableRow, len(f.columns))
	if len(f.o.Columns) > 0 || len(f.columns) == 1 && f.columns[0].path == nil {
		for i, c := range f.columns {
			row[i] = cellText(jsontext.Lookup(value, c.path))
		}
		return row
	}
	jsontext.EachMember(value, func(key string, v []byte) {
		i := 0
		for i < len(f.columns) && f.columns[i].path[0] != key {
			i++
		}
		if i == len(f.columns) {
			f.columns = append(f.columns, &tableColumn{name: key, path: []string{key}})
		}
		for len(row) <= i {
			row = append(row, "")
		}
		row[i] = cellText(v)
	})
	return row
}

// cellText returns the cleaned text of a value, cut when it is long: a table is for people. It
// copies no more than what it returns.
func cellText(value []byte) string {
	switch {
	case len(value) <= MaxText:
		return Clean(jsontext.Text(value), false)
	case value[0] != '"':
		return Clean(Cut(value, MaxText), false)
	}
	text, size := jsontext.AppendText(nil, value[1:len(value)-1], MaxText)
	return Clean(safetext.WithSize(string(text), size), false)
}

// layOut gives the columns their widths by the rows that were gathered, and prints these below a
// header.
func (f *tableFormatter) layOut() error {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if len(f.sample) == 0 {
		return nil
	}
	for _, row := range f.sample {
		f.markShown(row)
	}
	if f.shown = shownColumns(f.columns); len(f.shown) == 0 {
		f.shown = f.columns // rows with nothing in them
	}
	f.layout = grid.NewLayout(len(f.shown), f.o.Width)
	header := make(tableRow, len(f.shown))
	for i, c := range f.shown {
		if header[i] = Clean(c.name, false); c.right {
			f.layout.AlignRight(i)
		}
	}
	f.layout.Add(header)
	for _, row := range f.sample {
		f.layout.Add(f.visible(row))
	}
	f.layout.Fit()
	rows := f.sample
	f.sample, f.bytes, f.hasHeader = nil, 0, true
	f.headers++
	return f.print(func(b []byte) []byte {
		if f.headers > 1 {
			b = append(b, '\n')
		}
		line := string(f.layout.AppendRow(nil, header))
		b = append(f.colors.Append(b, palette.Strong, line[:len(line)-1]), '\n')
		for _, row := range rows {
			b = f.layout.AppendRow(b, f.visible(row))
		}
		return b
	})
}

// markShown marks the columns in which a row has something, and reports whether one is new.
func (f *tableFormatter) markShown(row tableRow) (more bool) {
	for i, cell := range row {
		if c := f.columns[i]; cell != "" && !c.shown {
			c.shown, more = true, true
		}
	}
	return more
}

// visible returns the cells of the columns that are shown.
func (f *tableFormatter) visible(row tableRow) []string {
	cells := make([]string, 0, len(f.shown))
	for i, c := range f.columns {
		if len(cells) < len(f.shown) && f.shown[len(cells)] == c {
			if i < len(row) {
				cells = append(cells, row[i])
			} else {
				cells = append(cells, "")
			}
		}
	}
	return cells
}

// printRow prints a row below the last header, or below a new one when the row needs more columns.
func (f *tableFormatter) printRow(row tableRow) error {
	if f.markShown(row) {
		f.sample = []tableRow{row}
		return f.layOut()
	}
	return f.print(func(b []byte) []byte { return f.layout.AppendRow(b, f.visible(row)) })
}

// print writes what fill appends.
func (f *tableFormatter) print(fill func(b []byte) []byte) error {
	b, err := f.out.Begin()
	if err != nil {
		return err
	}
	return f.out.End(fill(b), f.received)
}

// Flush writes what is left.
func (f *tableFormatter) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.layOut()
	if flushed := f.out.Flush(); err == nil {
		err = flushed
	}
	return err
}
