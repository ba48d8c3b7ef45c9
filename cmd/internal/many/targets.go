package many

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
)

// maxTargets is how many targets one call goes to at most, and usualTargets how many of
// them are called at the same time.
const (
	maxTargets   = 10_000
	usualTargets = 64
	// maxTargetFile is the size of the greatest file of targets, in bytes.
	maxTargetFile = 4 << 20
)

// targetOptions are the flags that make the same call to several targets.
type targetOptions struct {
	list        []string
	eachAddress bool
	expectSame  bool
}

func (o *targetOptions) add(f *pflag.FlagSet) {
	f.StringSliceVar(&o.list, "targets", nil,
		"make the call to several targets: `TARGET,TARGET,@FILE` (a target a line)")
	f.BoolVar(&o.eachAddress, "each-address", false, "make the call to each address of the target's name")
	f.BoolVar(&o.expectSame, "expect-same", false, "exit 0 only if all targets answer the same")
}

func (o *targetOptions) isSet() bool { return len(o.list) > 0 || o.eachAddress }

// checkAlone finds what is wrong with these flags whatever the others are.
func (o *targetOptions) checkAlone(f *pflag.FlagSet) error {
	if o.expectSame && !f.Changed("targets") && !o.eachAddress {
		return problem.Usage(errors.New("--expect-same is for --targets and --each-address"), "")
	}
	o.list = slices.DeleteFunc(o.list, func(name string) bool { return strings.TrimSpace(name) == "" })
	if f.Changed("targets") && len(o.list) == 0 {
		return problem.Usage(errNoTargets, "")
	}
	return nil
}

func (o *targetOptions) check(f *pflag.FlagSet, m *Options) error {
	if len(o.list) > 0 && o.eachAddress {
		return problem.Usage(errors.New("--targets names the targets, and --each-address finds them"),
			"give one of the two")
	}
	if o.isSet() {
		m.keepGoing = true // one failing target does not stop the calls to others
		if !f.Changed("concurrency") {
			m.concurrency = usualTargets
		}
	}
	return nil
}

var errNoTargets = errors.New("--targets names no target")

// A calledTarget is one of the targets of a call.
type calledTarget struct {
	name    string // for people and in the output
	session *session.Session
	invoker *invoke.Invoker
}

// A targetList is a list with the same request for each target.
type targetList struct {
	wire    []byte
	targets []*calledTarget
	next    int
}

// Next returns the request, for the next target.
func (l *targetList) Next(ctx context.Context, r *fanout.Request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.next == len(l.targets) {
		return io.EOF
	}
	t := l.targets[l.next]
	l.next++
	r.Wire, r.Invoker, r.Target = append(r.Wire[:0], l.wire...), t.invoker, t.name
	return nil
}

// A differError is targets that do not agree.
type differError struct{ fields []string }

func (e *differError) Error() string {
	if len(e.fields) == 0 {
		return "--expect-same: the targets do not agree"
	}
	shown := e.fields[:min(len(e.fields), 5)]
	text := "--expect-same: the answers differ in " + strings.Join(shown, ", ")
	if n := len(e.fields) - len(shown); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// targets makes the same call to several targets.
func (m *calls) targets(ctx context.Context) error {
	a, o := m.app, m.o
	// a shell has a target of its own
	if len(m.many.targets.list) > 0 && !a.Runner.Shell() && (m.flags.Changed("addr") || m.flags.Changed("unix")) {
		return problem.Usage(errors.New("--targets and --addr both name targets"), "")
	}
	if m.format == formatters.JSON && !m.flags.Changed("output") {
		m.format = formatters.NDJSON
	}
	list, err := m.openList(ctx)
	if err != nil {
		return err
	}
	one := call.New(a, o, m.format, m.call.Metadata)
	one.Session = m.session
	p, err := one.Plan(ctx)
	if err != nil {
		return err
	}
	if m.call = p; p.Method.IsStreamingClient() {
		return m.check()
	}
	wire, err := p.Requests.Next(ctx)
	if err != nil {
		return err
	}
	list.wire = slices.Clone(wire)
	m.list = list
	comparison := m.compare()
	if err := m.open(ctx); err != nil {
		return err
	}
	return m.start(ctx, nil, func(ctx context.Context, sum *fanout.Summary, err error) error {
		return m.compared(ctx, comparison, sum, err)
	})
}

// openList makes a session for each target, and finds the one that is asked for the schema.
func (m *calls) openList(ctx context.Context) (*targetList, error) {
	list := &targetList{}
	m.closers = append(m.closers, func() {
		for _, t := range list.targets {
			t.session.Close()
		}
	})
	if err := m.openTargets(ctx, list); err != nil {
		return nil, err
	}
	m.session = list.targets[0].session
	return list, m.findSomewhere(ctx, list)
}

// compared ends a run that compares responses.
func (m *calls) compared(ctx context.Context, c *formatters.Comparison, sum *fanout.Summary, err error) error {
	if err == nil && m.format == formatters.Table && m.job == nil {
		err = c.Write(m.answers)
	}
	if err == nil && sum.First == nil && sum.Complete && m.many.targets.expectSame && !c.Same() {
		return m.out.Close(&differError{c.Differing()})
	}
	return m.outcome(ctx, sum, err)
}

// compare returns the comparison that the answers go to.
func (m *calls) compare() *formatters.Comparison {
	a, o := m.app, &m.o.Output
	options := o.Form(m.call.Types)
	options.Color, options.Width = a.Colored(a.Env.StdoutTTY), a.Env.Width
	comparison := formatters.NewComparison(options)
	m.extra = func(l *labelled) invoke.Sink {
		return invoke.SinkFunc(func(e *invoke.Event) error {
			if e.Kind != invoke.ResponseReceived {
				return nil
			}
			return comparison.Answer(l.label.Call, e.Message)
		})
	}
	m.finish = func(r *fanout.Result) error {
		comparison.End(r.Index, r.Request.Target, r.Status, r.Took)
		return nil
	}
	return comparison
}

// openTargets makes a session for each target. Nothing is dialled.
func (m *calls) openTargets(ctx context.Context, list *targetList) error {
	ctx, cancel := app.Limited(ctx, m.call.Timeout)
	defer cancel()
	o := &m.many.targets
	if o.eachAddress {
		return m.openAddresses(ctx, list)
	}
	names, err := targetNames(ctx, o.list)
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := m.app.Globals.OfTarget(ctx, m.flags, name)
		if err != nil {
			return err
		}
		if err := m.openTarget(ctx, list, name, s); err != nil {
			return err
		}
	}
	return nil
}

func (m *calls) openTarget(ctx context.Context, list *targetList, name string, settings session.Settings) error {
	s := session.New(session.World{Dial: m.app.Env.Dial, Now: m.app.Env.Now})
	s.Configure(settings)
	list.targets = append(list.targets, &calledTarget{name: name, session: s})
	transport, err := s.Transport(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", formatters.CleanLine(name), err)
	}
	list.targets[len(list.targets)-1].invoker = &invoke.Invoker{Transport: transport, Now: m.app.Env.Now}
	return nil
}

// openAddresses makes a session for each address of the target's name. Each of them is
// expected to be the host that was named.
func (m *calls) openAddresses(ctx context.Context, list *targetList) error {
	settings, err := m.app.Globals.Settings(ctx, m.flags)
	if err != nil {
		return err
	}
	named := settings.Target
	if named == nil {
		return session.ErrNoTarget
	}
	host := named.Host()
	if host == "" {
		return problem.Usage(fmt.Errorf("--each-address: %s has no name with addresses", named), "it is for host:port")
	}
	_, port, err := net.SplitHostPort(named.Address)
	if err != nil {
		return err
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return err
	}
	slices.Sort(addresses)
	if settings.TLS.ServerName == "" {
		settings.TLS.ServerName = host
	}
	settings.Authority = cmp.Or(settings.Authority, named.Address)
	for _, address := range slices.Compact(addresses) {
		t, s := *named, settings
		t.Address = net.JoinHostPort(address, port)
		if t.Security == invoke.SecurityAuto && !named.Local() {
			t.Security = invoke.SecurityTLS
		}
		s.Target = &t
		if err := m.openTarget(ctx, list, t.Address, s); err != nil {
			return err
		}
	}
	return nil
}

// findSomewhere looks for a target that knows the method, whose session then gives the schema:
// that one target is down is no reason to fail.
func (m *calls) findSomewhere(ctx context.Context, list *targetList) error {
	if m.o.Kind.Value != "" {
		return nil
	}
	var first error
	for _, t := range list.targets {
		m.session = t.session
		_, _, err := call.FindMethod(ctx, t.session, m.o.Method, m.call.Timeout)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return first
}

// targetNames reads the targets, those in files too.
func targetNames(ctx context.Context, list []string) ([]string, error) {
	var names []string
	for _, text := range list {
		path, isFile := strings.CutPrefix(text, "@")
		if !isFile {
			names = append(names, strings.TrimSpace(text))
			continue
		}
		content, err := boundfile.Read(ctx, path, maxTargetFile)
		if err != nil {
			return nil, fmt.Errorf("reading targets: %w", err)
		}
		number := 0
		for line := range strings.Lines(string(content)) {
			number++
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if _, err := invoke.ParseTarget(line); err != nil { // the error would quote the line of any file
				return nil, problem.Usage(fmt.Errorf("--targets: %s:%d: this is not a target", path, number),
					"a target is host:port, http://host, https://host, unix:PATH or demo:")
			}
			names = append(names, line)
		}
	}
	switch {
	case len(names) == 0:
		return nil, problem.Usage(errNoTargets, "")
	case len(names) > maxTargets:
		return nil, problem.Usage(fmt.Errorf("--targets names more than %d", maxTargets), "")
	}
	return names, nil
}
