package input

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/invoke"
)

// A List yields the requests of a list, each of which is for a call of its own. Unlike a
// Source it goes on after a request that is not valid, and returns each request as it was
// written. It is not safe for concurrent use, and keeps no more than one request and a chunk
// of input.
//
// A list of JSON has one document a line when its first document ends on the line that it
// began on, or when its name ends in .ndjson or .jsonl: a broken line then breaks no other.
type List struct {
	o      Options
	docs   *documents
	cutter *listCutter // nil: not JSON
	rows   *rows       // nil: not CSV or TSV
	words  []*word     // that change each request, unless there is a template
	form   *template   // nil: a document is a request
	dec    *decoders
	size   int64
}

// A Record is one request of a list. Its memory is used again when it is given to Next.
type Record struct {
	Text []byte // as it was written in the list, without what separates it from others
	Wire []byte // the encoded message, when Err is nil
	Err  error  // why it is no message, an *Error; the list goes on behind it
}

// NewList returns the list that parts make: one part with documents, and words that are
// applied to each of them. When words have {column} in a value, they make the messages, and
// the documents are only data: rows, or JSON objects whose members are the columns. A file may
// be CSV or TSV, with a header line of field paths. Options.Format may also be FormatNDJSON,
// FormatCSV or FormatTSV. The error is an *Error.
func NewList(parts []Part, o Options) (*List, error) {
	o.Streams = true
	l := &List{o: o}
	l.dec = newDecoders(&l.o)
	if err := l.take(parts); err != nil {
		return nil, o.conceal(err)
	}
	return l, nil
}

// take sorts the parts into the list and the words, and checks the words.
func (l *List) take(parts []Part) error {
	for i, p := range parts {
		kind, name := p.kind(&l.o)
		switch kind {
		case partNothing:
			continue
		case partWord:
			w, err := parseWord(i, p)
			if err != nil {
				return err
			}
			l.words = append(l.words, w)
			continue
		case partFile:
			if err := p.checkFile(i, name, &l.o); err != nil {
				return err
			}
		}
		if l.docs != nil {
			return newError(i, p.Origin, "", []Fault{{
				Place:   typedPlace(i, p.Text, 0, len(p.Text)),
				Problem: "a second list, where only one is taken",
			}})
		}
		if err := l.open(i, p, kind, name); err != nil {
			return err
		}
	}
	if l.docs == nil {
		return ErrNoList
	}
	return l.prepare()
}

// ErrNoList means that the parts have no list among them.
var ErrNoList = errors.New("no list of requests")

// open sets up how the list is cut.
func (l *List) open(index int, p Part, kind partKind, name string) error {
	format := l.o.Format
	if format == FormatAuto && kind == partFile {
		format = listFormatOf(name)
	}
	switch kind {
	case partDocument:
		l.size = int64(len(p.Text))
	case partFile:
		if l.o.Open == nil {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				l.size = info.Size()
			}
		}
	}
	o := l.o
	o.Format = format
	switch format {
	case FormatNDJSON, FormatCSV, FormatTSV:
		o.Format = FormatJSON
	}
	l.docs = p.documents(index, kind, name, &o)
	switch {
	case format == FormatCSV || format == FormatTSV:
		l.rows = newRows(format)
		l.docs.format, l.docs.cutter = format, &l.rows.cutter
		l.docs.hidden = func(doc []byte) []span { return l.rows.secrets(doc, o.secretPath) }
		l.docs.max = min(l.docs.max, maxRow)
	case l.docs.format == FormatJSON:
		l.cutter = &listCutter{lenient: !o.Strict, lines: format == FormatNDJSON, decided: format == FormatNDJSON}
		l.cutter.reset()
		l.docs.cutter = l.cutter
	}
	return nil
}

// prepare checks the words.
func (l *List) prepare() error {
	if form, err := newTemplate(l.words); err != nil || form != nil {
		l.form = form
		if err == nil && l.rows == nil && l.docs.format != FormatJSON {
			err = l.words[0].atValue("a template takes its columns from CSV, TSV or JSON, not from %s",
				l.docs.format.title())
		}
		return err
	}
	if len(l.words) == 0 {
		return nil
	}
	m, c := dynamicpb.NewMessage(l.o.Message), newChange(l.dec, 0)
	c.rehearsal = true
	for _, w := range l.words {
		if err := c.apply(m, w); err != nil {
			return err
		}
	}
	return nil
}

// Next reads the next request into r. It returns io.EOF after the last one; ctx.Err() soon
// after ctx is done, even while the input blocks; or an *Error when the list cannot be read
// any further. The error of a request that is no message is in r.
func (l *List) Next(ctx context.Context, r *Record) error {
	err := l.read(ctx, r)
	r.Err = l.o.conceal(r.Err)
	return l.o.conceal(err)
}

func (l *List) read(ctx context.Context, r *Record) error {
	r.Text, r.Wire, r.Err = r.Text[:0], r.Wire[:0], nil
	if r.Wire == nil {
		r.Wire = []byte{} // nil would mean that there was no document
	}
	if err := l.docs.sniff(ctx); err != nil {
		return err
	}
	for {
		doc, err := l.docs.cut(ctx)
		var bad *Error
		switch {
		case err == nil:
		case errors.As(err, &bad) && bad.Err == nil && l.byLines() && (l.rows == nil || l.rows.header != nil):
			return l.broken(ctx, r, bad)
		default:
			return err
		}
		wire, faults := l.decode(r.Wire, doc)
		if faults != nil && l.rows != nil && l.rows.header == nil {
			return l.docs.fault(doc, faults) // without a header no row means anything
		}
		if faults != nil {
			return l.faulty(ctx, r, doc, faults)
		}
		if wire == nil {
			continue // comments, or the header
		}
		r.Wire = wire
		r.Text = append(r.Text, l.trimmed(doc)...)
		return nil
	}
}

// decode makes the message of a document. Like a decodeFunc it returns nil for none.
func (l *List) decode(dst, doc []byte) ([]byte, []Fault) {
	if l.rows != nil {
		return l.row(dst, doc)
	}
	if l.form != nil {
		columns, faults := jsonColumns(doc)
		if faults != nil {
			return nil, faults
		}
		return l.apply(dst, nil, func(c *change, m *dynamicpb.Message) []Fault { return l.form.apply(c, m, columns) })
	}
	if len(l.words) == 0 {
		return l.docs.decode(dst, doc)
	}
	base, faults := l.docs.decode([]byte{}, doc)
	if base == nil {
		return nil, faults
	}
	return l.apply(dst, base, func(c *change, m *dynamicpb.Message) []Fault {
		for _, w := range l.words {
			if err := c.apply(m, w); err != nil {
				return faultsOf(err)
			}
		}
		return nil
	})
}

// apply appends the message that change makes of base, both in wire form.
func (l *List) apply(dst, base []byte, change func(*change, *dynamicpb.Message) []Fault) ([]byte, []Fault) {
	m := dynamicpb.NewMessage(l.o.Message)
	if err := invoke.Unmarshal(proto.UnmarshalOptions{AllowPartial: true, Resolver: l.o.types()}, base, m); err != nil {
		return nil, []Fault{{Problem: plain(err)}}
	}
	if faults := change(newChange(l.dec, 0), m); faults != nil {
		return nil, faults
	}
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return nil, []Fault{{Problem: plain(err)}}
	}
	return wire, nil
}

// faultsOf returns the faults of a word, without their places, which are those of the word.
func faultsOf(err error) []Fault {
	var e *Error
	if !errors.As(err, &e) {
		return []Fault{{Problem: err.Error()}}
	}
	faults := make([]Fault, 0, len(e.Faults))
	for _, f := range e.Faults {
		faults = append(faults, Fault{Path: f.Path, Problem: f.Problem, Suggestion: f.Suggestion})
	}
	return faults
}

// byLines reports whether a fault in the list ends with its line.
func (l *List) byLines() bool { return l.rows != nil || l.cutter != nil && l.cutter.lines }

// faulty makes r a document that is no message. In a list by lines it is the whole line: the
// rest of a broken document is unknown.
func (l *List) faulty(ctx context.Context, r *Record, doc []byte, faults []Fault) error {
	f := l.docs.feed
	r.Err = l.docs.fault(doc, faults)
	if !l.byLines() || doc[len(doc)-1] == '\n' || l.rows != nil {
		r.Text = append(r.Text, l.trimmed(doc)...)
		return nil
	}
	f.start -= len(doc)
	return l.restOfLine(ctx, r, true)
}

// broken makes r the line at which the list could not be cut.
func (l *List) broken(ctx context.Context, r *Record, bad *Error) error {
	r.Err = bad
	f := l.docs.feed
	if l.rows != nil && f.fed > f.start { // a quote that is never closed begins on the first line
		if i := bytes.IndexByte(f.buf[f.start:f.fed], '\n'); i >= 0 {
			f.fed = f.start + i
		}
	}
	return l.restOfLine(ctx, r, int64(f.fed-f.start) <= l.docs.max)
}

// maxDropped is how many bytes of a line that is too long are read to find its end.
const maxDropped = 1 << 30

// restOfLine reads up to the end of the line, as the text of r when keep is set. A line that
// is too long is dropped as it is read; one that goes on after maxDropped bytes ends the list.
func (l *List) restOfLine(ctx context.Context, r *Record, keep bool) error {
	f := l.docs.feed
	begun := f.dropped + int64(f.start)
	for {
		if f.dropped+int64(f.fed)-begun > maxDropped {
			return r.Err
		}
		if i := bytes.IndexByte(f.buf[f.fed:f.end], '\n'); i >= 0 {
			f.fed += i + 1
			break
		}
		f.fed = f.end
		if keep = keep && int64(f.fed-f.start) <= l.docs.max; !keep {
			f.start = f.fed
		}
		err := f.fill(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if keep {
		r.Text = append(r.Text, l.trimmed(f.buf[f.start:f.fed])...)
	}
	f.start = f.fed
	if f.nul = bytes.IndexByte(f.buf[f.fed:f.end], 0); f.nul >= 0 {
		f.nul += f.fed
	}
	l.docs.fresh = true
	if l.cutter != nil {
		l.cutter.reset()
	}
	return nil
}

// trimmed returns a document without its end mark.
func (l *List) trimmed(doc []byte) []byte {
	switch l.docs.format {
	case FormatRaw:
		if length, n := protowire.ConsumeVarint(doc); n > 0 && uint64(len(doc)-n) == length {
			return doc[n:]
		}
		return doc
	case FormatText:
		doc = bytes.TrimSuffix(doc, []byte{separator})
	case FormatYAML:
		if i := bytes.LastIndexByte(bytes.TrimRight(doc, whiteSpace), '\n'); i >= 0 || len(bytes.TrimSpace(doc)) <= 3 {
			if last := bytes.TrimSpace(doc[i+1:]); string(last) == "---" || string(last) == "..." {
				doc = doc[:i+1]
			}
		}
		return bytes.TrimRight(doc, whiteSpace)
	}
	return bytes.Trim(doc, whiteSpace)
}

// Header returns what stands before the first record of the list: for CSV and TSV the header
// line with its line feed, once it has been read; else nothing.
func (l *List) Header() []byte {
	if l.rows == nil || l.rows.header == nil {
		return nil
	}
	return append(slices.Clone(l.rows.header), '\n')
}

// AppendRecord appends the text of a Record in the form of a list of the same format: written
// after Header, it can be read again. JSON is put on one line.
func (l *List) AppendRecord(dst, text []byte) []byte {
	switch l.docs.format {
	case FormatRaw:
		return append(protowire.AppendVarint(dst, uint64(len(text))), text...)
	case FormatText:
		return append(append(dst, text...), '\n', separator, '\n')
	case FormatYAML:
		return append(append(dst, text...), "\n---\n"...)
	case FormatJSON:
		if bytes.IndexByte(text, '\n') < 0 {
			break
		}
		var line bytes.Buffer
		if json.Compact(&line, text) == nil {
			return append(append(dst, line.Bytes()...), '\n')
		}
		text = bytes.ReplaceAll(text, []byte{'\n'}, []byte{' '})
	}
	return append(append(dst, text...), '\n')
}

// Read returns how many bytes of the list have been taken, and how many it has in all, 0
// when that is not known.
func (l *List) Read() (taken, size int64) {
	return l.docs.feed.dropped + int64(l.docs.feed.start), l.size
}

// File returns the name of the file that the list is in, "" where it is in none.
func (l *List) File() string {
	if l.docs.stdin {
		return ""
	}
	return l.docs.name
}

// Close closes the file. Next must not be called afterwards.
func (l *List) Close() { l.docs.feed.close() }

// A listCutter finds the ends of the JSON documents of a list.
type listCutter struct {
	jsonCutter
	lenient        bool
	lines, decided bool // a line feed ends a document that is not whole
}

func (c *listCutter) reset() {
	c.jsonCutter = jsonCutter{}
	c.Lenient = c.lenient
}

func (c *listCutter) feed(p []byte) (taken int, done bool) {
	for taken < len(p) {
		line := p[taken:]
		i := bytes.IndexByte(line, '\n')
		if i < 0 || c.decided && !c.lines {
			n, done := c.jsonCutter.feed(line)
			c.whole(done)
			return taken + n, done
		}
		n, done := c.jsonCutter.feed(line[:i])
		if done {
			c.whole(true)
			return taken + n, true
		}
		if c.Pending() && c.lines { // what is broken ends here
			c.reset()
			return taken + i, true
		}
		c.decided = c.decided || c.Pending()
		if n, done = c.jsonCutter.feed(line[i : i+1]); done {
			return taken + i + n, true
		}
		taken += i + 1
	}
	return taken, false
}

// whole records whether the first document ended on the line that it began on.
func (c *listCutter) whole(done bool) {
	c.lines, c.decided = c.lines || done && !c.decided, c.decided || done
}

// listFormatOf returns the format that the extension of a list's name stands for.
func listFormatOf(name string) Format {
	switch ext(name) {
	case ".ndjson", ".jsonl":
		return FormatNDJSON
	case ".csv":
		return FormatCSV
	case ".tsv", ".tab":
		return FormatTSV
	}
	return FormatOf(name)
}

// unknownColumn is the fault of a template that names a column which does not exist.
func unknownColumn(name string, have []string) Fault {
	f := Fault{Problem: fmt.Sprintf("there is no column %q", name)}
	if len(have) > 0 {
		f.Problem += fmt.Sprintf(" among %q", have)
	}
	return f
}
