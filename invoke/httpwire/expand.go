package httpwire

import (
	"errors"
	"fmt"
	"io"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
)

// A tooLarge is a message that is not received, since it is greater than the limit.
type tooLarge struct {
	size  int64 // as the server announced it; 0: it was not announced
	limit int64
}

func (e *tooLarge) Error() string {
	if e.size == 0 {
		return fmt.Sprintf("the server sent a message beyond the limit of %d bytes", e.limit)
	}
	return fmt.Sprintf("the server sent a message of %d bytes, and the limit is %d", e.size, e.limit)
}

// Unwrap returns the error that callers of the Invoker match.
func (e *tooLarge) Unwrap() error { return invoke.ErrTooLarge }

// A codingError is compressed data that cannot be expanded.
type codingError struct {
	coding string
	err    error
}

func (e *codingError) Error() string {
	return fmt.Sprintf("the server sent what is not %s: %v", e.coding, e.err)
}

// Unwrap returns the error of the coding.
func (e *codingError) Unwrap() error { return e.err }

// An expander reads parts of a response, compressed or not. It never holds a compressed part,
// and no more than a limit of the expanded one.
type expander struct {
	coding *compress.Coding // nil: nothing is compressed
}

// expand reads all of r into b, whose capacity is reused, and returns what was read, even with
// an error. size is the announced size of r, or -1. Beyond the limit, in bytes of either form,
// the error is a *tooLarge.
func (x expander) expand(b []byte, r io.Reader, size, limit int64) ([]byte, error) {
	if x.coding == nil {
		return fill(b, r, size, limit)
	}
	compressed := &counted{r: r, remaining: limit + 1}
	reader, err := x.coding.Decompress(compressed)
	if err != nil {
		return b[:0], x.fault(compressed, err, limit)
	}
	b, err = fill(b, reader, -1, limit)
	if cerr := reader.Close(); err == nil {
		err = cerr
	}
	if err == nil { // anything behind the compressed data is skipped
		_, err = io.Copy(io.Discard, compressed)
	}
	return b, x.fault(compressed, err, limit)
}

// fault returns the error of expanding: the error of reading, if there was one.
func (x expander) fault(compressed *counted, err error, limit int64) error {
	switch {
	case err == nil && compressed.remaining > 0, errors.As(err, new(*tooLarge)):
		return err
	case compressed.err != nil:
		return compressed.err
	case compressed.remaining == 0:
		return &tooLarge{limit: limit}
	}
	return &codingError{x.coding.Name(), err}
}

// A counted reader ends after a number of bytes and remembers its error.
type counted struct {
	r         io.Reader
	remaining int64
	err       error // other than io.EOF
}

func (c *counted) Read(p []byte) (int, error) {
	if c.remaining == 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.remaining)])
	c.remaining -= int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

const (
	firstPiece = 512     // bytes to begin with, where nothing is announced
	trusted    = 1 << 20 // bytes that are allocated at once when they are announced
)

// fill reads all of r into b, which grows as it is filled, so that a size costs nothing by
// being announced.
func fill(b []byte, r io.Reader, size, limit int64) ([]byte, error) {
	b = b[:0]
	for {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), room(int64(cap(b)), size, limit))
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return b[:limit], &tooLarge{limit: limit}
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// room returns the next capacity of a buffer: one byte more than can come, which shows the
// end, or twice the current one.
func room(now, size, limit int64) int64 {
	most := limit + 1
	if size >= 0 && size < limit {
		most = size + 1
	}
	next := max(2*now, firstPiece)
	if size >= 0 {
		next = max(next, min(most, trusted))
	}
	if next > most-most/4 { // else it would be copied once more for little
		return most
	}
	return next
}
