package symbol

import (
	"errors"
	"fmt"
)

// ErrNotFound is what the error of a lookup wraps when the source does not have the name. Any
// other error means that the question could not be answered.
var ErrNotFound = errors.New("not found")

// The kinds of name in an UnknownError.
const (
	KindService = "service"
	KindMethod  = "method"
	KindSymbol  = "symbol"
)

// An UnknownError is a name that the schema does not have. It wraps ErrNotFound.
type UnknownError struct {
	Kind string // KindService, KindMethod or KindSymbol
	Name string // as it was typed; "" when In is a service and no method of it was named
	In   string // the full name of the service, when that is known
	// Near holds at most three names that may have been meant, the nearest first: full
	// names, those of methods as pkg.Service/Method.
	Near []string
}

func (e *UnknownError) Error() string {
	switch {
	case e.Kind == KindMethod && e.Name == "":
		return fmt.Sprintf("%s is a service, and no method of it is named", e.In)
	case e.Kind == KindMethod && e.In != "":
		return fmt.Sprintf("%s/%s: no such method", e.In, e.Name)
	default:
		return fmt.Sprintf("%s: no such %s", e.Name, e.Kind)
	}
}

// Unwrap returns ErrNotFound.
func (e *UnknownError) Unwrap() error { return ErrNotFound }

// A DescriptorError is a file descriptor that is not valid, or a symbol that no descriptor
// describes.
type DescriptorError struct {
	Origin string // the descriptor set, or "reflection"; "" when unknown
	File   string // the path of the .proto file, as its descriptor names it; "" when unknown
	Symbol string // the full name concerned; "" when it is the file as a whole
	Err    error  // what is wrong
}

func (e *DescriptorError) Error() string {
	var subject string
	switch {
	case e.Symbol != "" && e.File != "":
		subject = fmt.Sprintf("%q in %q", e.Symbol, e.File)
	case e.Symbol != "":
		subject = fmt.Sprintf("%q", e.Symbol)
	case e.File != "":
		subject = fmt.Sprintf("%q", e.File)
	default:
		return fmt.Sprintf("%s: %v", e.Origin, e.Err)
	}
	if e.Origin != "" {
		subject += " from " + e.Origin
	}
	return "descriptor of " + subject + ": " + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *DescriptorError) Unwrap() error { return e.Err }

// IsDescriptorError reports whether an error is or wraps a *DescriptorError.
func IsDescriptorError(err error) bool {
	var de *DescriptorError
	return errors.As(err, &de)
}
