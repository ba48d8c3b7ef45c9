package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// DryRun prints a call instead of making it: the requests on standard output, as
// data, and where they would go on standard error.
func (s *Call) DryRun(ctx context.Context, p *invoke.Call) error {
	a, format := s.app, s.format
	ready, cancel := app.Limited(ctx, p.Timeout)
	defer cancel()
	transport, err := s.Session.Transport(ready)
	if err != nil && !errors.Is(err, session.ErrNoTarget) {
		return err
	}
	if _, err := io.WriteString(a.Env.Stderr,
		formatters.Clean(describePlan(p, transport, a.Globals.Secret), true)); err != nil {
		return err
	}
	if format == formatters.Events {
		format = formatters.NDJSON
	}
	out, err := s.o.Output.Open(ctx,
		output.Printing{Env: a.Env, Globals: a.Globals, Format: format, Types: p.Types, Limit: p.Timeout})
	if err != nil {
		return err
	}
	left, err := PrintRequests(ctx, ready, p, out, formatters.RequestStripper(&formatters.Options{Types: p.Types}))
	err = out.Close(err)
	if len(left) > 0 {
		a.Env.Say("not shown, since it is secret: " + strings.Join(left, ", "))
	}
	return err
}

// maxLeft is how many of the fields that are left out, because they are secret, are named.
const maxLeft = 20

// PrintRequests hands the requests to a formatter as it would the answers, without
// the fields that are secret to a Stripper, which may be nil. It returns the paths of
// those. Files are read until ready is done.
func PrintRequests(
	ctx, ready context.Context, p *invoke.Call, out formatters.Formatter, fields *secret.Stripper,
) (left []string, err error) {
	e := invoke.Event{Kind: invoke.ResponseReceived, Call: p}
	for ; ; e.Seq++ {
		wire, err := nextRequest(ctx, ready, p.Requests)
		if err == io.EOF {
			return left, nil
		}
		if err != nil {
			return left, err
		}
		wire, paths := fields.Strip(p.Method.Input(), wire)
		for _, path := range paths {
			if !slices.Contains(left, path) && len(left) < maxLeft {
				left = append(left, path)
			}
		}
		e.Message = &invoke.Message{Desc: p.Method.Input(), Wire: wire, Types: p.Types}
		err = out.Event(&e)
		var broken *transcode.WireError
		if errors.As(err, &broken) {
			return left, problem.Usage(fmt.Errorf("message %d is no %s: %w", e.Seq+1, e.Message.Desc.FullName(),
				broken), "")
		}
		if err != nil {
			return left, err
		}
	}
}

// describePlan tells where a call would go, a line for each thing to know.
func describePlan(p *invoke.Call, transport invoke.Transport, hidden func(name, value string) bool) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("method", "%s (%s)", invoke.MethodName(p.Method), invoke.StreamKind(p.Method))
	if transport == nil {
		line("to", "no target given")
	} else {
		w := transport.Wire(p.WireMethod())
		line("to", "%s", w.URL)
		line("over", "%s, HTTP/%s, %s", w.Protocol, w.HTTP, w.Codec)
	}
	if p.Timeout > 0 {
		line("timeout", "%s", p.Timeout)
	}
	for _, key := range p.Metadata.Keys() {
		for _, value := range p.Metadata[key] {
			switch {
			case hidden(key, value):
				value = secret.Mask
			case invoke.IsBinary(key):
				value = fmt.Sprintf("%d bytes", len(value))
			}
			line("metadata", "%s: %s", key, value)
		}
	}
	return b.String()
}
