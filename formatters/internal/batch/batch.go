// Package batch writes messages that follow one another closely together, and each at once
// when they are slow.
package batch

import (
	"io"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
)

const (
	// FlushSize is the size from which the buffer is written whatever the time, in bytes.
	FlushSize = 64 << 10
	// KeepSize is the size of the greatest buffer that is kept for the next message, in bytes.
	KeepSize = 1 << 20
	// flushDelay is how long a message may wait for others to be written with it.
	flushDelay = 2 * time.Millisecond
)

// A Writer gathers messages in one buffer. A message that comes after a pause is written at
// once; those that follow closely are written together, at the latest when flushDelay has
// passed, so that a slow stream is never held back and a fast one does not need a system call
// for each message.
//
// The time is that of the messages. At most one timer is armed, and none after Flush.
type Writer struct {
	w    io.Writer
	live bool // write each message at once

	mu    sync.Mutex
	buf   []byte
	err   error       // the first error; nothing is written after it
	begun bool        // something has been written at once
	last  time.Time   // when the message came that was last written at once
	timer *time.Timer // nil until it is needed
	armed bool
}

// New returns a Writer that writes to w: when it is live, each message at once.
func New(w io.Writer, live bool) *Writer { return &Writer{w: w, live: live} }

// Begin locks the Writer and returns the buffer to which a message is to be appended. The
// buffer must be given to End. On error the Writer is not locked.
func (w *Writer) Begin() ([]byte, error) {
	w.mu.Lock()
	if w.err != nil {
		defer w.mu.Unlock()
		return nil, w.err
	}
	return w.buf, nil
}

// End takes the buffer back, with a message that came at a moment, writes the buffer if that
// is due, and unlocks the Writer.
func (w *Writer) End(buf []byte, at time.Time) error {
	defer w.mu.Unlock()
	w.buf = buf
	switch {
	case w.err != nil || len(buf) == 0:
	case w.live, len(buf) >= FlushSize:
		w.write()
	case !w.begun || at.Sub(w.last) > flushDelay:
		w.begun, w.last = true, at
		w.write()
	case !w.armed:
		w.armed = true
		if w.timer == nil {
			w.timer = time.AfterFunc(flushDelay, w.expired)
		} else {
			w.timer.Reset(flushDelay)
		}
	}
	return w.err
}

// expired writes what the timer was armed for, unless it was written since.
func (w *Writer) expired() {
	defer fault.Exit()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.write()
}

// write empties the buffer. The Writer is locked.
func (w *Writer) write() {
	if len(w.buf) == 0 || w.err != nil {
		return
	}
	w.put(w.buf)
	if w.buf = w.buf[:0]; cap(w.buf) > KeepSize {
		w.buf = nil
	}
}

// put writes bytes to the underlying writer. The Writer is locked.
func (w *Writer) put(p []byte) {
	n, err := w.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = err
	}
}

// Flush writes the rest and returns the first error of all writes. Whatever comes after it is
// written at once.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.write()
	return w.err
}

// Spill writes the part of a message that is there, between Begin and End, and returns an
// empty buffer for the rest.
func (w *Writer) Spill(buf []byte) []byte {
	w.buf = buf
	w.write()
	return w.buf[:0]
}

// Hold keeps buf, between Begin and End, for Pieces to append to.
func (w *Writer) Hold(buf []byte) { w.buf = buf }

// Held returns the buffer to which Pieces appended, for End.
func (w *Writer) Held() []byte { return w.buf }

// Pieces returns a writer for a message that comes in pieces, between Begin and End. After it
// End is given what Held returns.
func (w *Writer) Pieces() Pieces { return Pieces{w} }

// Pieces takes a message in pieces, of which it holds no more than FlushSize.
type Pieces struct{ w *Writer }

// Write takes a piece.
func (p Pieces) Write(b []byte) (int, error) {
	w := p.w
	if len(w.buf)+len(b) > FlushSize {
		w.write()
	}
	if len(b) > FlushSize && w.err == nil {
		w.put(b)
	} else {
		w.buf = append(w.buf, b...)
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}
