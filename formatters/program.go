package formatters

import (
	"context"
	"time"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jq"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/invoke"
)

// EachResult calls f with each result of Filter for a JSON document, within the limits of the
// options.
func (o *Options) EachResult(document []byte, f func(result any) error) error {
	return o.eachSince(time.Now(), document, f)
}

// filterContext returns the context of a program whose time began at a moment.
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

// eachSince is EachResult for a program whose time began at a moment.
func (o *Options) eachSince(begun time.Time, document []byte, f func(result any) error) error {
	ctx, cancel := o.filterContext(begun)
	defer cancel()
	if len(document) > 2*memory.MaxHeld {
		return &jq.Error{Err: jq.ErrInput}
	}
	most := filterHeld - len(document) - len(document)/2 // the document, and the message that it was made of
	if o.FilterBeside {
		most -= heldBeside
	}
	return o.Filter.Each(ctx, document, most, f)
}

const (
	// filterHeld is how many bytes a message, its JSON and the values of that may take together
	// before a program begins to work on them.
	filterHeld = 228 << 20
	// heldBeside is how many of these bytes belong to calls at the same time, if there are any.
	heldBeside = 64 << 20
)

// A Program runs Options.Filter on messages. It is used by one goroutine at a time.
type Program struct {
	o        *Options
	encoders encoders
	document []byte    // a message as JSON, while the filter is at work on it
	begun    time.Time // when the message was read, which is where the filter's time begins
}

// NewProgram returns a Program that works on the JSON that the options ask for.
func NewProgram(o *Options) *Program { return &Program{o: o, encoders: encoders{o: o}} }

// Read reads the message to work on. The filter's time for it begins now.
func (p *Program) Read(m *invoke.Message) (err error) {
	if cap(p.document) > batch.KeepSize {
		p.document = nil
	}
	if len(m.Wire) > memory.MaxHeld {
		return jq.ErrInput
	}
	p.begun = time.Now()
	encoder := p.encoders.of(m)
	if len(m.Wire) < memory.PieceSize { // that takes no time worth bounding
		p.document, err = encoder.Append(p.document[:0], m.Wire)
		return err
	}
	ctx, cancel := p.o.filterContext(p.begun)
	defer cancel()
	p.document, err = encoder.AppendContext(ctx, p.document[:0], m.Wire)
	if err != nil && err == ctx.Err() {
		return jq.Interrupted(err)
	}
	return err
}

// Each calls f with each result for the message that was read last, as EachResult does.
func (p *Program) Each(f func(result any) error) error {
	err := p.o.eachSince(p.begun, p.document, f)
	if cap(p.document) > batch.KeepSize {
		p.document = nil
	}
	return err
}
