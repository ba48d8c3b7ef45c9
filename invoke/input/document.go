package input

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/fault"
)

// documents yields the messages of one document part, a file or an input that has any
// number of documents. It keeps no more than one document.
type documents struct {
	feed   *feed
	cutter cutter
	decode decodeFunc
	format Format
	max    int64 // of one document, bytes
	strict bool  // comments are no part of JSON

	part    Part
	index   int    // of the part
	name    string // of the file, "stdin", ""
	stdin   bool   // it is standard input
	number  int    // of the current message in a client stream, for errors; 0 for none
	sniffed bool
	fresh   bool         // only white space has been taken since the last document
	comment bool         // the current document begins within a line of comment
	before  int          // how many bytes of the last document are comments before it
	wire    []byte       // the last message; never nil
	doc     []byte       // the document at hand
	busy    chan decoded // doc is being decoded
	first   []byte       // the only message, when only has read it; else nil
	message string       // the full name of its type

	o      *Options
	hidden func(doc []byte) []span // the secrets in a document; nil: those of Options.Secrets
}

// A cutter finds where documents end in a stream that comes in chunks of any size.
type cutter interface {
	// feed reads the next bytes and returns how many, and whether the last of them ended a
	// document. When it did not, all were read.
	feed(p []byte) (n int, done bool)
	// pending reports whether the bytes taken since the last document are part of one. When
	// they are not, they can be dropped, except for the last ones, which belong to what
	// follows.
	pending() (is bool, last int)
	// announced returns how long the document says that it is, in bytes; 0 when it does
	// not say.
	announced() int64
}

// A decodeFunc appends the wire form of a document to dst, which is not nil. Faults have
// Offset and Length in the document, and no other part of their Place. Nil and no faults
// are returned for a document that has nothing but comments.
type decodeFunc func(dst, doc []byte) ([]byte, []Fault)

// next returns the next message, which is valid until the next call; io.EOF after the
// last one; ctx.Err(); or an *Error.
func (d *documents) next(ctx context.Context) ([]byte, error) {
	if err := d.sniff(ctx); err != nil {
		return nil, err
	}
	doc, got, err := d.read(ctx, d.wire[:0])
	switch {
	case err != nil:
		return nil, err
	case got.faults != nil:
		return nil, d.fault(doc, got.faults)
	}
	d.wire = got.wire
	return got.wire, nil
}

// slowDocument is the size of a document of YAML or prototext, in bytes, from which decoding
// may take so long that the wait for it must end with the context.
const slowDocument = 16 << 10

// A decoded is a document after it was decoded: a message, or what is wrong with it.
type decoded struct {
	wire   []byte
	faults []Fault
}

// read returns the next document that is not empty, as it stands and decoded.
func (d *documents) read(ctx context.Context, dst []byte) (doc []byte, got decoded, err error) {
	for {
		if d.busy == nil {
			if d.doc, err = d.cut(ctx); err != nil {
				return nil, got, err
			}
			if (d.format == FormatYAML || d.format == FormatText) && len(d.doc) > slowDocument {
				d.busy = make(chan decoded, 1)
				go func(doc []byte, done chan<- decoded) {
					defer fault.Exit()
					wire, faults := d.decode(dst, doc)
					done <- decoded{wire, faults}
				}(d.doc, d.busy)
			} else {
				got.wire, got.faults = d.decode(dst, d.doc)
			}
		}
		if d.busy != nil {
			select {
			case got = <-d.busy:
				d.busy = nil
			case <-ctx.Done():
				return nil, got, ctx.Err()
			}
		}
		if got.wire != nil || got.faults != nil {
			return d.doc, got, nil
		}
	}
}

// cut returns the next document, which is part of the feed's buffer.
func (d *documents) cut(ctx context.Context) ([]byte, error) {
	f := d.feed
	for {
		if d.fresh && d.format == FormatJSON {
			f.skipSpace()
		}
		if f.fed < f.end {
			n, done := d.cutter.feed(f.buf[f.fed:f.end])
			f.fed += n
			if err := d.check(); err != nil {
				return nil, err
			}
			if done {
				return d.whole(), nil
			}
			d.fresh = d.fresh && f.fed == f.start
			if pending, last := d.cutter.pending(); !pending {
				if d.format == FormatJSON {
					_, d.comment = d.leading(f.buf[f.start:f.fed])
				}
				f.skip(last)
			}
		}
		err := f.fill(ctx)
		switch {
		case err == nil:
		case err == io.EOF && f.start < f.fed:
			return d.whole(), nil
		case err == io.EOF, ctx.Err() != nil && err == ctx.Err():
			return nil, err
		default:
			return nil, d.failed(err)
		}
	}
}

// whole takes the document that has been cut.
func (d *documents) whole() []byte {
	doc := d.feed.doc()
	d.before, _ = d.leading(doc)
	d.fresh, d.comment = true, false
	if d.format == FormatJSON {
		// The chunk before may have had the beginning of a comment.
		doc, d.before = doc[d.before:], 0
	}
	return doc
}

// only returns the message of a part that must not have more than one, or io.EOF. The
// input is read to its end.
func (d *documents) only(ctx context.Context) ([]byte, error) {
	if d.first == nil {
		wire, err := d.next(ctx)
		if err != nil {
			return nil, err
		}
		d.first = wire
	}
	doc, second, err := d.read(ctx, []byte{})
	switch {
	case err == io.EOF:
		return d.first, nil
	case err != nil:
		return nil, err
	}
	at := d.feed.start - len(doc) + min(d.before, len(doc)-1)
	problem := fmt.Sprintf("a second %s, where only one is taken", d.message)
	if d.format == FormatJSON && second.faults != nil && d.feed.buf[at] != '{' {
		problem = fmt.Sprintf("there is text after the end of the %s", d.message)
	}
	return nil, d.errorAt(at, d.feed.start-at, d.feed.start, problem)
}

// check looks at the bytes that were taken since the last document.
func (d *documents) check() error {
	f := d.feed
	if f.nul >= 0 && f.nul < f.fed && d.format != FormatRaw {
		return d.errorAt(f.nul, 1, f.nul, d.nulProblem())
	}
	if n := max(int64(f.fed-f.start), d.cutter.announced()); n > d.max && d.tooLong() {
		return d.errorAt(f.start, 0, f.start+headMax,
			fmt.Sprintf("a message of more than %s is too long", boundfile.Size(d.max)))
	}
	return nil
}

// tooLong reports whether the bytes that were taken since the last document are too many
// without the comments before them, which are dropped when a chunk of JSON ends behind one.
func (d *documents) tooLong() bool {
	if d.format != FormatJSON {
		return true
	}
	doc := d.feed.buf[d.feed.start:d.feed.fed]
	before, _ := d.leading(doc)
	return int64(len(doc)-before) > d.max
}

// leading returns how many bytes of a document are white space and comments before it, and
// whether they end inside of a comment that ends with the line.
func (d *documents) leading(doc []byte) (n int, open bool) {
	line, block := "#", ""
	if d.format == FormatJSON {
		line, block = "//", "/*"
	}
	if d.strict {
		line, block = "", ""
	}
	return leading(doc, line, block, d.comment)
}

// nulProblem says what text with a NUL byte probably is.
func (d *documents) nulProblem() string {
	if at := d.feed.dropped + int64(d.feed.nul); at <= 1 {
		return "this looks like UTF-16 text; it must be UTF-8"
	}
	return fmt.Sprintf("a NUL byte: this is binary data or UTF-16, not %s", d.format.title())
}

// sniff checks the first bytes of the input: it drops a UTF-8 byte order mark (RFC 8259,
// section 8.1), and those of other encodings and of gzip are errors.
func (d *documents) sniff(ctx context.Context) error {
	if d.sniffed || d.format == FormatRaw {
		return nil
	}
	f := d.feed
	for {
		data := f.buf[:f.end]
		want := 1
		if len(data) > 0 && bytes.IndexByte([]byte{0xef, 0xfe, 0xff, 0x1f}, data[0]) >= 0 {
			want = 3
		}
		if len(data) >= want {
			break
		}
		err := f.fill(ctx)
		if err == io.EOF {
			break
		}
		if ctx.Err() != nil && err == ctx.Err() {
			return err
		}
		if err != nil {
			return d.failed(err)
		}
	}
	d.sniffed = true
	data := f.buf[:f.end]
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		f.start, f.fed = 3, 3
	case bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.HasPrefix(data, []byte("\xff\xfe")):
		return d.errorAt(0, 0, 0, "this is UTF-16 text; it must be UTF-8")
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return d.errorAt(0, 0, 0, fmt.Sprintf("this is gzip-compressed data, not %s", d.format.title()))
	}
	return nil
}

// fault is the error of the document that was cut last.
func (d *documents) fault(doc []byte, faults []Fault) *Error {
	f := d.feed
	begin := f.start - len(doc)
	spans := d.secrets(doc)
	for i := range faults {
		t := &faults[i]
		at := t.Offset
		t.Place = d.place(begin+int(at), t.Length, f.start)
		switch {
		case d.o.Secrets == nil:
		case len(doc) > maxSearched:
			d.o.hide(t, d.o.lineSecrets(&t.Place))
		default:
			d.o.hide(t, within(spans, &t.Place, at))
		}
	}
	return d.newError(faults)
}

// errorAt is an error with one fault of n bytes at an offset in the feed's buffer.
func (d *documents) errorAt(at, n, limit int, problem string) *Error {
	f := Fault{Place: d.place(at, n, limit), Problem: problem}
	if d.o.Secrets != nil {
		d.o.hide(&f, d.o.lineSecrets(&f.Place))
	}
	return d.newError([]Fault{f})
}

// secrets are those of a document, but for one that is too long to search.
func (d *documents) secrets(doc []byte) []span {
	switch {
	case d.o.Secrets == nil || len(doc) > maxSearched:
		return nil
	case d.hidden != nil:
		return d.hidden(doc)
	}
	return d.o.Secrets(string(doc))
}

func (d *documents) place(at, n, limit int) Place {
	if d.format == FormatRaw {
		return Place{Offset: d.feed.dropped + int64(at), Length: n}
	}
	return d.feed.place(at, n, limit)
}

func (d *documents) newError(faults []Fault) *Error {
	e := newError(d.index, d.part.Origin, d.name, faults)
	e.Format, e.Message = d.format, d.number
	return e
}

// failed is the error of an input that cannot be read.
func (d *documents) failed(err error) *Error {
	return unreadable(d.part, d.index, d.name, err)
}
