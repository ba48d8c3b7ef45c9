package outfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// A File is a file that is being written under another name beside its own, and is
// renamed when it is complete: nobody ever finds half of it under its name. A path that
// leads to something other than a regular file, such as a device or a pipe, is written to
// directly.
type File struct {
	*os.File
	path    string // the name that it gets; "": it is written to directly
	Written int64  // bytes so far
}

// Create begins to write the file at a path. A file that is there stays until Finish, which
// gives the new one its permissions.
func Create(path string) (*File, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("writing %s: it is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{File: f}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	// A symbolic link stays one: the file that it leads to is replaced.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	folder, name := filepath.Split(path) // not cleaned: a/../b is not b when a is a link
	aside := folder + "." + name + "." + rand.Text()[:8]
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the user's umask
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	out := &File{File: f, path: path}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(cannotWrite(path, err), out.Abandon())
		}
	}
	return out, nil
}

// Append opens the file at a path to add to its end, and makes it where it is missing.
func Append(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	return &File{File: f}, nil
}

// cannotWrite names the file that was asked for in an error, not the one beside it.
func cannotWrite(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("writing %s: %w", path, err)
}

// Write writes to the file.
func (o *File) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	o.Written += int64(n)
	return n, err
}

// Finish closes the file and gives it its name.
func (o *File) Finish() error {
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

// Keep closes a file that is not complete and keeps it under a name with ".partial" in
// it, which the error says: a *PartialError. An empty file is removed.
func (o *File) Keep() error {
	name, err := o.KeepAs(o.path, "")
	if name == "" {
		return err
	}
	return errors.Join(err, &PartialError{Text: "what came before is in " + name})
}

// KeepAs is Keep under the name stem + ".partial" + extension, or one with a number in it when
// that is taken. It returns the name, "" when the file was empty.
func (o *File) KeepAs(stem, extension string) (name string, err error) {
	if o.path == "" || o.Written == 0 {
		return "", o.Abandon()
	}
	err = o.Close()
	for i := 0; i < 1000; i++ {
		name = stem + ".partial"
		if i > 0 {
			name += "." + strconv.Itoa(i)
		}
		name += extension
		// Link, unlike Rename, never replaces a file.
		if lerr := os.Link(o.Name(), name); lerr == nil {
			return name, errors.Join(err, os.Remove(o.Name()))
		} else if !errors.Is(lerr, fs.ErrExist) {
			break
		}
	}
	return o.Name(), err
}

// Abandon removes what was written. It does nothing on a nil file.
func (o *File) Abandon() error {
	if o == nil {
		return nil
	}
	err := o.Close()
	if o.path != "" {
		err = errors.Join(err, os.Remove(o.Name()))
	}
	return err
}

// A PartialError says where the part of an output is that was written before a failure.
type PartialError struct{ Text string }

func (e *PartialError) Error() string { return e.Text }

// NextStep returns the same text, as a hint about the failure that ended the output.
func (e *PartialError) NextStep() string { return e.Text }
