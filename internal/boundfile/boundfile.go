// Package boundfile reads files that somebody names, on a command line or in another file,
// within bounds: a size, and a time for what is no plain file. A named pipe that nobody
// writes to, a device without end and a file that is too large are errors that name the file
// and the bound.
//
// Whatever waits here ends with its context, too, in a *WaitError that names the file. The
// main functions are Read, Open and Plain.
package boundfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
)

const (
	// WriterLimit is how long a named pipe may wait for a program that writes to it.
	WriterLimit = 10 * time.Second
	// EndLimit is how long it may take until a pipe or a device ends. A program at the other
	// end may have to ask a person.
	EndLimit = time.Minute
)

// ErrNotPlain is a pipe, a device or a socket where a plain file is needed.
var ErrNotPlain = errors.New("not a plain file")

var errIsDir = errors.New("is a directory, not a file")

// A SizeError is a file that is larger than the limit.
type SizeError struct {
	Path  string
	Limit int64 // bytes
}

func (e *SizeError) Error() string { return fmt.Sprintf("%s: more than %s", e.Path, Size(e.Limit)) }

// A TimeError is a pipe or a device that did not come to its end in time.
type TimeError struct {
	Path  string
	Limit time.Duration
	Open  bool // data could have come; else nobody opened the pipe for writing
}

func (e *TimeError) Error() string {
	if e.Open {
		return fmt.Sprintf("%s did not end within %s", e.Path, e.Limit)
	}
	return fmt.Sprintf("%s: a pipe that nobody wrote to within %s", e.Path, e.Limit)
}

// A WaitError is a pipe, a device or a stream that had not come to its end when the reader's
// context was done.
type WaitError struct {
	Path string
	Open bool  // data could have come; else nobody had opened the pipe for writing
	Err  error // of the context
}

func (e *WaitError) Error() string {
	switch {
	case !errors.Is(e.Err, context.DeadlineExceeded):
		return fmt.Sprintf("reading %s: %v", e.Path, e.Err)
	case e.Open:
		return e.Path + " did not end before the deadline"
	}
	return e.Path + ": a pipe that nobody wrote to before the deadline"
}

// Unwrap returns the error of the context.
func (e *WaitError) Unwrap() error { return e.Err }

// Size is a number of bytes as people read it, in the greatest unit that divides it.
func Size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Read returns the bytes of a file, at most limit of them. For anything but a plain file, such
// as a pipe, it waits WriterLimit for a writer and EndLimit for the end, or until ctx is done.
// The error is a *SizeError, a *TimeError, a *WaitError or a *fs.PathError. The slice is the
// caller's.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	waits, cancel := context.WithTimeout(ctx, WriterLimit)
	defer cancel()
	f, err := Open(waits, path)
	if errors.As(err, new(*WaitError)) && ctx.Err() == nil {
		return nil, &TimeError{path, WriterLimit, false}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errIsDir}
	case info.Mode().IsRegular():
		return plain(f, path, info.Size(), limit)
	}
	waits, cancel = context.WithTimeout(ctx, EndLimit)
	defer cancel()
	data, err := Stream(waits, f, path, limit)
	if errors.As(err, new(*WaitError)) && ctx.Err() == nil {
		return nil, &TimeError{path, EndLimit, true}
	}
	return data, err
}

// Plain returns the bytes of a plain file, at most limit of them. Anything else at the path is
// not opened. The error is a *SizeError or a *fs.PathError, which wraps ErrNotPlain.
func Plain(path string, limit int64) ([]byte, error) {
	data, _, err := PlainBelow(system{}, path, limit)
	return data, err
}

// Files is where PlainBelow finds a file: an *os.Root.
type Files interface {
	Stat(path string) (fs.FileInfo, error)
	Open(path string) (*os.File, error)
}

type system struct{}

func (system) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }
func (system) Open(path string) (*os.File, error)    { return os.Open(path) }

// PlainBelow is Plain for a path in files. It also returns what is known of the file.
func PlainBelow(files Files, path string, limit int64) ([]byte, fs.FileInfo, error) {
	f, info, err := openPlain(files, path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := plain(f, path, info.Size(), limit)
	return data, info, err
}

// OpenPlain opens a plain file for reading. Anything else at the path is not opened, and the
// error wraps ErrNotPlain.
func OpenPlain(path string) (*os.File, error) {
	f, _, err := openPlain(system{}, path)
	return f, err
}

// CheckPlain reports whether a plain file, or nothing, is at a path. The error wraps ErrNotPlain.
func CheckPlain(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return checkPlain(path, info, err)
}

func openPlain(files Files, path string) (*os.File, fs.FileInfo, error) {
	if info, err := files.Stat(path); err == nil { // opening a pipe would wait for a writer
		if err := checkPlain(path, info, nil); err != nil {
			return nil, nil, err
		}
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat() // another file may be there by now
	if err := checkPlain(path, info, err); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func checkPlain(path string, info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: errIsDir}
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "read", Path: path, Err: ErrNotPlain}
	}
	return nil
}

// plain reads a plain file. It may have grown since its size was taken.
func plain(r io.Reader, path string, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, &SizeError{path, limit}
	}
	return all(r, path, size, limit)
}

// Stream returns the bytes of a stream, at most limit of them, although the stream may never
// end or stay silent. The path names it in errors: a *SizeError, a *WaitError when ctx is
// done, or that of r. A read that has begun then goes on by itself.
func Stream(ctx context.Context, r io.Reader, path string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		defer fault.Exit()
		data, err := all(stopping{r, ctx}, path, 0, limit)
		read <- result{data, err}
	}()
	select {
	case r := <-read:
		if r.err != nil && r.err == ctx.Err() {
			break
		}
		return r.data, r.err
	case <-ctx.Done():
	}
	return nil, &WaitError{path, true, ctx.Err()}
}

// stopping ends reading once nobody waits for it.
type stopping struct {
	io.Reader
	until interface{ Err() error }
}

func (r stopping) Read(p []byte) (int, error) {
	if err := r.until.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// firstRead is how many bytes are read at first of a file that does not say its size.
const firstRead = 16 << 10

// all reads up to limit bytes. Its buffer doubles, but never past the limit.
func all(r io.Reader, path string, size, limit int64) ([]byte, error) {
	if size <= 0 {
		size = firstRead
	}
	buf := make([]byte, 0, min(size, limit)+1) // one byte more, which shows the end, or that there is too much
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, &SizeError{path, limit}
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) == cap(buf):
			larger := make([]byte, len(buf), min(2*int64(cap(buf)), limit+1))
			copy(larger, buf)
			buf = larger
		}
	}
}

// Open opens a file for reading. It waits until a named pipe has a writer; when ctx is done before,
// the error is a *WaitError.
func Open(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		defer fault.Exit()
		f, err := os.Open(path)
		opened <- result{f, err}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
	}
	go func() {
		defer fault.Exit()
		if r := <-opened; r.err == nil {
			r.f.Close()
		}
	}()
	// A writer wakes the goroutine that still waits for one.
	if w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		w.Close()
	}
	return nil, &WaitError{path, false, ctx.Err()}
}

// Reader returns what reads files as Read does, until ctx is done.
func Reader(ctx context.Context) func(name string, limit int64) ([]byte, error) {
	return func(name string, limit int64) ([]byte, error) { return Read(ctx, name, limit) }
}
