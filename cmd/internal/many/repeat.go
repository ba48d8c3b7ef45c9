package many

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
)

// repeatOptions are the flags that make the same call again and again.
type repeatOptions struct {
	times  int
	every  flags.Seconds
	until  string
	length flags.Seconds
}

func (o *repeatOptions) add(f *pflag.FlagSet) {
	f.IntVar(&o.times, "repeat", 0, "make the call `N` times")
	f.Var(&o.every, "every", "time from the beginning of one call to that of the next")
	f.StringVar(&o.until, "until", "",
		"make the call again until a jq `PROGRAM` returns true for an answer; exit 1 if it never does")
	f.Var(&o.length, "for", "begin no more calls after this long")
}

func (o *repeatOptions) isSet() bool {
	return o.times != 0 || o.every > 0 || o.until != "" || o.length > 0
}

// usualPause is the time from one call to the next that waits for an answer.
const usualPause = time.Second

// A limitError is a run whose answers never satisfied --until.
type limitError struct{ calls int }

func (e *limitError) Error() string {
	return fmt.Sprintf("--until: no answer satisfied it in %d calls", e.calls)
}

// errSatisfied ends a run when --until is satisfied.
var errSatisfied = errors.New("the answer satisfies --until")

// repeat makes the same call as often as the flags say.
func (m *calls) repeat(ctx context.Context) error {
	o := &m.many.repeat
	one := call.New(m.app, m.o, m.format, m.call.Metadata)
	p, err := one.Plan(ctx)
	if err != nil {
		return one.Unplanned(ctx, problem.Overdue(err))
	}
	m.call = p
	if err := m.check(); err != nil {
		return err
	}
	wire, err := p.Requests.Next(ctx)
	if err != nil {
		return err
	}
	if m.o.DryRun {
		p.Requests = invoke.Messages(wire)
		return one.DryRun(ctx, p)
	}
	transport, err := call.Transport(ctx, m.app.Session, m.call.Timeout)
	if err != nil {
		return err
	}
	m.list = o.list(slices.Clone(wire))
	if o.until != "" {
		if err := m.waitFor(ctx, o.until); err != nil {
			return err
		}
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	return m.start(ctx, &invoke.Invoker{Transport: transport, Now: m.app.Env.Now},
		func(ctx context.Context, sum *fanout.Summary, err error) error {
			if errors.Is(err, errSatisfied) {
				return m.out.Close(nil)
			}
			if err == nil && o.until != "" && sum.Complete && (sum.First == nil || m.many.keepGoing) {
				return m.out.Close(&limitError{sum.Next})
			}
			return m.outcome(ctx, sum, err)
		})
}

// list returns the list that has the request as often as the flags say.
func (o *repeatOptions) list(wire []byte) *sameRequest {
	list := &sameRequest{wire: wire, times: o.times, every: o.every.Duration()}
	if o.until != "" && o.every == 0 {
		list.every = usualPause
	}
	if o.length > 0 {
		list.until = time.Now().Add(o.length.Duration())
	}
	return list
}

// waitFor ends the run at a response for which a jq program returns true.
func (m *calls) waitFor(ctx context.Context, program string) error {
	filter, err := formatters.ParseFilter(program)
	if err != nil {
		return err
	}
	options := m.o.Output.Form(m.call.Types)
	options.Filter, options.FilterContext, options.FilterTime, options.FilterBeside = filter, ctx, m.programTime(),
		m.beside()
	u := &untilTrue{program: formatters.NewProgram(&options)}
	m.extra, m.finish = func(*labelled) invoke.Sink { return u }, u.finish
	return nil
}

// sameRequest is a list that has one request many times, with a pause between.
type sameRequest struct {
	wire  []byte
	times int           // 0: no limit
	every time.Duration // from the beginning of one call to that of the next
	until time.Time     // zero: no limit
	made  int
	due   time.Time
}

// Next waits until it is time, and returns the request.
func (l *sameRequest) Next(ctx context.Context, r *fanout.Request) error {
	if l.times > 0 && l.made == l.times {
		return io.EOF
	}
	now := time.Now()
	if l.made > 0 && l.every > 0 && l.due.After(now) {
		if !l.until.IsZero() && l.due.After(l.until) {
			return io.EOF
		}
		t := time.NewTimer(l.due.Sub(now))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now = time.Now()
	}
	if !l.until.IsZero() && l.made > 0 && now.After(l.until) {
		return io.EOF
	}
	l.due = now.Add(l.every)
	l.made++
	r.Text, r.Err = r.Text[:0], nil
	r.Wire = append(r.Wire[:0], l.wire...)
	return nil
}

// An untilTrue looks for a response that satisfies a filter. The run ends once that response
// has been printed and its call has ended.
type untilTrue struct {
	program   *formatters.Program
	satisfied bool
}

// Event looks at an answer.
func (u *untilTrue) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	if err := u.program.Read(e.Message); err != nil {
		return err
	}
	err := u.program.Each(func(result any) error {
		u.satisfied = u.satisfied || result != nil && result != false
		return nil
	})
	if u.satisfied && e.Call.Method.IsStreamingServer() {
		return errSatisfied // the stream may go on for ever
	}
	return err
}

// finish ends the run when the call with the satisfying response has ended.
func (u *untilTrue) finish(*fanout.Result) error {
	if u.satisfied {
		return errSatisfied
	}
	return nil
}
