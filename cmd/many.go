package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"
)

// manyOptions are the flags that make many calls of one.
type manyOptions struct {
	each        bool
	concurrency int
	unordered   bool
	withRequest bool
	keepGoing   bool
	failures    string
	rate        float64
	skip        int
	progress    choice
	targets     targetOptions
	repeat      repeatOptions
}

func (o *manyOptions) add(f *pflag.FlagSet, in *choice) {
	for _, format := range input.ListFormats() {
		in.allowed = append(in.allowed, string(format))
	}
	f.BoolVar(&o.each, "each", false, "a call for each request of the list that -d gives: documents, or CSV or TSV whose columns are field paths; words with {column} make the requests of its rows")
	f.IntVar(&o.concurrency, "concurrency", 1, "calls in flight at most")
	f.BoolVar(&o.unordered, "unordered", false, "print answers as they come, not in the order of the requests")
	f.BoolVar(&o.withRequest, "with-request", false, "print index, request, status and time with each answer; --jq gets all of it")
	f.BoolVar(&o.keepGoing, "keep-going", false, "a failed call does not stop the others")
	f.StringVar(&o.failures, "failures", "", "write the requests that failed to `FILE`, ready for --each, and what was wrong to FILE.status")
	f.Float64Var(&o.rate, "rate", 0, "begin at most so many calls a `SECOND`")
	f.IntVar(&o.skip, "skip", 0, "pass over the first `N` requests of the list")
	o.progress = choice{value: "auto", allowed: []string{"auto", "plain", "none"}}
	f.Var(&o.progress, "progress", "how far many calls are, on stderr; auto: on a terminal")
	o.targets.add(f)
	o.repeat.add(f)
}

// given tells whether there are many calls.
func (o *manyOptions) given() bool { return o.each || o.targets.given() || o.repeat.given() }

// check finds flags that mean nothing together.
func (o *callOptions) checkMany(f *pflag.FlagSet) error {
	m := &o.many
	for _, flag := range []string{"concurrency", "unordered", "with-request", "keep-going", "failures", "rate", "skip"} {
		if f.Changed(flag) && !m.given() {
			hint := "--each, --repeat or --targets make many"
			if flag == "failures" || flag == "skip" {
				hint = "--each makes many, of a list"
			}
			return usage(fmt.Errorf("--%s is for many calls", flag), hint)
		}
	}
	if err := m.targets.checkAlone(f); err != nil {
		return err
	}
	if f.Changed("repeat") && m.repeat.times < 1 {
		return usage(fmt.Errorf("--repeat %d: from 1 on", m.repeat.times), "")
	}
	if format := input.Format(o.in.value); !m.each && (format == input.FormatNDJSON || format == input.FormatCSV || format == input.FormatTSV) {
		return usage(fmt.Errorf("--in %s is for lists", format), "--each makes a call for each of its lines")
	}
	if !m.given() {
		return nil
	}
	kinds := 0
	for _, is := range []bool{m.each, m.targets.given(), m.repeat.given()} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return usage(errors.New("--each, --targets and --repeat do not go together"), "")
	case m.concurrency < 1 || m.concurrency > 10_000:
		return usage(fmt.Errorf("--concurrency %d: from 1 to 10000", m.concurrency), "")
	case m.rate < 0 || math.IsNaN(m.rate) || f.Changed("rate") && m.rate == 0:
		return usage(errors.New("--rate is more than 0 calls a second"), "")
	case m.skip < 0 || m.skip > 0 && !m.each:
		return usage(errors.New("--skip passes over requests of --each, 0 or more"), "")
	case m.failures != "" && !m.each:
		return usage(errors.New("--failures keeps requests of --each"), "")
	case o.dryRun && !m.repeat.given():
		return usage(errors.New("--dry-run shows one call"), "convert --stream shows what a list becomes")
	case o.edit, o.await.given():
		return usage(errors.New("--edit and --await are for one call"), "")
	}
	return m.targets.check(f, m)
}

// A manyCalls is a run of many calls as the command line has it.
type manyCalls struct {
	app    *app
	o      *callOptions
	format formatters.Format
	call   *invoke.Call

	flags    *pflag.FlagSet
	list     fanout.List
	size     int64        // bytes of the list; 0: not known
	taken    atomic.Int64 // bytes of it that were read
	out      *output
	answers  io.Writer                   // where the answers go
	extra    func(*labelled) invoke.Sink // also gets all answers; may be nil
	makeSink func() fanout.Sink
	refusals *labelled // prints requests that are no messages; nil: they are not printed
	failures *failures // nil: they are not kept
	run      fanout.Run
	progress *progress
	told     int // failures told
	finish   func(*fanout.Result) error
	closers  []func()    // at the end of the run
	job      invoke.Sink // takes all events instead of what prints them; nil: there is no job
}

// maxTold is how many failures are told one by one.
const maxTold = 10

// callMany makes many calls of one.
func (a *app) callMany(ctx context.Context, f *pflag.FlagSet, o *callOptions, format formatters.Format, md invoke.Metadata) error {
	m := &manyCalls{app: a, o: o, flags: f, format: format, call: &invoke.Call{Metadata: md, Timeout: durationOf(o.timeout)}}
	var err error
	switch {
	case o.many.each:
		err = m.each(ctx)
	case o.many.targets.given():
		err = m.targets(ctx)
	default:
		err = m.repeat(ctx)
	}
	if err != nil {
		m.close()
	}
	return err
}

// prepare finds the method, which must be one whose client does not stream.
func (m *manyCalls) prepare(ctx context.Context) (err error) {
	if m.o.kind.value != "" {
		m.call.Method, err = schemalessMethod(m.o.method, m.o.kind.value)
	} else {
		m.call.Method, m.call.Types, err = m.app.findMethod(ctx, m.o.method, m.call.Timeout)
	}
	if err != nil {
		return m.app.unplanned(err, m.format, m.o, m.call.Metadata)
	}
	return m.check()
}

// check refuses a method that many calls cannot be made of.
func (m *manyCalls) check() error {
	m.app.types = m.call.Types
	if m.call.Method.IsStreamingClient() {
		return usage(fmt.Errorf("many calls are for methods whose client does not stream; %s is %s",
			invoke.MethodName(m.call.Method), invoke.StreamKind(m.call.Method)), "without --each it takes the whole list in one call")
	}
	return m.app.globals.wire.checkGet(m.call)
}

// inputOptions say how requests are read.
func (m *manyCalls) inputOptions() input.Options {
	return input.Options{
		Message: m.call.Method.Input(), Types: m.call.Types, Format: input.Format(cmp.Or(m.o.in.value, m.o.format.value)),
		AllowUnknown: m.o.allowUnknown, MaxSize: int64(m.o.maxSend), Stdin: m.app.env.Stdin, Now: m.app.env.Now,
	}
}

// labelled is a sink of its own for each call under way, which says which call it is.
type labelled struct {
	invoke.Sink
	label     formatters.Label
	formatter formatters.Formatter
	exchange  *formatters.Exchange // the formatter, when it is one; else nil
}

// Begin tells which call comes now.
func (l *labelled) Begin(index int, r *fanout.Request) {
	l.label.Call, l.label.Target = index, r.Target
}

// open makes what prints the answers.
func (m *manyCalls) open() error {
	a, o := m.app, m.o
	w, options, file, err := a.openWriter(&o.output, m.call.Types)
	if err != nil {
		return err
	}
	m.out = &output{file: file}
	if m.answers = w; file == nil && a.env.StdoutTTY {
		m.answers = besideMany{m, w}
	}
	k := sinkKind{m: m, options: options, single: true}
	switch targets := o.many.targets.given(); {
	case targets && m.format == formatters.Table:
		k.silent = true // they are compared at the end
	case m.format == formatters.Events:
		k.single = false
	case o.many.withRequest, targets:
		k.single, k.exchange = false, true
	}
	first, err := k.make()
	if err != nil {
		return errors.Join(terminalError(err), file.abandon())
	}
	m.out.Formatter = first.formatter
	if k.exchange {
		m.refusals = first
	}
	m.run.Everything = !k.single || a.globals.verbose > 0
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

// tee makes the sink of calls from their formatter and what else looks at them.
func (m *manyCalls) tee(l *labelled, single bool) fanout.Sink {
	tee := invoke.Tee{goingOn(l.formatter, l.formatter)}
	if single {
		tee[0] = answersOnly{l.formatter}
		l = &labelled{}
	}
	if m.extra != nil {
		tee = append(tee, m.extra(l))
	}
	if m.app.globals.verbose > 0 {
		tee = append(tee, formatters.Verbose(besideMany{m, m.app.env.Stderr}, m.app.globals.verbose, formatters.Options{
			Types: m.call.Types, Color: m.app.colour(m.app.env.StderrTTY), SecretHeaders: m.app.globals.headers.secret,
		}))
	}
	l.Sink = tee
	return l
}

// besideMany writes to the terminal that the progress is on, once there is one.
type besideMany struct {
	m *manyCalls
	w io.Writer
}

// Write writes where the progress was.
func (b besideMany) Write(p []byte) (int, error) { return b.m.progress.beside(b.w).Write(p) }

// A sinkKind is how answers are printed.
type sinkKind struct {
	m        *manyCalls
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
		l.exchange, err = formatters.NewExchange(k.m.format, k.m.answers, k.m.o.many.withRequest, options)
		if l.formatter = l.exchange; err != nil {
			err = usage(err, "-o json and -o ndjson do")
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

// answersOnly keeps from a formatter the beginnings and ends of calls, of which it would
// make the end of what it prints.
type answersOnly struct{ invoke.Sink }

// Event hands on answers.
func (s answersOnly) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	return s.Sink.Event(e)
}

// start makes the calls, shows how far it is, and returns what end makes of how it went;
// or it leaves all that to a job.
func (m *manyCalls) start(ctx context.Context, invoker *invoke.Invoker, end func(context.Context, *fanout.Summary, error) error) error {
	a := m.app
	again := func() (*output, error) { return a.openOutput(m.format, &m.o.output, m.call.Types) }
	return a.driveMany(ctx, string(m.call.Method.Name()), again, func(ctx context.Context, job invoke.Sink) error {
		defer m.close()
		if m.job = job; job != nil {
			m.run.Everything, m.progress = true, nil
		}
		sum, err := m.do(ctx, invoker)
		return end(ctx, sum, err)
	})
}

// close lets go of what the run had open.
func (m *manyCalls) close() {
	m.progress.stop()
	for _, c := range m.closers {
		c()
	}
	m.closers = nil
}

// do makes the calls.
func (m *manyCalls) do(ctx context.Context, invoker *invoke.Invoker) (*fanout.Summary, error) {
	a, o := m.app, &m.o.many
	m.run.Invoker, m.run.Call, m.run.List = invoker, *m.call, m.list
	m.run.First, m.run.Concurrency, m.run.Unordered = o.skip, o.concurrency, o.unordered
	m.run.KeepGoing, m.run.Rate = o.keepGoing, o.rate
	m.run.Sinks, m.run.Done, m.run.Spares = m.makeSink, m.dealt, spares
	if m.job == nil {
		collectGarbage(gcMany)
		m.watch()
		a.env.InCall.Store(true)
		defer a.env.InCall.Store(false)
	}
	sum, err := m.run.Do(ctx)
	m.progress.stop()
	return sum, err
}

// watch begins to show how far the run is.
func (m *manyCalls) watch() {
	counts := &m.run.Counts
	m.progress = m.app.startProgress(m.o.many.progress.value, func(elapsed time.Duration) string {
		answered, failed := counts.Answered.Load(), counts.Failed.Load()
		return fmt.Sprintf("%d done, %d failed, %s", answered+failed, failed, perSecond(answered+failed, elapsed))
	}, func() (int64, int64) { return m.taken.Load(), m.size })
}

// spares tells of an error in printing an answer that it is about that answer alone.
func spares(err error) bool {
	var filter *formatters.FilterError
	return errors.As(err, &filter) && filter.Program == "" || errors.As(err, new(*transcode.WireError))
}

// dealt takes the result of a request.
func (m *manyCalls) dealt(r *fanout.Result) error {
	if r.Err == nil {
		if m.finish != nil {
			return m.finish(r)
		}
		return nil
	}
	if r.Request.Err != nil && m.refusals != nil {
		m.refusals.Begin(r.Index, r.Request)
		if err := m.refusals.exchange.Refused(r.Request.Text, r.Request.Err, m.app.env.Now()); err != nil {
			return err
		}
	}
	if m.o.many.keepGoing && !r.Stopped {
		if m.told++; m.told <= maxTold {
			m.tell(at(m.name(r.Index, r.Request.Target), firstLine(m.app.explain(r.Err))))
		} else if m.told == maxTold+1 {
			m.tell("further failures are not told here; --failures FILE keeps them")
		}
	}
	if m.failures != nil {
		if err := m.failures.add(r); err != nil {
			return err
		}
	}
	if m.finish != nil {
		return m.finish(r)
	}
	return nil
}

// tell tells something on standard error while the calls go on.
func (m *manyCalls) tell(text string) {
	fmt.Fprintf(m.progress.beside(m.app.env.Stderr), "rpcctl: %s\n", text)
}

// name is what a person calls a request.
func (m *manyCalls) name(index int, target string) string {
	if target != "" {
		return formatters.Clean(target, false)
	}
	return fmt.Sprintf("request %d", index)
}

// verdict is the error of a run, which says at which request and what became of the rest.
func (m *manyCalls) verdict(ctx context.Context, sum *fanout.Summary) error {
	e := &manyError{index: sum.FirstIndex, sum: *sum, keepGoing: m.o.many.keepGoing, name: m.name(sum.FirstIndex, m.target(sum.FirstIndex)), list: m.o.many.each}
	switch {
	case sum.First != nil:
		e.Err = sum.First
	case sum.ListErr != nil:
		e.Err, e.name = sum.ListErr, ""
	case ctx.Err() != nil:
		e.name = ""
		e.Err = (&invoke.Status{Code: codes.Canceled, Message: "interrupted", Origin: invoke.OriginClient, Cause: ctx.Err()}).Err()
	default:
		return nil
	}
	e.interrupted = ctx.Err() != nil
	return e
}

// target is where the request of an index goes, when that makes a difference.
func (m *manyCalls) target(index int) string {
	if l, ok := m.list.(*targetList); ok {
		return l.targets[index].name
	}
	return ""
}

// A manyError is a run of many calls in which not all went well.
type manyError struct {
	Err         error // the first failure
	name        string
	index       int
	sum         fanout.Summary
	keepGoing   bool
	interrupted bool
	list        bool
}

func (e *manyError) Error() string {
	if e.name == "" {
		return e.Err.Error()
	}
	return e.say(e.Err.Error())
}

// Unwrap returns the first failure.
func (e *manyError) Unwrap() error { return e.Err }

// say tells a failure with the request that it is of.
func (e *manyError) say(text string) string {
	if e.name == "" {
		return text
	}
	text = at(e.name, text)
	switch all := e.sum.Failed + e.sum.Answered + e.sum.Stopped; {
	case !e.keepGoing || all == 1:
		return text
	case e.sum.Failed == 1:
		return fmt.Sprintf("1 of %d calls failed: %s", all, text)
	default:
		return fmt.Sprintf("%d of %d calls failed, the first at %s", e.sum.Failed, all, text)
	}
}

// at puts the name of a request or a target before a text, unless the text begins with it.
func at(name, text string) string {
	if strings.HasPrefix(text, name+": ") {
		return text
	}
	return name + ": " + text
}

// hint says what became of the other requests.
func (e *manyError) hint() string {
	s := &e.sum
	if e.keepGoing && s.Complete && s.Stopped == 0 {
		return ""
	}
	text := fmt.Sprintf("%d answered, %d failed", s.Answered, s.Failed)
	if s.Stopped > 0 {
		text += fmt.Sprintf(", %d cancelled in flight (done or not, nobody knows)", s.Stopped)
	}
	switch {
	case s.Complete:
	case s.Next == 0:
		return ""
	case !e.list:
		text += ", the rest not made"
	default:
		text += fmt.Sprintf("; nothing was sent from request %d on: --skip %d goes on there", s.Next, s.Next)
	}
	return text
}

// closeOutput ends the output after a run that ended in err.
func (m *manyCalls) closeOutput(err error) error {
	err = m.out.close(err)
	if m.failures != nil {
		if ferr := m.failures.close(); !errors.Is(err, ferr) {
			err = errors.Join(err, ferr)
		}
	}
	return err
}

// outcome joins how the run ended with what the output said.
func (m *manyCalls) outcome(ctx context.Context, sum *fanout.Summary, err error) error {
	if err != nil {
		return errors.Join(err, m.closeOutput(err))
	}
	return m.closeOutput(m.verdict(ctx, sum))
}
