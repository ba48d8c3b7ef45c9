package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/cmd/internal/progress"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// callOptions are the flags and words of call.
type callOptions struct {
	method   string
	messages []string

	data         []string     // -d, in the order given
	in           flags.Choice // format of the requests; "": by a file's extension, else JSON
	format       flags.Choice // of requests and responses, as grpcurl has it
	output       output.Options
	formatError  bool
	allowUnknown bool
	maxSend      flags.Size
	kind         flags.Choice // with no schema: the shape of the method
	edit         bool
	interactive  bool
	timeout      flags.Seconds
	hold         holdOptions
	dryRun       bool
	many         manyOptions
	await        awaitOptions
}

// A single is one call as the command line has it, from its planning to its end.
type single struct {
	app    *app.App
	o      *callOptions
	format formatters.Format
	md     invoke.Metadata

	began     time.Time         // when the schema was first asked for
	stdin     *recording        // standard input, as far as it was read; nil: it is read once
	responses int               // that have come so far
	edited    *program.EditFile // that the message was written in; nil: it was not edited
}

// newSingle returns a call that is not planned yet.
func newSingle(a *app.App, o *callOptions, format formatters.Format, md invoke.Metadata) *single {
	return &single{app: a, o: o, format: format, md: md, began: a.Env.Now()}
}

// add defines the flags.
func (o *callOptions) add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.VarP((*flags.Repeated)(&o.data), "data", "d", "the message: a `DOCUMENT`, @FILE, or @ or @- for standard input (repeatable)")
	addInputFlags(f, &o.in, &o.maxSend, &o.allowUnknown)
	f.BoolVar(&o.edit, "edit", false, "write the message in $EDITOR, from a template or from the message given")
	f.BoolVarP(&o.interactive, "interactive", "i", false, "fill the message in at a prompt: Tab completes and goes on, Enter sends")
	o.output.Add(f)
	o.format = flags.Choice{Allowed: []string{"json", "text"}}
	f.Var(&o.format, "format", "format of requests and responses")
	o.kind = flags.Choice{Allowed: []string{"unary", "client-stream", "server-stream", "bidi"}}
	f.Var(&o.kind, "kind", "call pkg.Service/Method with no schema: requests with --in raw, answers by field number")
	f.BoolVar(&o.formatError, "format-error", false, "print a failed status as JSON, or as --format asks, on stderr")
	f.Var(&o.timeout, "timeout", "deadline of the call: 2.5 (seconds), 200ms")
	flags.AddAlias(f, "max-time", "timeout")
	o.hold.add(f)
	o.many.add(f, &o.in)
	o.await.add(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "print the request and where it would go, and stop")
}

// runCall plans the call, runs it and prints it.
func runCall(a *app.App, c *cobra.Command, o *callOptions) error {
	usual := o.format.Value
	if o.kind.Value != "" {
		usual = string(formatters.Text) // the one format that shows unknown fields
	}
	format, err := o.output.Resolve(c.Flags(), usual)
	if err != nil {
		return err
	}
	if err := o.checkSchemaless(format); err != nil {
		return err
	}
	if err := o.hold.check(); err != nil {
		return err
	}
	if err := o.checkMany(c.Flags()); err != nil {
		return err
	}
	if o.formatError {
		a.StatusFormat = formatters.JSON
		if o.format.Value == "text" {
			a.StatusFormat = formatters.Text
		}
	}
	ready, cancel := app.Limited(c.Context(), o.timeout.Duration())
	defer cancel()
	if err := a.Configure(ready, c.Flags()); err != nil {
		return err
	}
	if o.interactive {
		return fillIn(a, c, o)
	}
	withoutComments(a)
	md, err := a.Globals.Metadata(ready)
	if err != nil {
		return err
	}
	if o.many.given() {
		return callMany(c.Context(), a, c.Flags(), o, format, md)
	}
	return newSingle(a, o, format, md).do(c.Context(), ready)
}

// do plans the call until ready is done, runs it and prints it.
func (s *single) do(ctx, ready context.Context) error {
	a := s.app
	p, err := s.planRemembered(ctx, ready)
	if err != nil {
		return s.unplanned(ctx, problem.Overdue(err))
	}
	a.TellOrigin()
	if err := a.Globals.CheckGet(p); err != nil {
		return err
	}
	if p.Method.IsStreamingClient() || p.Method.IsStreamingServer() {
		memory.Collect(memory.Stream)
	}
	if s.o.dryRun {
		return s.settleEdit(s.dryRun(ctx, p))
	}
	return s.settleEdit(s.runRemembered(ctx, p))
}

// plan is planUntil with the limit of the call.
func (s *single) plan(ctx context.Context) (*invoke.Call, error) {
	ready, cancel := app.Limited(ctx, s.o.timeout.Duration())
	defer cancel()
	return s.planUntil(ctx, ready)
}

// planUntil finds the method and makes ready the requests, until ready is done. What a client
// that does not stream sends is read and checked here, before anything is sent.
func (s *single) planUntil(ctx, ready context.Context) (*invoke.Call, error) {
	a, o := s.app, s.o
	p := &invoke.Call{Metadata: s.md, Timeout: o.timeout.Duration()}
	var err error
	if o.kind.Value != "" {
		p.Method, err = schemalessMethod(o.method, o.kind.Value)
	} else {
		p.Method, p.Types, err = a.FindMethodUntil(ctx, ready, o.method)
	}
	if err != nil {
		return nil, err
	}
	a.Types = p.Types
	streams := p.Method.IsStreamingClient()
	if o.await.given() {
		if err := o.await.check(p.Method); err != nil {
			return nil, err
		}
	}
	if !streams && o.hold.given() {
		return nil, problem.Usage(fmt.Errorf("--hold and --until-messages are for methods whose client streams; %s is %s",
			invoke.MethodName(p.Method), invoke.StreamKind(p.Method)), "")
	}
	options := input.Options{
		ReadFile: boundfile.Reader(ready), Message: p.Method.Input(), Types: p.Types, Streams: streams, Format: input.Format(cmp.Or(o.in.Value, o.format.Value)),
		AllowUnknown: o.allowUnknown, MaxSize: int64(o.maxSend), Stdin: s.input(), Now: a.Env.Now,
		Secrets: redaction.OfInput(p.Method.Input()),
	}
	if o.edit {
		return p, s.edit(ctx, p, options)
	}
	source, err := input.New(o.parts(), options)
	if err != nil {
		return nil, err
	}
	p.Requests = source
	if !streams {
		wire, err := nextRequest(ctx, ready, source)
		if err != nil {
			return nil, err
		}
		p.Requests = invoke.Messages(slices.Clone(wire))
	}
	return p, nil
}

// parts are the pieces of the message, -d first.
func (o *callOptions) parts() []input.Part {
	var parts []input.Part
	for _, data := range o.data {
		parts = append(parts, input.Part{Text: data, Data: true, Origin: "-d"})
	}
	for i, m := range o.messages {
		parts = append(parts, input.Part{Text: m, Origin: fmt.Sprintf("MESSAGE %d", i+1)})
	}
	return parts
}

// unplanned reports a call that could not be planned. Where the reason is that
// the server could not be reached for its schema, a program that follows events
// is told as if it had been the call.
func (s *single) unplanned(ctx context.Context, err error) error {
	a, format := s.app, s.format
	var se *invoke.StatusError
	if format != formatters.Events || !errors.As(err, &se) || se.Status.Origin == invoke.OriginServer {
		return err
	}
	transport, terr := a.Session.Transport(ctx)
	if terr != nil {
		return err
	}
	f, ferr := formatters.New(format, a.Env.Stdout, formatters.Options{SecretHeaders: a.Globals.Hidden, Seen: a.Env.Secrets})
	if ferr != nil {
		return errors.Join(err, ferr)
	}
	name := methodAsked(s.o.method)
	for _, e := range []*invoke.Event{
		{Kind: invoke.Opened, At: s.began, Name: name, Wire: transport.Wire(invoke.Method{Path: "/" + name}), Metadata: s.md},
		{Kind: invoke.Finished, At: a.Env.Now(), Status: se.Status},
	} {
		if werr := f.Event(e); werr != nil {
			return errors.Join(err, werr)
		}
	}
	return problem.Printed(format, errors.Join(err, f.Flush()))
}

// methodAsked is the name of a method as far as it is known without a schema: with a
// slash before the method's own name.
func methodAsked(name string) string {
	service, method, err := discovery.ParseMethod(name)
	if err != nil || service == "" {
		return strings.TrimPrefix(name, "/")
	}
	return string(service) + "/" + string(method)
}

// run drives the call into the formatter.
func (s *single) run(ctx context.Context, p *invoke.Call) error {
	a, o := s.app, s.o
	transport, err := a.Transport(ctx, p.Timeout)
	if err != nil {
		return err
	}
	if types, ok := p.Types.(*discovery.Resolver); ok && p.Timeout > 0 && !a.Runner.Shell() { // a job is looked at later, too
		p.Types = types.Within(p.Timeout)
		a.Types = p.Types
	}
	prints := output.Printing{Env: a.Env, Globals: a.Globals, Format: s.format, Types: p.Types, Limit: p.Timeout}
	out, err := o.output.Open(ctx, prints)
	if err != nil {
		return err
	}
	sinks := invoke.Tee{tolerant(s.refreshing(out, p), out.Formatter)}
	talk, stopWatching := io.Writer(a.Env.Stderr), func() {}
	if a.Globals.Verbose > 0 && !a.Runner.Shell() && (p.Method.IsStreamingClient() || p.Method.IsStreamingServer()) {
		sinks[0], talk, stopWatching = progress.Stream(a.Env, sinks[0])
	}
	defer stopWatching()
	if a.Globals.Verbose > 0 {
		sinks = append(sinks, formatters.Verbose(talk, a.Globals.Verbose, formatters.Options{
			Types: p.Types, Color: a.Colored(a.Env.StderrTTY), SecretHeaders: a.Globals.Hidden, Seen: a.Env.Secrets,
		}))
	}
	requests := p.Requests
	if p.Method.IsStreamingClient() && o.hold.given() {
		h := o.hold.wrap(p.Requests)
		p.Requests, sinks = h, append(sinks, h)
	}
	a.Env.InCall.Store(true)
	defer a.Env.InCall.Store(false)
	a.Session.Refresh(ctx)
	invoker := &invoke.Invoker{Transport: transport, Now: a.Env.Now}
	later := context.WithoutCancel(ctx) // of a job, which is looked at when the statement has ended
	err = driveCall(ctx, a, invoker, p, sinks, func() (*output.Output, error) { return o.output.Open(later, prints) }, &o.await)
	return problem.Printed(s.format, out.Close(unread(err, requests)))
}

// driveCall makes a planned call, and follows its operation where --await asks for that.
func driveCall(ctx context.Context, a *app.App, v *invoke.Invoker, p *invoke.Call, sinks invoke.Sink, again func() (*output.Output, error), await *awaitOptions) error {
	do := func(ctx context.Context, sink invoke.Sink) error { return v.Do(ctx, p, sink) }
	if await.await {
		do = func(ctx context.Context, sink invoke.Sink) error { return awaitOperation(ctx, a, p, v, sink, await) }
	}
	if p.Method.IsStreamingClient() {
		c := &counted{Requests: p.Requests, terminal: a.Env.StdinTTY}
		p.Requests, do = c, c.whole(do)
	}
	return a.Runner.Run(ctx, a, app.Call{Invoker: v, Call: p, Sink: sinks, Do: do, Again: again})
}
