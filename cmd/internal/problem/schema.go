package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
)

// A faultsError lists the parts of a schema that work had to skip. It does not unwrap to
// them: none of them decides the message or the exit code of the whole.
type faultsError struct {
	what   string
	faults []error
}

func (e *faultsError) Error() string {
	const most = 20
	var b strings.Builder
	b.WriteString(e.what + ":")
	for i, f := range e.faults {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.faults)-most)
			break
		}
		b.WriteString("\n  " + f.Error())
	}
	return b.String()
}

// Skipped returns a *faultsError for work that did the rest.
func Skipped(what string, faults []error) error { return &faultsError{what, faults} }

// WithFaults adds to the error of some work, which may be nil, the parts that it skipped.
func WithFaults(err error, faults []error) error {
	switch {
	case len(faults) == 0:
		return err
	case err == nil:
		return &faultsError{"some of the schema is broken", faults}
	}
	return errors.Join(err, &faultsError{"and some of the schema is broken", faults})
}

// schemaFault returns the text of an error in a .proto file, with a caret under its place.
// ok is false for other errors.
func schemaFault(err error) (text string, ok bool) {
	var (
		many   *faultsError
		syntax *discovery.SyntaxError
		lacks  *discovery.ImportError
	)
	source, column := "", 0
	switch {
	case errors.As(err, &many):
		return "", false
	case errors.As(err, &syntax):
		source, column = syntax.Source, syntax.Column
	case errors.As(err, &lacks):
		source, column = lacks.Source, lacks.Column
	}
	if source == "" || column < 1 {
		return "", false
	}
	// The compiler counts a tab as one column, and here it prints as one blank.
	line := formatters.CleanLine(strings.ReplaceAll(source, "\t", " "))
	runes := []rune(strings.ReplaceAll(source, "\t", " "))
	before := formatters.Clean(string(runes[:min(column-1, len(runes))]), false)
	return fmt.Sprintf("%s\n  %s\n  %s^\n", formatters.Clean(err.Error(), true), line,
		strings.Repeat(" ", utf8.RuneCountInString(before))), true
}

// schemaHint returns the next step after a fault in schema files, or "".
func schemaHint(err error) string {
	var (
		lacks   *discovery.ImportError
		edition *discovery.EditionError
	)
	switch {
	case errors.As(err, &edition):
		return "make a descriptor set of it, with buf build -o or protoc --descriptor_set_out, and give that with --protoset"
	case errors.As(err, &lacks) && errors.Is(lacks.Err, fs.ErrNotExist) && len(lacks.Deps) > 0:
		return fmt.Sprintf(
			"the buf module depends on %s, which is not fetched here: buf build -o - | rpcctl --protoset - ..., or -I DIR after buf export", strings.Join(lacks.Deps, ", "))
	case errors.As(err, &lacks) && errors.Is(lacks.Err, fs.ErrNotExist) && lacks.File != "":
		return "name the folder that it is in with -I DIR"
	case errors.As(err, &lacks) && errors.Is(lacks.Err, fs.ErrNotExist):
		return "check the path; -I DIR adds a folder to look in"
	case errors.Is(err, discovery.ErrNotProto):
		return "check what --proto and the imports name; a descriptor set is given with --protoset"
	case errors.Is(err, discovery.ErrTooMuch):
		return "protoc or buf makes a descriptor set of it, which --protoset takes"
	case errors.Is(err, session.ErrNotHTTPS):
		return "give an https:// URL, or fetch it yourself and give the file"
	}
	return ""
}
