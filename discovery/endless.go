package discovery

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// An endlessError ends a lookup that brings or builds more than one lookup may, whatever
// it is that asks for it. It is a *DescriptorError only when it leaves the lookup: until
// then such an error would spoil one import, and the next one be asked for.
type endlessError struct {
	err  error
	wide bool // all files are there, and what they hold is too much to be built
}

func (e *endlessError) Error() string { return e.err.Error() }
func (e *endlessError) Unwrap() error { return e.err }

func isWide(err error) bool {
	var e *endlessError
	return errors.As(err, &e) && e.wide
}

var errLookupFull = fmt.Errorf("what it imports is more than %d files or %d MiB", maxLookupFiles, maxLookupBytes>>20)

// begin notes where a lookup starts.
func (r *Reflection) begin() { r.hadFiles, r.hadBytes = len(r.pool.all), r.pool.bytes }

// full is the error for a lookup that may not bring so many bytes more.
func (r *Reflection) full(more int) error {
	if len(r.pool.all)-r.hadFiles >= maxLookupFiles || r.pool.bytes+more-r.hadBytes > maxLookupBytes {
		return &endlessError{err: errLookupFull}
	}
	return nil
}

// noteEndless makes the error of a lookup what it is to the caller. A lookup that
// needed too much is not tried again, lest each trial bring as much.
func (r *Reflection) noteEndless(name protoreflect.FullName, err error) error {
	if !errors.As(err, new(*endlessError)) {
		return err
	}
	err = asDescriptorError(reflectionOrigin, name, err)
	r.endless[name] = err
	return err
}

func asDescriptorError(origin string, name protoreflect.FullName, err error) error {
	if e := (*endlessError)(nil); errors.As(err, &e) {
		return &symbol.DescriptorError{Origin: origin, Symbol: string(name), Err: e.err}
	}
	return err
}
