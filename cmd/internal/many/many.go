// Package many makes many calls of one command line: one for each request of a list, one to each of
// several targets, or the same again and again.
package many

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/progress"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
)

// A calls is a run of many calls as a command line asks for it.
type calls struct {
	app     *app.App
	o       *call.Options
	many    *Options
	format  formatters.Format
	call    *invoke.Call
	session *session.Session // that has the schema

	flags    *pflag.FlagSet
	list     fanout.List
	size     int64        // bytes of the list; 0: not known
	taken    atomic.Int64 // bytes of it that were read
	out      *output.Output
	answers  io.Writer                   // where the answers go
	extra    func(*labelled) invoke.Sink // also gets all answers; may be nil
	makeSink func() fanout.Sink
	refusals *labelled // prints requests that are no messages; nil: they are not printed
	failures *failures // nil: they are not kept
	run      fanout.Run
	progress *progress.Bar
	told     int // failures told
	atOnce   int // calls that share the limit of a message; 0: none do
	finish   func(*fanout.Result) error
	closers  []func()    // at the end of the run
	job      invoke.Sink // takes all events instead of the printer; nil: the run is no job
}

// maxTold is how many failures are printed one by one.
const maxTold = 10

// Run makes many calls of one.
func Run(
	ctx context.Context, a *app.App, f *pflag.FlagSet, o *call.Options, many *Options, format formatters.Format,
	md invoke.Metadata,
) error {
	m := &calls{
		app: a, session: a.Session, o: o, many: many, flags: f, format: format,
		call: &invoke.Call{Metadata: md, Timeout: o.Timeout.Duration()},
	}
	err := m.askSchema(ctx)
	switch {
	case err != nil:
	case m.many.each:
		err = m.each(ctx)
	case m.many.targets.isSet():
		err = m.targets(ctx)
	default:
		err = m.repeat(ctx)
	}
	if err != nil {
		m.close()
	}
	return err
}

// askSchema makes the session ask the server for its schema even if the schema is remembered:
// an outdated schema must not make the first of many requests fail.
func (m *calls) askSchema(ctx context.Context) error {
	if m.o.Kind.Value != "" || m.many.targets.isSet() {
		return nil
	}
	ready, cancel := app.Limited(ctx, m.call.Timeout)
	defer cancel()
	if _, err := m.app.AskedSource(ready); err != nil {
		return call.New(m.app, m.o, m.format, m.call.Metadata).Unplanned(ctx, problem.Overdue(err))
	}
	return nil
}

// programTime is the limit of a jq program for an answer: that of the calls, 0 for none.
func (m *calls) programTime() time.Duration {
	limit, length := m.call.Timeout, m.many.repeat.length.Duration()
	if limit == 0 || length > 0 && length < limit {
		return length
	}
	return limit
}

// printing says how responses are printed.
func (m *calls) printing() output.Printing {
	return output.Printing{
		Env: m.app.Env, Globals: m.app.Globals, Format: m.format, Types: m.call.Types,
		Limit: m.programTime(),
	}
}

// prepare finds the method, which must be one whose client does not stream.
func (m *calls) prepare(ctx context.Context) (err error) {
	if m.o.Kind.Value != "" {
		m.call.Method, err = call.Schemaless(m.o.Method, m.o.Kind.Value)
	} else {
		m.call.Method, m.call.Types, err = call.FindMethod(ctx, m.app.Session, m.o.Method, m.call.Timeout)
	}
	if err != nil {
		return call.New(m.app, m.o, m.format, m.call.Metadata).Unplanned(ctx, problem.Overdue(err))
	}
	return m.check()
}

// check refuses a method of which many calls cannot be made.
func (m *calls) check() error {
	m.app.Types = m.call.Types
	if m.call.Method.IsStreamingClient() {
		return problem.Usage(fmt.Errorf("many calls are for methods whose client does not stream; %s is %s",
			invoke.MethodName(m.call.Method), invoke.StreamKind(
				m.call.Method)), "without --each it takes the whole list in one call")
	}
	return m.app.Globals.CheckGet(m.call)
}

// start makes the calls, shows progress, and returns what end makes of the outcome. A run that
// is a job does all of that later.
func (m *calls) start(
	ctx context.Context, invoker *invoke.Invoker, end func(context.Context, *fanout.Summary, error) error,
) error {
	a := m.app
	later := context.WithoutCancel(ctx) // a job prints when the statement has ended, too
	again := func(e *env.Env) (*output.Output, error) { return m.o.Output.Open(later, m.printing().On(e)) }
	return a.Runner.RunMany(ctx, a, app.Calls{
		Name: string(m.call.Method.Name()), Session: m.session, Again: again,
		Do: func(ctx context.Context, job invoke.Sink) error {
			defer m.close()
			if m.job = job; job != nil {
				m.run.Everything, m.progress = true, nil
			}
			sum, err := m.do(ctx, invoker)
			return end(ctx, sum, err)
		},
	})
}

// close closes what the run has open.
func (m *calls) close() {
	m.progress.Stop()
	for _, c := range m.closers {
		c()
	}
	m.closers = nil
}

const (
	// sharedRecv is how much calls at the same time may receive together, in bytes. It is a
	// little more than for one call alone, because only one response is printed at a time.
	sharedRecv = 80 << 20
	// mostShared is how much each of them may receive, in bytes: while one great message is
	// printed another may arrive.
	mostShared = 32 << 20
)

// share is the greatest message that each of the calls may receive, in bytes: they share
// sharedRecv, so that all of them together take no more memory than one. It is 0, for the
// transport's own limit, when one call goes on at a time or the user has set a limit.
func (m *calls) share(ctx context.Context) int {
	if m.app.Globals.MaxRecv != 0 || m.many.concurrency < 2 {
		return 0
	}
	if m.atOnce = m.callsAtOnce(ctx); m.atOnce < 2 {
		return 0
	}
	return min(max(sharedRecv/m.atOnce, memory.LeastMessage), mostShared)
}

// beside reports whether an answer may be processed while others are received.
func (m *calls) beside() bool { return m.many.concurrency > 1 }

// callsAtOnce is how many calls go on at the same time at most, as far as that is known.
func (m *calls) callsAtOnce(ctx context.Context) int {
	all, known := 0, false
	switch l := m.list.(type) {
	case *targetList:
		all, known = len(l.targets), true
	case *sameRequest:
		all, known = l.times, l.times > 0
	case *inputList:
		if m.size > 0 { // a file, or on the command line: the next request does not wait for an answer
			ahead := readAhead(ctx, l, m.many.skip+m.many.concurrency)
			m.list = ahead
			all, known = len(ahead.read)-m.many.skip, ahead.err != nil
		}
	}
	if !known {
		return m.many.concurrency
	}
	return min(m.many.concurrency, all)
}

// aheadBytes is how much of a list is read ahead, in bytes.
const aheadBytes = 64 << 10

// An aheadList is a list of which the first requests are read before they are asked for.
type aheadList struct {
	fanout.List
	read []fanout.Request
	err  error // behind them; nil: the list goes on
}

// readAhead reads so many requests of a list ahead, or fewer when they are long.
func readAhead(ctx context.Context, list fanout.List, n int) *aheadList {
	a := &aheadList{List: list}
	for size := 0; len(a.read) < n && size < aheadBytes && a.err == nil; {
		var r fanout.Request
		if a.err = list.Next(ctx, &r); a.err == nil {
			a.read = append(a.read, r)
			size += len(r.Text) + len(r.Wire)
		}
	}
	return a
}

// Next returns the next request.
func (a *aheadList) Next(ctx context.Context, r *fanout.Request) error {
	switch {
	case len(a.read) > 0:
		*r, a.read = a.read[0], a.read[1:]
		return ctx.Err()
	case a.err != nil:
		return a.err
	default:
		return a.List.Next(ctx, r)
	}
}

// do makes the calls.
func (m *calls) do(ctx context.Context, invoker *invoke.Invoker) (*fanout.Summary, error) {
	a, o := m.app, m.many
	recv := m.share(ctx)
	m.run.Invoker, m.run.Call, m.run.List = invoker, *m.call, m.list
	m.run.First, m.run.Concurrency, m.run.Unordered = o.skip, o.concurrency, o.unordered
	m.run.KeepGoing, m.run.Rate = o.keepGoing, o.rate
	m.run.Call.MaxRecv = recv
	m.run.Sinks, m.run.Done, m.run.AboutOneCall = m.makeSink, m.handle, aboutOneCall
	if m.job == nil {
		memory.Collect(memory.Many)
		m.watch()
		a.Env.InCall.Store(true)
		defer a.Env.InCall.Store(false)
	}
	sum, err := m.run.Do(ctx)
	m.progress.Stop()
	return sum, err
}

// watch begins to show how far the run is.
func (m *calls) watch() {
	counts := &m.run.Counts
	m.progress = progress.Start(m.app.Env, m.many.progress.Value, func(elapsed time.Duration) string {
		answered, failed := counts.Answered.Load(), counts.Failed.Load()
		return fmt.Sprintf("%d done, %d failed, %s", answered+failed, failed,
			progress.PerSecond(answered+failed, elapsed))
	}, func() (int64, int64) { return m.taken.Load(), m.size })
}

// aboutOneCall reports whether an error in printing a response is about that response alone.
func aboutOneCall(err error) bool {
	var filter *formatters.FilterError
	return errors.As(err, &filter) && filter.Program == "" ||
		errors.As(err, new(*transcode.WireError)) || errors.As(err, new(*formatters.BulkError))
}

// handle takes the result of a request.
func (m *calls) handle(r *fanout.Result) error {
	if r.Err == nil {
		if m.finish != nil {
			return m.finish(r)
		}
		return nil
	}
	if r.Request.Err != nil && m.refusals != nil {
		m.refusals.Begin(r.Index, r.Request)
		if err := m.refusals.exchange.Refused(r.Request.Text, r.Request.Err, m.app.Env.Now()); err != nil {
			return err
		}
	}
	if m.many.keepGoing && !r.Stopped {
		if m.told++; m.told <= maxTold {
			m.tell(named(m.name(r.Index, r.Request.Target), human.FirstLine(m.app.Reporter().Explain(r.Err))))
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

// tell prints a text on standard error while the calls go on.
func (m *calls) tell(text string) {
	fmt.Fprintf(m.progress.Beside(m.app.Env.Stderr), "rpcctl: %s\n", text)
}

// name is what a person calls a request.
func (m *calls) name(index int, target string) string {
	if target != "" {
		return formatters.CleanLine(target)
	}
	return fmt.Sprintf("request %d", index)
}

// verdict returns the error of a run: at which request it came, and how the others ended.
func (m *calls) verdict(ctx context.Context, sum *fanout.Summary) error {
	e := &manyError{
		index: sum.FirstIndex, sum: *sum, keepGoing: m.many.keepGoing,
		name: m.name(sum.FirstIndex, m.target(sum.FirstIndex)), list: m.many.each,
	}
	switch {
	case sum.First != nil:
		e.Err = sum.First
		if m.atOnce > 1 {
			e.Err = problem.SharedLimit(e.Err, m.atOnce, min(sharedRecv, m.atOnce*mostShared))
		}
	case sum.ListErr != nil:
		e.Err, e.name = sum.ListErr, ""
	case ctx.Err() != nil:
		e.name = ""
		e.Err = (&invoke.Status{
			Code: codes.Canceled, Message: "interrupted", Origin: invoke.OriginClient,
			Cause: ctx.Err(),
		}).Err()
	default:
		return nil
	}
	e.interrupted = ctx.Err() != nil
	return e
}

// target is where the request of an index goes, when that makes a difference.
func (m *calls) target(index int) string {
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
	return e.Frame(e.Err.Error())
}

// Unwrap returns the first failure.
func (e *manyError) Unwrap() error { return e.Err }

// Frame adds to the text of a failure the request that failed, and how many did.
func (e *manyError) Frame(text string) string {
	if e.name == "" {
		return text
	}
	text = named(e.name, text)
	switch all := e.sum.Failed + e.sum.Answered + e.sum.Stopped; {
	case !e.keepGoing || all == 1:
		return text
	case e.sum.Failed == 1:
		return fmt.Sprintf("1 of %d calls failed: %s", all, text)
	default:
		return fmt.Sprintf("%d of %d calls failed, the first at %s", e.sum.Failed, all, text)
	}
}

// named puts the name of a request or a target before a text, unless the text begins with it.
func named(name, text string) string {
	if strings.HasPrefix(text, name+": ") {
		return text
	}
	return name + ": " + text
}

// NextStep says how the other requests ended, and how to continue.
func (e *manyError) NextStep() string {
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

// outcome joins how the run ended with the error of the output.
func (m *calls) outcome(ctx context.Context, sum *fanout.Summary, err error) error {
	whole := err == nil && sum.Complete
	if err == nil {
		err = m.verdict(ctx, sum)
	}
	err = m.out.Close(err)
	if m.failures == nil {
		return err
	}
	ferr := m.failures.close(whole && m.out.Whole(), sum)
	if errors.Is(err, ferr) {
		return err
	}
	return errors.Join(err, ferr)
}
