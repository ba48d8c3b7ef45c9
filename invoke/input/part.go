package input

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A partKind is what a part is.
type partKind uint8

const (
	partNothing  partKind = iota // -d ''
	partDocument                 // typed
	partFile
	partStdin
	partWord
)

// kind returns what a part is and, for a file, its name.
func (p *Part) kind(o *Options) (partKind, string) {
	name, isFile := strings.CutPrefix(p.Text, "@")
	switch {
	case !p.Data && strings.HasPrefix(p.Text, "@type=") && o.Message.FullName() == "google.protobuf.Any":
		return partWord, ""
	case p.Text == "-", p.Text == "@", p.Text == "@-":
		return partStdin, ""
	case isFile:
		return partFile, name
	case p.Data && strings.TrimSpace(p.Text) == "":
		return partNothing, ""
	case !p.Data && isWord(p.Text):
		return partWord, ""
	}
	return partDocument, ""
}

// documents returns the documents of a part that is no word.
func (p Part) documents(index int, kind partKind, name string, o *Options) *documents {
	switch kind {
	case partStdin:
		stdin := o.Stdin
		if stdin == nil {
			stdin = strings.NewReader("")
		}
		f := feedFrom(func(context.Context) (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
		d := newDocuments(p, index, "stdin", f, o.Format, o)
		d.stdin = true
		return d
	case partFile:
		format := o.Format
		if format == FormatAuto {
			format = FormatOf(name)
		}
		return newDocuments(p, index, name,
			feedFrom(func(ctx context.Context) (io.ReadCloser, error) { return o.open(ctx, name) }), format, o)
	default:
		return newDocuments(p, index, "", feedOf([]byte(p.Text)), o.Format, o)
	}
}

// checkFile reports early, before a call begins, that a file cannot be read. It opens nothing:
// a pipe would lose its writer.
func (p Part) checkFile(index int, name string, o *Options) error {
	if o.Open != nil {
		return nil
	}
	fi, err := os.Stat(name)
	switch {
	case err != nil:
		return unreadable(p, index, name, err)
	case fi.IsDir():
		return unreadable(p, index, name, &fs.PathError{Op: "read", Path: name, Err: errIsDir})
	}
	return nil
}

var errIsDir = errors.New("is a directory, not a file")
