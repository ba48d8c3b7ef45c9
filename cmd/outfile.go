package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// An outFile is a file that is written aside and takes its name when it is whole,
// so that nobody ever finds half of it under that name.
type outFile struct {
	*os.File
	path    string // the name it will have; "": it is written in place
	written int64  // bytes
}

// createAside begins a file. What is there and is no regular file, such as a
// device or a pipe, is written to as it stands.
func createAside(path string) (*outFile, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("writing %s: it is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &outFile{File: f}, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	// A link keeps pointing where it does: the file behind it is replaced.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	folder, name := filepath.Split(path) // as it was written: a/../b is not b
	aside := folder + "." + name + "." + rand.Text()[:8]
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the user's umask
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	out := &outFile{File: f, path: path}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(cannotWrite(path, err), out.abandon())
		}
	}
	return out, nil
}

// cannotWrite tells of the file that was asked for, not of the one beside it.
func cannotWrite(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("writing %s: %w", path, err)
}

// Write writes, and counts what was written.
func (o *outFile) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	o.written += int64(n)
	return n, err
}

// finish gives the file its name.
func (o *outFile) finish() error {
	err := o.Close()
	if o.path == "" {
		return err
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.Name()))
	}
	if err = os.Rename(o.Name(), o.path); err != nil {
		var le *os.LinkError
		if errors.As(err, &le) {
			err = le.Err
		}
		if _, gone := os.Stat(o.Name()); gone == nil {
			return fmt.Errorf("%w; what came is in %s", cannotWrite(o.path, err), o.Name())
		}
		return cannotWrite(o.path, err)
	}
	return nil
}

// keep ends a file that is not whole: what it has is found under another name, and
// the error says under which. Nothing received is lost, and nothing is taken for
// what it is not.
func (o *outFile) keep() error {
	name, err := o.keepAs(o.path, "")
	if name == "" {
		return err
	}
	return errors.Join(err, &partialError{"what came before is in " + name})
}

// keepAs is keep with a name between whose parts it is said that the file is not whole. It
// returns the name, "" where there was nothing to keep.
func (o *outFile) keepAs(stem, extension string) (name string, err error) {
	if o.path == "" || o.written == 0 {
		return "", o.abandon()
	}
	err = o.Close()
	for i := 0; i < 1000; i++ {
		name = stem + ".partial"
		if i > 0 {
			name += "." + strconv.Itoa(i)
		}
		name += extension
		// A link, unlike a new name, never takes the place of a file that is there.
		if lerr := os.Link(o.Name(), name); lerr == nil {
			return name, errors.Join(err, os.Remove(o.Name()))
		} else if !errors.Is(lerr, fs.ErrExist) {
			break
		}
	}
	return o.Name(), err // where it is
}

// abandon removes the file. It does nothing to a nil file.
func (o *outFile) abandon() error {
	if o == nil {
		return nil
	}
	err := o.Close()
	if o.path != "" {
		err = errors.Join(err, os.Remove(o.Name()))
	}
	return err
}

// A partialError tells where that is which was written before a failure.
type partialError struct{ text string }

func (e *partialError) Error() string { return e.text }

// partials are the texts of all partialErrors in an error.
func partials(err error) []string {
	if partial, ok := err.(*partialError); ok {
		return some(partial.text)
	}
	var found []string
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		found = partials(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			found = append(found, partials(part)...)
		}
	}
	return found
}
