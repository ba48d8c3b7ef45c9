package many

import (
	"context"
	"errors"
	"io"

	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
)

// labelled is a sink of its own for each call under way, which says which call it is.
type labelled struct {
	invoke.Sink
	label     formatters.Label
	formatter formatters.Formatter
	exchange  *formatters.Exchange // the formatter, when it is one; else nil
}

// Begin names the call whose events come next.
func (l *labelled) Begin(index int, r *fanout.Request) {
	l.label.Call, l.label.Target = index, r.Target
}

// open makes what prints the answers.
func (m *calls) open(ctx context.Context) error {
	a, o := m.app, m.o
	w, options, file, err := o.Output.Writer(ctx, m.printing())
	if err != nil {
		return err
	}
	options.FilterBeside = m.beside()
	m.out = output.New(file)
	if m.answers = w; file == nil && a.Env.StdoutTTY {
		m.answers = besideMany{m, w}
	}
	k := sinkKind{m: m, options: options, single: true}
	switch targets := m.many.targets.isSet(); {
	case targets && m.format == formatters.Table:
		k.silent = true // they are compared at the end
	case m.format == formatters.Events:
		k.single = false
	case m.many.withRequest, targets:
		k.single, k.exchange = false, true
	}
	first, err := k.make()
	if err != nil {
		return errors.Join(output.TerminalError(err), file.Abandon())
	}
	m.out.Formatter = first.formatter
	if k.exchange {
		m.refusals = first
	}
	m.run.Everything = !k.single || a.Globals.Verbose > 0
	m.makeSink = func() fanout.Sink {
		if m.job != nil {
			l := &labelled{Sink: m.job}
			if m.extra != nil {
				l.Sink = invoke.Tee{m.job, m.extra(l)}
			}
			return l
		}
		l := first
		if !k.single {
			l, _ = k.make() // it worked before
		}
		return m.tee(l, k.single)
	}
	return nil
}

// tee makes the sink of calls from their formatter and the other sinks.
func (m *calls) tee(l *labelled, single bool) fanout.Sink {
	tee := invoke.Tee{call.Tolerant(l.formatter, l.formatter)}
	if single {
		tee[0] = answersOnly{l.formatter}
		l = &labelled{}
	}
	if m.extra != nil {
		tee = append(tee, m.extra(l))
	}
	if m.app.Globals.Verbose > 0 {
		tee = append(tee, formatters.Verbose(besideMany{m, m.app.Env.Stderr}, m.app.Globals.Verbose, formatters.Options{
			Types: m.call.Types, Color: m.app.Colored(
				m.app.Env.StderrTTY), SecretHeaders: m.app.Globals.Hidden, Seen: m.app.Env.Secrets,
		}))
	}
	l.Sink = tee
	return l
}

// besideMany writes to the terminal that shows the progress, if any does.
type besideMany struct {
	m *calls
	w io.Writer
}

// Write hides the progress and writes in its place.
func (b besideMany) Write(p []byte) (int, error) { return b.m.progress.Beside(b.w).Write(p) }

// A sinkKind is how answers are printed.
type sinkKind struct {
	m        *calls
	options  formatters.Options
	single   bool // one formatter for all calls
	exchange bool // each with its index, status and time
	silent   bool // not at all
}

// make makes a formatter.
func (k *sinkKind) make() (*labelled, error) {
	l := &labelled{}
	options := k.options
	if !k.single {
		options.Label = &l.label
	}
	var err error
	switch {
	case k.silent:
		l.formatter = silent{}
	case k.exchange:
		l.exchange, err = formatters.NewExchange(k.m.format, k.m.answers, k.m.many.withRequest, options)
		if l.formatter = l.exchange; err != nil {
			err = problem.Usage(err, "-o json and -o ndjson do")
		}
	default:
		l.formatter, err = formatters.New(k.m.format, k.m.answers, options)
	}
	return l, err
}

// silent is a formatter that prints nothing.
type silent struct{}

func (silent) Event(*invoke.Event) error { return nil }
func (silent) Flush() error              { return nil }

// answersOnly hides the beginnings and ends of calls from a formatter, which would end its
// output there.
type answersOnly struct{ invoke.Sink }

// Event hands on answers.
func (s answersOnly) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	return s.Sink.Event(e)
}
