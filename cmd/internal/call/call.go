// Package call makes one call as a command line has it: it finds the method, reads the message, makes
// the call, and prints the responses.
package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/cmd/internal/progress"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// Options are the flags and words of call.
type Options struct {
	Method   string
	Messages []string

	data         []string     // -d, in the order given
	In           flags.Choice // format of the requests; "": by a file's extension, else JSON
	format       flags.Choice // of requests and responses, as grpcurl has it
	Output       output.Options
	formatError  bool
	allowUnknown bool
	maxSend      flags.Size
	Kind         flags.Choice // with no schema: the shape of the method
	Edit         bool
	Interactive  bool
	Timeout      flags.Seconds
	hold         holdOptions
	DryRun       bool
	Await        awaitOptions
}

// A Call is one call as the command line has it, from its planning to its end.
type Call struct {
	app     *app.App
	Session *session.Session // that serves it
	o       *Options
	format  formatters.Format
	md      invoke.Metadata

	began     time.Time         // when the schema was first asked for
	stdin     *recording        // standard input, as far as it was read; nil: it is read once
	responses int               // that have come so far
	edited    *program.EditFile // the file that the message was written in; nil: it was not edited
}

// New returns a call that is not planned yet.
func New(a *app.App, o *Options, format formatters.Format, md invoke.Metadata) *Call {
	return &Call{app: a, Session: a.Session, o: o, format: format, md: md, began: a.Env.Now()}
}

// Add defines the flags.
func (o *Options) Add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.VarP((*flags.Repeated)(&o.data), "data", "d",
		"the message: a `DOCUMENT`, @FILE, or @ or @- for standard input (repeatable)")
	AddInputFlags(f, &o.In, &o.maxSend, &o.allowUnknown)
	f.BoolVar(&o.Edit, "edit", false, "write the message in $EDITOR, from a template or from the message given")
	f.BoolVarP(&o.Interactive, "interactive", "i", false,
		"fill the message in at a prompt: Tab completes and goes on, Enter sends")
	o.Output.Add(f)
	o.format = flags.Choice{Allowed: []string{"json", "text"}}
	f.Var(&o.format, "format", "format of requests and responses")
	o.Kind = flags.Choice{Allowed: []string{"unary", "client-stream", "server-stream", "bidi"}}
	f.Var(&o.Kind, "kind", "call pkg.Service/Method with no schema: requests with --in raw, answers by field number")
	f.BoolVar(&o.formatError, "format-error", false, "print a failed status as JSON, or as --format asks, on stderr")
	f.Var(&o.Timeout, "timeout", "deadline of the call: 2.5 (seconds), 200ms")
	flags.AddAlias(f, "max-time", "timeout")
	o.hold.add(f)
	o.Await.add(f)
	f.BoolVar(&o.DryRun, "dry-run", false, "print the request and where it would go, and stop")
}

// Check returns the format of the output, and a usage error for flags that do not go together.
func (o *Options) Check(f *pflag.FlagSet) (formatters.Format, error) {
	usual := o.format.Value
	if o.Kind.Value != "" {
		usual = string(formatters.Text) // the one format that shows unknown fields
	}
	format, err := o.Output.Resolve(f, usual)
	if err != nil {
		return "", err
	}
	return format, cmp.Or(o.checkSchemaless(format), o.hold.check())
}

// StatusFormat is the format of a failed status, "" for people.
func (o *Options) StatusFormat() formatters.Format {
	switch {
	case !o.formatError:
		return ""
	case o.format.Value == "text":
		return formatters.Text
	}
	return formatters.JSON
}

// Input says how the requests of a method are read, until ctx is done.
func (o *Options) Input(
	ctx context.Context, a *app.App, request protoreflect.MessageDescriptor, types invoke.Types,
) input.Options {
	return input.Options{
		ReadFile: boundfile.Reader(ctx), Message: request, Types: types, Format: input.Format(cmp.Or(o.In.Value,
			o.format.Value)),
		AllowUnknown: o.allowUnknown, MaxSize: int64(o.maxSend), Stdin: a.Env.Stdin, Now: a.Env.Now,
		Secrets: redaction.OfInput(request),
	}
}

// Do plans the call until ready is done, runs it and prints it.
func (s *Call) Do(ctx, ready context.Context) error {
	a := s.app
	p, err := s.planRemembered(ctx, ready)
	if err != nil {
		return s.Unplanned(ctx, problem.Overdue(err))
	}
	a.TellOrigin()
	if err := a.Globals.CheckGet(p); err != nil {
		return err
	}
	if p.Method.IsStreamingClient() || p.Method.IsStreamingServer() {
		memory.Collect(memory.Stream)
	}
	if s.o.DryRun {
		return s.settleEdit(s.DryRun(ctx, p))
	}
	return s.settleEdit(s.runRemembered(ctx, p))
}

// Plan is planUntil with the limit of the call.
func (s *Call) Plan(ctx context.Context) (*invoke.Call, error) {
	ready, cancel := app.Limited(ctx, s.o.Timeout.Duration())
	defer cancel()
	return s.planUntil(ctx, ready)
}

// planUntil finds the method and makes ready the requests, until ready is done. What a client
// that does not stream sends is read and checked here, before anything is sent.
func (s *Call) planUntil(ctx, ready context.Context) (*invoke.Call, error) {
	a, o := s.app, s.o
	p := &invoke.Call{Metadata: s.md, Timeout: o.Timeout.Duration()}
	var err error
	if o.Kind.Value != "" {
		p.Method, err = Schemaless(o.Method, o.Kind.Value)
	} else {
		p.Method, p.Types, err = s.Session.FindMethod(ctx, ready, o.Method)
	}
	if err != nil {
		return nil, err
	}
	a.Types = p.Types
	streams := p.Method.IsStreamingClient()
	if o.Await.IsSet() {
		if err := o.Await.check(p.Method); err != nil {
			return nil, err
		}
	}
	if !streams && o.hold.isSet() {
		return nil, problem.Usage(
			fmt.Errorf("--hold and --until-messages are for methods whose client streams; %s is %s",
				invoke.MethodName(p.Method), invoke.StreamKind(p.Method)), "")
	}
	options := o.Input(ready, a, p.Method.Input(), p.Types)
	options.Streams = streams
	if s.stdin != nil {
		options.Stdin = s.stdin
	}
	if o.Edit {
		return p, s.edit(ctx, p, options)
	}
	source, err := input.New(o.Parts(), options)
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

// FindMethod looks a method up. The limit of the call is that of the lookup too.
func FindMethod(
	ctx context.Context, s *session.Session, name string, limit time.Duration,
) (protoreflect.MethodDescriptor, invoke.Types, error) {
	ready, cancel := app.Limited(ctx, limit)
	defer cancel()
	return s.FindMethod(ctx, ready, name)
}

// Transport opens the transport of a session, within a limit, 0 for none.
func Transport(ctx context.Context, s *session.Session, limit time.Duration) (invoke.Transport, error) {
	ctx, cancel := app.Limited(ctx, limit)
	defer cancel()
	return s.Transport(ctx)
}

// Parts are the pieces of the message, -d first.
func (o *Options) Parts() []input.Part {
	var parts []input.Part
	for _, data := range o.data {
		parts = append(parts, input.Part{Text: data, Data: true, Origin: "-d"})
	}
	for i, m := range o.Messages {
		parts = append(parts, input.Part{Text: m, Origin: fmt.Sprintf("MESSAGE %d", i+1)})
	}
	return parts
}

// Unplanned reports a call that could not be planned. With -o events, when the server could
// not be asked for its schema, it prints the events of a call that failed.
func (s *Call) Unplanned(ctx context.Context, err error) error {
	a, format := s.app, s.format
	var se *invoke.StatusError
	if format != formatters.Events || !errors.As(err, &se) || se.Status.Origin == invoke.OriginServer {
		return err
	}
	transport, terr := s.Session.Transport(ctx)
	if terr != nil {
		return err
	}
	f, ferr := formatters.New(format, a.Env.Stdout,
		formatters.Options{SecretHeaders: a.Globals.Hidden, Seen: a.Env.Secrets})
	if ferr != nil {
		return errors.Join(err, ferr)
	}
	name := methodAsked(s.o.Method)
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
func (s *Call) run(ctx context.Context, p *invoke.Call) error {
	a, o := s.app, s.o
	transport, err := Transport(ctx, s.Session, p.Timeout)
	if err != nil {
		return err
	}
	// a job may be printed later, too
	if types, ok := p.Types.(*discovery.Resolver); ok && p.Timeout > 0 && !a.Runner.Shell() {
		p.Types = types.Within(p.Timeout)
		a.Types = p.Types
	}
	prints := output.Printing{Env: a.Env, Globals: a.Globals, Format: s.format, Types: p.Types, Limit: p.Timeout}
	out, err := o.Output.Open(ctx, prints)
	if err != nil {
		return err
	}
	sinks := invoke.Tee{Tolerant(s.refreshing(out, p), out.Formatter)}
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
	if p.Method.IsStreamingClient() && o.hold.isSet() {
		h := o.hold.wrap(p.Requests)
		p.Requests, sinks = h, append(sinks, h)
	}
	a.Env.InCall.Store(true)
	defer a.Env.InCall.Store(false)
	s.Session.Refresh(ctx)
	invoker := &invoke.Invoker{Transport: transport, Now: a.Env.Now}
	later := context.WithoutCancel(ctx) // of a job, which is looked at when the statement has ended
	err = driveCall(ctx, a, invoker, p, sinks,
		func(e *env.Env) (*output.Output, error) { return o.Output.Open(later, prints.On(e)) }, &o.Await)
	return problem.Printed(s.format, out.Close(unread(err, requests)))
}

// driveCall makes a planned call, and follows its operation where --await asks for that.
func driveCall(
	ctx context.Context, a *app.App, v *invoke.Invoker, p *invoke.Call, sinks invoke.Sink,
	again func(*env.Env) (*output.Output, error), await *awaitOptions,
) error {
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
