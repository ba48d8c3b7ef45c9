package jq

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/itchyny/gojq"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// The bounds of a program while it works on one document.
const (
	// maxMemory is how many bytes a program may hold, and memoryPerByte how many more for each
	// byte of the document. Garbage included, it may have twice as many.
	maxMemory, memoryPerByte = 64 << 20, 32
	// unwatched is how long a program runs before its memory is measured, and watchEvery how
	// often it is measured from then on; watchLater, after a collection found that most of the
	// memory was garbage.
	unwatched, watchEvery, watchLater = 20 * time.Millisecond, 2 * time.Millisecond, 50 * time.Millisecond
	// grace is how long one step of a program may take after the program was cancelled.
	grace = 50 * time.Millisecond
)

var errMemory = fmt.Errorf("the program takes more than %d MiB", maxMemory>>20)

// Each calls f with each result of the filter for a JSON document, from another goroutine, and
// waits for the end. most bounds what the values of the document may take, in bytes. An error of f
// ends the program and is returned; an error of the program is an *Error, as is the end of ctx,
// which the error wraps.
func (q *Filter) Each(ctx context.Context, document []byte, most int, f func(result any) error) error {
	input, err := readValues(document, most, ctx.Done())
	switch {
	case err != nil && ctx.Err() != nil:
		return Interrupted(ctx.Err())
	case err != nil:
		return &Error{Err: err}
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &run{most: maxMemory + memoryPerByte*uint64(len(document)), ended: make(chan error, 1)}
	r.before = r.heap()
	go func() {
		defer fault.Exit()
		r.ended <- r.results(running, q.code.RunWithContext(running, input, maxRepeat+8*len(document)), f)
	}()
	next := time.NewTimer(unwatched)
	defer next.Stop()
	for {
		select {
		case err := <-r.ended:
			return err
		case <-ctx.Done():
			return r.abandon(Interrupted(ctx.Err()))
		case <-next.C:
			over, later := r.over()
			if over {
				end(errMemory)
				return r.abandon(&Error{Err: errMemory})
			}
			next.Reset(later)
		}
	}
}

// Interrupted returns the error for a program whose context ended, in err.
func Interrupted(err error) error {
	text := "the program was interrupted"
	if errors.Is(err, context.DeadlineExceeded) {
		text = "the program had not ended by the deadline"
	}
	return &Error{Err: &wordedError{text, err}}
}

// A wordedError is an error with a text of its own.
type wordedError struct {
	text string
	error
}

func (e *wordedError) Error() string { return e.text }
func (e *wordedError) Unwrap() error { return e.error }

// A run is a program at work on one document.
type run struct {
	most, before uint64 // bytes of the heap: what the program may take, and what was in use before
	sample       [1]metrics.Sample
	ended        chan error
	using        sync.Mutex // held while a result is used
	used         bool       // a result was used since the memory was last measured
	suspect      bool       // too much was held just after that result was used
	abandoned    bool       // nobody waits for results any more
}

// results calls f with each result of the program.
func (r *run) results(ctx context.Context, results gojq.Iter, f func(result any) error) error {
	for {
		result, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			return failure(ctx, err)
		}
		if err := r.use(result, f); err != nil {
			return err
		}
	}
}

// failure returns the error for a program that ended in err; halt is none.
func failure(ctx context.Context, err error) error {
	var halt *gojq.HaltError
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) == errMemory:
		return &Error{Err: errMemory}
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return Interrupted(err)
	case errors.As(err, &halt) && halt.Value() == nil:
		return nil
	}
	return &Error{Err: err}
}

// use calls f with a result, unless the program was abandoned.
func (r *run) use(result any, f func(result any) error) error {
	r.using.Lock()
	defer r.using.Unlock()
	if r.abandoned {
		return context.Canceled
	}
	r.used = true
	return f(result)
}

// abandon waits a moment for a program that was cancelled. A step such as the comparison of two
// large values cannot be interrupted; then the program ends by itself, and has no more results.
func (r *run) abandon(err error) error {
	select {
	case <-r.ended:
	case <-time.After(grace):
		r.using.Lock()
		r.abandoned = true
		r.using.Unlock()
	}
	return err
}

// over reports whether the program holds too much memory, and when to measure again. Beyond
// the bound it collects garbage and measures once more. If a result was used meanwhile, some
// of its memory may still be in use; then the program is only over the bound if the next
// measurement finds the same.
func (r *run) over() (over bool, later time.Duration) {
	if !r.using.TryLock() {
		return false, watchEvery
	}
	defer r.using.Unlock() // no result is used meanwhile
	used := r.used
	r.used = false
	switch heap := r.heap(); {
	case heap <= r.before+r.most:
		r.suspect = false
		return false, watchEvery
	case heap > r.before+2*r.most && !used && !r.suspect:
		return true, 0
	}
	runtime.GC()
	over = r.heap() > r.before+r.most
	if over && used && !r.suspect {
		r.suspect = true
		return false, watchEvery
	}
	return over, watchLater
}

// heap returns how many bytes the objects on the heap take, including garbage that is not
// collected yet.
func (r *run) heap() uint64 {
	r.sample[0].Name = "/memory/classes/heap/objects:bytes"
	metrics.Read(r.sample[:])
	return r.sample[0].Value.Uint64()
}
