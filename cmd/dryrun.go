package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// dryRun prints a call instead of making it: the requests on standard output, as
// data, and where they would go on standard error.
func (a *app) dryRun(ctx context.Context, p *invoke.Call, format formatters.Format, o *callOptions) error {
	transport, err := a.session.Transport()
	if err != nil && !errors.Is(err, session.ErrNoTarget) {
		return err
	}
	if _, err := io.WriteString(a.env.Stderr, formatters.Clean(describePlan(p, transport, a.globals.headers.secret), true)); err != nil {
		return err
	}
	if format == formatters.Events {
		format = formatters.NDJSON
	}
	out, err := a.openOutput(format, &o.output, p.Types)
	if err != nil {
		return err
	}
	return out.close(printRequests(ctx, p, out))
}

// printRequests hands the requests to a formatter as it would the answers.
func printRequests(ctx context.Context, p *invoke.Call, out formatters.Formatter) error {
	e := invoke.Event{Kind: invoke.ResponseReceived, Call: p}
	for ; ; e.Seq++ {
		wire, err := p.Requests.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		e.Message = &invoke.Message{Desc: p.Method.Input(), Wire: wire, Types: p.Types}
		err = out.Event(&e)
		var broken *transcode.WireError
		if errors.As(err, &broken) {
			return usage(fmt.Errorf("message %d is no %s: %w", e.Seq+1, e.Message.Desc.FullName(), broken), "")
		}
		if err != nil {
			return err
		}
	}
}

// describePlan tells where a call would go, a line for each thing to know.
func describePlan(p *invoke.Call, transport invoke.Transport, secret func(name string) bool) string {
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
			case secret(key):
				value = "•••"
			case invoke.IsBinary(key):
				value = fmt.Sprintf("%d bytes", len(value))
			}
			line("metadata", "%s: %s", key, value)
		}
	}
	return b.String()
}
