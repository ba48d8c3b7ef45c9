package input

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// An Error is bad input: a document that does not fit the message, a word that names no
// field, a file that cannot be read. Its strings come from the input as they are, except
// in what Error, Render and Caret return, where nothing is left that could move a cursor
// or turn the direction of text.
type Error struct {
	Part    int     // the index in the parts given to New
	Origin  string  // of the part: "-d", "argument 2"
	Name    string  // of the file, "stdin" for standard input, "" for what was typed
	Format  Format  // that documents of the part were read as; FormatAuto for words
	Message int     // 1-based number of the message in a client stream; 0 where the method takes one
	Faults  []Fault // in the order of their places; one to five
	Err     error   // why the input could not be read, as the system says; may be nil
}

// A Fault is one thing wrong with the input.
type Fault struct {
	Place
	Origin     string // of the part that it is in, where that is another than the Error's; else ""
	Path       string // the field, as in `items[1].qty`; "" at the top
	Problem    string // a sentence without a full stop
	Suggestion string // the nearest name to the one that is wrong, or ""
	Incomplete bool   // the document ends too early: more text could make it whole
	// Also is a second place that the problem is about, and AlsoOrigin the part that it
	// is in, as in a oneof with two members set; nil when there is none.
	Also       *Place
	AlsoOrigin string
}

// A Place is where in the input something is. The zero value is no place.
type Place struct {
	Part   int   // the index in the parts given to New
	Offset int64 // bytes from the start of what was typed, of the file, or of standard input
	Length int   // bytes; 0 where something is missing
	Line   int   // 1-based; 0 where lines mean nothing, as in binary input
	Column int   // 1-based, in runes
	// Text is the line without its end. Of a long line it is the part around the fault,
	// and CutLeft and CutRight say whether there is more of it.
	Text              string
	Start, End        int // the faulty bytes in Text; equal where something is missing
	CutLeft, CutRight bool
}

// Error returns all faults on one line, each with its place.
func (e *Error) Error() string {
	var b strings.Builder
	for i := range e.Faults {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e.headline(&e.Faults[i]))
	}
	return b.String()
}

// newError returns an error of a part, whose faults are in it.
func newError(part int, origin, name string, faults []Fault) *Error {
	for i := range faults {
		faults[i].Part = part
	}
	return &Error{Part: part, Origin: origin, Name: name, Faults: faults}
}

// Unwrap returns why the input could not be read, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Suggestion returns the nearest name to the first wrong one, or "".
func (e *Error) Suggestion() string {
	for i := range e.Faults {
		if s := e.Faults[i].Suggestion; s != "" {
			return s
		}
	}
	return ""
}

// Render returns all faults, each followed by the faulty line and a mark under the fault, both
// indented by two columns. No line of the excerpts is wider than width columns. There is no
// newline at the end.
func (e *Error) Render(width int) string {
	var b strings.Builder
	for i := range e.Faults {
		f := &e.Faults[i]
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.headline(f))
		writeExcerpt(&b, f.Caret(width-2))
		if f.Also != nil {
			b.WriteByte('\n')
			b.WriteString(clean(f.AlsoOrigin) + ":")
			writeExcerpt(&b, f.Also.Caret(width-2))
		}
	}
	return b.String()
}

func writeExcerpt(b *strings.Builder, caret string) {
	for line := range strings.Lines(caret) {
		b.WriteString("\n  " + strings.TrimSuffix(line, "\n"))
	}
}

// headline is where a fault is and what it is.
func (e *Error) headline(f *Fault) string {
	where := e.Origin
	if f.Origin != "" {
		where = f.Origin
	}
	if e.Name != "" {
		where = e.Name
	}
	if f.Line > 1 || f.Line == 1 && e.Name != "" {
		where += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	if f.Line == 0 && f.Offset+int64(f.Length) > 0 {
		where += fmt.Sprintf(": byte %d", f.Offset)
	}
	if e.Message > 0 {
		where += fmt.Sprintf(": message %d", e.Message)
	}
	return clean(where + ": " + f.Problem)
}

// unreadable returns the error for a file or an input that cannot be read.
func unreadable(p Part, index int, name string, err error) *Error {
	reason := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		reason = pe.Err
	}
	problem := reason.Error()
	switch {
	case name == "":
		problem = "@ needs the name of a file after it, or stands alone for standard input"
	case name != "stdin" && strings.TrimSpace(name) != name:
		problem = fmt.Sprintf("reading %q: %s", name, problem)
	}
	e := newError(index, p.Origin, name, []Fault{{Problem: problem}})
	e.Err = err
	return e
}
