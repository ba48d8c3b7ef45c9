package formatters

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/itchyny/gojq"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

// A Filter is a jq program, compiled once
// (https://jqlang.org/manual/, in the dialect of gojq). It is safe for concurrent use.
type Filter struct{ code *gojq.Code }

// A FilterError is a jq program that does not parse, or that failed on a message.
type FilterError struct {
	Program string // what was to be compiled; "" when it failed on a message
	Offset  int    // bytes of the program before the fault
	Err     error
}

func (e *FilterError) Error() string { return "jq: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FilterError) Unwrap() error { return e.Err }

// ParseFilter compiles a jq program. The error is a *FilterError.
func ParseFilter(program string) (*Filter, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		e := &FilterError{Program: program, Err: err}
		var pe *gojq.ParseError
		if errors.As(err, &pe) {
			e.Offset = max(0, pe.Offset-len(pe.Token))
		}
		return nil, e
	}
	definitions := guarded(query)
	boundSteps(query)
	query.FuncDefs = append(definitions, query.FuncDefs...)
	code, err := gojq.Compile(query, append(guardFunctions(), gojq.WithFunction(boundedOperands, 2, 2, checkRepeat),
		gojq.WithFunction(boundedSummands, 2, 2, checkSummands), gojq.WithFunction(boundedIndex, 0, 0, checkIndex))...)
	if err != nil {
		return nil, &FilterError{Program: program, Err: err}
	}
	return &Filter{code}, nil
}

// The bounds of a program while it works on one document.
const (
	// filterMemory is how many bytes it may hold, and filterTimes how many more for each of
	// the document; with its garbage it may have twice as many.
	filterMemory, filterTimes = 64 << 20, 32
	// unwatched is how long a program runs before its memory is looked at, and watchEvery how
	// often that is done from then on; watchLater, after a collection found that most of it was
	// garbage.
	unwatched, watchEvery, watchLater = 20 * time.Millisecond, 2 * time.Millisecond, 50 * time.Millisecond
	// filterGrace is how long one step of it may take after it was cancelled.
	filterGrace = 50 * time.Millisecond
)

var errFilterMemory = fmt.Errorf("the program takes more than %d MiB", filterMemory>>20)

// Each calls f with each result of the filter for a JSON document, from another goroutine,
// while it waits. The values of the document take most bytes at most. The error of f ends it;
// one of the filter's own is a *FilterError, and so is the end of ctx, which it wraps.
func (q *Filter) Each(ctx context.Context, document []byte, most int, f func(result any) error) error {
	input, err := readValues(document, most, ctx.Done())
	switch {
	case err != nil && ctx.Err() != nil:
		return filterEnd(ctx.Err())
	case err != nil:
		return &FilterError{Err: err}
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &filterRun{most: filterMemory + filterTimes*uint64(len(document)), ended: make(chan error, 1)}
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
			return r.leave(filterEnd(ctx.Err()))
		case <-next.C:
			over, later := r.over()
			if over {
				end(errFilterMemory)
				return r.leave(&FilterError{Err: errFilterMemory})
			}
			next.Reset(later)
		}
	}
}

// filterEnd is the error for a program whose time is over.
func filterEnd(err error) error {
	text := "the program was interrupted"
	if errors.Is(err, context.DeadlineExceeded) {
		text = "the program had not ended by the deadline"
	}
	return &FilterError{Err: &wordedError{text, err}}
}

// A wordedError says of an error what it is here.
type wordedError struct {
	text string
	error
}

func (e *wordedError) Error() string { return e.text }
func (e *wordedError) Unwrap() error { return e.error }

// A filterRun is a program at work on one document.
type filterRun struct {
	most, before uint64 // bytes of the heap: that it may take, and that there were
	sample       [1]metrics.Sample
	ended        chan error
	using        sync.Mutex // held while a result is used
	used         bool       // there was a result since the memory was looked at
	suspect      bool       // it held too much just after that result was used
	left         bool       // nobody waits for results any more
}

// results hands on what the program gives.
func (r *filterRun) results(ctx context.Context, results gojq.Iter, f func(result any) error) error {
	for {
		result, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			var halt *gojq.HaltError
			switch {
			case ctx.Err() != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) == errFilterMemory:
				return &FilterError{Err: errFilterMemory}
			case ctx.Err() != nil && errors.Is(err, ctx.Err()):
				return filterEnd(err)
			case errors.As(err, &halt) && halt.Value() == nil:
				return nil
			}
			return &FilterError{Err: err}
		}
		if err := r.use(result, f); err != nil {
			return err
		}
	}
}

func (r *filterRun) use(result any, f func(result any) error) error {
	r.using.Lock()
	defer r.using.Unlock()
	if r.left {
		return context.Canceled
	}
	r.used = true
	return f(result)
}

// leave waits for a program that was cancelled. One step of it, as the comparison of two
// large values, cannot be cut short: it is left to itself.
func (r *filterRun) leave(err error) error {
	select {
	case <-r.ended:
	case <-time.After(filterGrace):
		r.using.Lock()
		r.left = true
		r.using.Unlock()
	}
	return err
}

// over tells whether the program holds too much, and when to look again. What looks like too
// much may be garbage, and what is taken while a result is used is not the program's. Some of
// that may be found in use once more after the result was used.
func (r *filterRun) over() (over bool, later time.Duration) {
	if !r.using.TryLock() {
		return false, watchEvery
	}
	defer r.using.Unlock() // no result is used while it is looked at
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

// heap is how many bytes of the heap are in use, or were since the last collection.
func (r *filterRun) heap() uint64 {
	r.sample[0].Name = "/memory/classes/heap/objects:bytes"
	metrics.Read(r.sample[:])
	return r.sample[0].Value.Uint64()
}

// EachResult is Each of the filter within the options' limits.
func (o *Options) EachResult(document []byte, f func(result any) error) error {
	return o.eachSince(time.Now(), document, f)
}

// filterContext is the context of a program whose time began at some moment.
func (o *Options) filterContext(begun time.Time) (context.Context, context.CancelFunc) {
	ctx := o.FilterContext
	if ctx == nil {
		ctx = context.Background()
	}
	if o.FilterTime > 0 {
		return context.WithDeadline(ctx, begun.Add(o.FilterTime))
	}
	return ctx, func() {}
}

func (o *Options) eachSince(begun time.Time, document []byte, f func(result any) error) error {
	ctx, cancel := o.filterContext(begun)
	defer cancel()
	if len(document) > 2*maxHeld {
		return &FilterError{Err: errProgramInput}
	}
	most := filterHeld - len(document) - len(document)/2 // which it is made from
	if o.FilterBeside {
		most -= heldBeside
	}
	return o.Filter.Each(ctx, document, most, f)
}

const (
	// filterHeld is how many bytes a message, its JSON and the values of that may take together
	// before a program begins to work on them.
	filterHeld = 228 << 20
	// heldBeside is how many of them other calls at the same time may hold.
	heldBeside = 64 << 20
)

// A Program gives Options.Filter messages to work on. It is used by one goroutine at a time.
type Program struct {
	o        *Options
	encoders encoders
	document []byte    // a message as JSON, while the filter is at work on it
	begun    time.Time // when that was taken: what is made of it is in the filter's time
}

// NewProgram returns a Program for messages whose JSON is as the options have it.
func NewProgram(o *Options) *Program { return &Program{o: o, encoders: encoders{o: o}} }

// Read takes the message to work on. Its time begins now.
func (p *Program) Read(m *invoke.Message) (err error) {
	if cap(p.document) > batch.KeepSize {
		p.document = nil
	}
	if len(m.Wire) > maxHeld {
		return errProgramInput
	}
	p.begun = time.Now()
	encoder := p.encoders.of(m)
	if len(m.Wire) < pieceSize { // it takes no time
		p.document, err = encoder.Append(p.document[:0], m.Wire)
		return err
	}
	ctx, cancel := p.o.filterContext(p.begun)
	defer cancel()
	p.document, err = encoder.AppendContext(ctx, p.document[:0], m.Wire)
	if err != nil && err == ctx.Err() {
		return filterEnd(err)
	}
	return err
}

// Each calls f with each result for the message that was read, as Filter.Each does.
func (p *Program) Each(f func(result any) error) error {
	err := p.o.eachSince(p.begun, p.document, f)
	if cap(p.document) > batch.KeepSize {
		p.document = nil
	}
	return err
}
