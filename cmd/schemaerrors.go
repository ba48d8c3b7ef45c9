package cmd

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

// A faultsError is what was passed over in work that was done for the rest. It hides
// what its faults are: none of them decides how the whole is told.
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

// withFaults adds to the error of some work, which may be nil, what was passed over.
func withFaults(err error, faults []error) error {
	switch {
	case len(faults) == 0:
		return err
	case err == nil:
		return &faultsError{"some of the schema is broken", faults}
	}
	return errors.Join(err, &faultsError{"and some of the schema is broken", faults})
}

// schemaFault shows what is wrong in a .proto file, with a caret under the place.
func schemaFault(err error) (string, bool) {
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
	// A tab is one column in the source and one blank here.
	line := formatters.Clean(strings.ReplaceAll(source, "\t", " "), false)
	runes := []rune(strings.ReplaceAll(source, "\t", " "))
	before := formatters.Clean(string(runes[:min(column-1, len(runes))]), false)
	return fmt.Sprintf("%s\n  %s\n  %s^\n", formatters.Clean(err.Error(), true), line, strings.Repeat(" ", utf8.RuneCountInString(before))), true
}

// schemaHint is the next step when schema files are not in order.
func schemaHint(err error) string {
	var (
		lacks   *discovery.ImportError
		edition *discovery.EditionError
	)
	switch {
	case errors.As(err, &edition):
		return "make a descriptor set of it, with buf build -o or protoc --descriptor_set_out, and give that with --protoset"
	case errors.As(err, &lacks) && errors.Is(lacks.Err, fs.ErrNotExist) && len(lacks.Deps) > 0:
		return fmt.Sprintf("the buf module depends on %s, which is not fetched here: buf build -o - | rpcctl --protoset - ..., or -I DIR after buf export", strings.Join(lacks.Deps, ", "))
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
