package descpool

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A LimitError ends a lookup that fetches or builds more than one lookup may.
// AsDescriptorError turns it into a *symbol.DescriptorError at the end of the lookup. It is
// not one before: a DescriptorError spoils one import only, and the lookup would go on to the
// next.
type LimitError struct {
	Err     error
	tooWide bool // all files are there, but they are too heavy to be built
}

func (e *LimitError) Error() string { return e.Err.Error() }
func (e *LimitError) Unwrap() error { return e.Err }

// isTooWide reports whether an error is a *LimitError about building too much.
func isTooWide(err error) bool {
	var e *LimitError
	return errors.As(err, &e) && e.tooWide
}

var errLookupFull = fmt.Errorf("what it imports is more than %d files or %d MiB", maxLookupFiles, maxLookupBytes>>20)

// StartLookup begins a lookup, for CheckRoom.
func (p *Pool) StartLookup() { p.filesBefore, p.bytesBefore = len(p.all), p.bytes }

// CheckRoom returns an error when the current lookup may not fetch another file of a number of
// bytes.
func (p *Pool) CheckRoom(more int) error {
	if len(p.all)-p.filesBefore >= maxLookupFiles || p.bytes+more-p.bytesBefore > maxLookupBytes {
		return &LimitError{Err: errLookupFull}
	}
	return nil
}

// AsDescriptorError returns the *symbol.DescriptorError for a *LimitError, and any other error
// as it is.
func AsDescriptorError(origin string, name protoreflect.FullName, err error) error {
	if e := (*LimitError)(nil); errors.As(err, &e) {
		return &symbol.DescriptorError{Origin: origin, Symbol: string(name), Err: e.Err}
	}
	return err
}
