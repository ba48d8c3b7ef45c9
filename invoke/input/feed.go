package input

import (
	"bytes"
	"context"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/fault"
)

const (
	// chunk is how much is read at once: as much as a Linux pipe holds.
	chunk = 64 << 10
	// headMax and tailMax are how many bytes of a long line are kept before and after a fault.
	// They bound the memory that an error keeps.
	headMax = 256
	tailMax = 256
	// emptyReads is how many reads in a row may give nothing without an error.
	emptyReads = 100
)

// A feed is a window on an input, which is read in chunks and dropped document by document, so
// that it holds no more than the current document and one chunk. It is not safe for concurrent
// use.
type feed struct {
	buf   []byte
	start int // where the current document begins
	fed   int // how far the document has been scanned
	end   int // where the data ends

	open    func() (io.ReadCloser, error) // nil for data in memory
	src     io.ReadCloser                 // nil before the first read has ended
	giveUp  func()                        // ends opening, and the first read of a pipe; nil for data in memory
	kept    func() bool                   // src is closed by itself, and not by giveUp
	ended   bool                          // nothing more comes
	err     error                         // why reading ended, other than at the end of the input
	reading bool                          // a read into buf[end:] is in progress
	got     chan readResult

	nul int // in buf, the first NUL byte; -1 when there is none

	// Of what was dropped before buf:
	dropped   int64  // bytes
	lines     int    // line ends
	head      []byte // the end of the line that buf begins in, at most headMax bytes
	headRunes int    // how many runes of that line were dropped
	headBytes int64  // and how many bytes
}

type readResult struct {
	src io.ReadCloser
	n   int
	err error
}

// feedOf returns a feed of data that is in memory. It keeps data.
func feedOf(data []byte) *feed {
	return &feed{buf: data, end: len(data), ended: true, nul: bytes.IndexByte(data, 0)}
}

// feedFrom returns a feed of an input that open opens at the first read. Its context is done
// when nobody reads any more.
func feedFrom(open func(context.Context) (io.ReadCloser, error)) *feed {
	ctx, giveUp := context.WithCancel(context.Background())
	f := &feed{giveUp: giveUp, nul: -1, got: make(chan readResult, 1)}
	f.open = func() (io.ReadCloser, error) {
		src, err := open(ctx)
		if err == nil {
			f.kept = context.AfterFunc(ctx, func() { _ = src.Close() }) // it was only read
		}
		return src, err
	}
	return f
}

// fill reads more data, waiting for some. It returns io.EOF at the end of the input, ctx.Err()
// when ctx is done first, and the error of the input.
//
// Each read is a goroutine of its own: one that blocks outlives ctx without holding anything
// else, its result is taken by the next call of fill, and no goroutine is left waiting for a
// source that nobody reads.
func (f *feed) fill(ctx context.Context) error {
	for range emptyReads {
		if !f.reading {
			if f.ended {
				return f.ending()
			}
			f.room()
			f.reading = true
			go readChunk(f.src, f.open, f.buf[f.end:cap(f.buf)], f.got)
		}
		had := f.end
		select {
		case r := <-f.got:
			f.take(r)
		case <-ctx.Done():
			return ctx.Err()
		}
		if f.nul < 0 {
			if i := bytes.IndexByte(f.buf[had:f.end], 0); i >= 0 {
				f.nul = had + i
			}
		}
		if f.end > had {
			return nil
		}
	}
	f.ended, f.err = true, io.ErrNoProgress
	return f.err
}

func (f *feed) ending() error {
	if f.err != nil {
		return f.err
	}
	return io.EOF
}

func readChunk(src io.ReadCloser, open func() (io.ReadCloser, error), p []byte, got chan<- readResult) {
	defer fault.Exit()
	var err error
	if src == nil {
		if src, err = open(); err != nil {
			got <- readResult{err: err}
			return
		}
	}
	n, err := src.Read(p)
	got <- readResult{src, n, err}
}

func (f *feed) take(r readResult) {
	f.reading = false
	f.src = r.src
	f.end += r.n
	f.buf = f.buf[:f.end]
	if r.err != nil {
		f.ended = true
		if r.err != io.EOF {
			f.err = r.err
		}
		f.close()
	}
}

// close closes the input. A read in progress ends if the input can be closed meanwhile, as
// pipes can; otherwise it is left to end by itself.
func (f *feed) close() {
	if f.src != nil && f.kept() {
		_ = f.src.Close() // it was only read
	}
	f.src = nil
	if f.giveUp != nil {
		f.giveUp()
	}
	f.ended = true
}

// room makes place for a chunk after the data, by dropping the documents that are done
// and then by growing.
func (f *feed) room() {
	if f.start > 0 {
		f.drop()
	}
	if cap(f.buf)-f.end < chunk/2 {
		f.buf = slices.Grow(f.buf[:f.end], max(chunk, cap(f.buf)))
	}
}

// drop forgets what is before the current document, except for what errors show of it.
func (f *feed) drop() {
	gone := f.buf[:f.start]
	if i := bytes.LastIndexByte(gone, '\n'); i >= 0 {
		f.lines += bytes.Count(gone, []byte{'\n'})
		f.head, f.headRunes, f.headBytes = f.head[:0], 0, 0
		gone = gone[i+1:]
	}
	f.headRunes += utf8.RuneCount(uptoRune(f.afterHead(gone)))
	f.headBytes += int64(len(gone))
	f.head = append(f.head, gone[max(0, len(gone)-headMax):]...)
	if extra := len(f.head) - headMax; extra > 0 {
		f.head = slices.Delete(f.head, 0, extra)
	}
	f.dropped += int64(f.start)
	n := copy(f.buf, f.buf[f.start:f.end])
	f.fed -= f.start
	f.nul = max(-1, f.nul-f.start)
	f.start, f.end = 0, n
	f.buf = f.buf[:n]
}

// doc returns the document that ends at fed.
func (f *feed) doc() []byte {
	d := f.buf[f.start:f.fed]
	f.start = f.fed
	return d
}

// skip drops the current document except for its last bytes.
func (f *feed) skip(last int) { f.start = max(f.start, f.fed-last) }

// skipSpace drops white space before a document.
func (f *feed) skipSpace() {
	for f.start < f.end && (f.buf[f.start] == ' ' || f.buf[f.start] >= '\t' && f.buf[f.start] <= '\r') {
		f.start++
	}
	f.fed = f.start
}

// place is where n bytes from the offset at in buf are. The line is shown up to limit,
// an offset in buf too: what comes after it may not have been read yet.
func (f *feed) place(at, n, limit int) Place {
	limit = min(limit, f.end)
	at = min(at, limit)
	n = min(n, limit-at)
	p := Place{Offset: f.dropped + int64(at), Length: n}
	before := f.buf[:at]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	p.Line = 1 + f.lines + bytes.Count(before, []byte{'\n'})
	var head []byte
	if lineStart > 0 {
		p.Column = 1 + utf8.RuneCount(before[lineStart:])
	} else {
		p.Column = 1 + f.headRunes + utf8.RuneCount(f.afterHead(before))
		head = f.head
		p.CutLeft = f.headBytes > int64(len(head))
	}
	head = append(slices.Clone(head), before[lineStart:]...)
	if extra := len(head) - headMax; extra > 0 {
		head, p.CutLeft = head[extra:], true
	}
	if p.CutLeft {
		head = fromRune(head)
	}
	tail := f.buf[at:limit]
	if i := bytes.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[:i]
	}
	tail = bytes.TrimSuffix(tail, []byte{'\r'})
	if len(tail) > tailMax {
		tail, p.CutRight = uptoRune(tail[:tailMax]), true
	}
	p.Text = string(head) + string(tail)
	p.Start = len(head)
	p.End = min(len(head)+n, len(p.Text))
	return p
}

// afterHead returns text that follows the head of the line, with the beginning of the rune
// that the head ends in.
func (f *feed) afterHead(text []byte) []byte {
	begun := f.head[len(uptoRune(f.head)):]
	if len(begun) == 0 {
		return text
	}
	return append(slices.Clone(begun), text...)
}

// fromRune returns b without the end of a rune at its beginning.
func fromRune(b []byte) []byte {
	for i := range min(utf8.UTFMax, len(b)) {
		if utf8.RuneStart(b[i]) {
			return b[i:]
		}
	}
	return b
}

// uptoRune returns b without the beginning of a rune at its end.
func uptoRune(b []byte) []byte {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				return b
			}
			return b[:i]
		}
	}
	return b
}
