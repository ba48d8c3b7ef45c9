package formatters

import (
	"io"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
)

const (
	// flushSize is when the buffer is written whatever the time.
	flushSize = 64 << 10
	// keepSize is the greatest buffer that is kept for the next message.
	keepSize = 1 << 20
	// flushDelay is how long a message may wait for others to be written with it.
	flushDelay = 2 * time.Millisecond
)

// A writer gathers messages in one buffer. A message that comes after a pause is
// written at once; those that follow closely are written together, at the latest
// when flushDelay has gone, so that a slow stream is never held back and a fast
// one does not pay for a system call a message.
//
// It takes its time from the messages. Only one timer is ever armed, and none
// after Flush.
type writer struct {
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

func newWriter(w io.Writer, o *Options) *writer { return &writer{w: w, live: o.Live} }

// begin locks the writer and returns the buffer for a message to be appended to,
// which end must be given. On error the writer is not locked.
func (w *writer) begin() ([]byte, error) {
	w.mu.Lock()
	if w.err != nil {
		defer w.mu.Unlock()
		return nil, w.err
	}
	return w.buf, nil
}

// end takes the buffer back with a message that came at the given time, writes if
// it is time to, and unlocks.
func (w *writer) end(buf []byte, at time.Time) error {
	defer w.mu.Unlock()
	w.buf = buf
	switch {
	case w.err != nil || len(buf) == 0:
	case w.live, len(buf) >= flushSize:
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

// expired writes what the timer was armed for, if that has not gone since.
func (w *writer) expired() {
	defer fault.Exit()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.write()
}

// write empties the buffer. The writer is locked.
func (w *writer) write() {
	if len(w.buf) == 0 || w.err != nil {
		return
	}
	w.put(w.buf)
	if w.buf = w.buf[:0]; cap(w.buf) > keepSize {
		w.buf = nil
	}
}

// put hands bytes to the underlying writer. The writer is locked.
func (w *writer) put(p []byte) {
	n, err := w.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = err
	}
}

// Flush writes what is left and returns the first error of all writes. Whatever
// comes after it is written at once.
func (w *writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.write()
	return w.err
}

// spill writes what a message has brought so far, between begin and end, and
// returns an empty buffer for the rest.
func (w *writer) spill(buf []byte) []byte {
	w.buf = buf
	w.write()
	return w.buf[:0]
}

// A pieces takes a message that comes in pieces, between begin and end. Whoever
// uses it leaves the buffer of begin alone and gives w.buf to end.
type pieces struct{ w *writer }

// Write takes a piece.
func (p pieces) Write(b []byte) (int, error) {
	w := p.w
	if len(w.buf)+len(b) > flushSize {
		w.write()
	}
	if len(b) > flushSize && w.err == nil {
		w.put(b)
	} else {
		w.buf = append(w.buf, b...)
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}
