package cmd

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/diagnose"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

// diagnoseOptions are the flags and words of diagnose.
type diagnoseOptions struct {
	service string
	timeout flags.Seconds
	output  flags.Choice
}

// diagnoseTimeout is the limit of each question that is asked in a call.
const diagnoseTimeout = 5 * time.Second

func newDiagnose(a *app.App) *cobra.Command {
	o := &diagnoseOptions{timeout: flags.Seconds(diagnoseTimeout), output: textOrJSON()}
	c := &cobra.Command{
		Use:   "diagnose [TARGET]",
		Short: "Walk the way to a server step by step, and say what is wrong",
		Long: `Walk the way to a server: its name, TCP, TLS with the certificates, HTTP/2, gRPC,
reflection, and health; one line each with its time and a verdict.

  rpcctl diagnose localhost:50051
  rpcctl diagnose https://shop.example.com --cacert ca.pem
  rpcctl --context staging diagnose -o json

The verdicts: ok; warn: it works, and something is odd; failed; none: the server
does not have it, which is no failure; skipped. Exit code 0 when nothing failed,
else 1.`,
		Args: usage.Words(0, 1),
		RunE: func(c *cobra.Command, _ []string) error { return runDiagnose(a, c, o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.service, "service", "", "ask for the health of this `SERVICE`, not of the server")
	f.Var(&o.timeout, "timeout", "limit of each question over gRPC")
	f.VarP(&o.output, "output", "o", "format")
	return c
}

// diagnosis is what diagnose found out.
type diagnosis struct {
	Target string           `json:"target"`
	OK     bool             `json:"ok"`
	Steps  []*diagnose.Step `json:"steps"`
}

// A DiagnosisError is a way to a server that has something wrong.
type DiagnosisError struct {
	Target string
	Step   string // the first that failed
}

func (e *DiagnosisError) Error() string { return fmt.Sprintf("%s: failed at %s", e.Target, e.Step) }

// runDiagnose walks, and prints each step when it is done.
func runDiagnose(a *app.App, c *cobra.Command, o *diagnoseOptions) error {
	ctx := c.Context()
	ready, cancel := ctx, context.CancelFunc(func() {})
	if c.Flags().Changed("timeout") {
		ready, cancel = app.Limited(ctx, o.timeout.Duration())
	}
	defer cancel()
	if err := a.Configure(ready, c.Flags()); err != nil {
		return err
	}
	transport, err := a.Session.Transport(ready) // wrong options and files end here
	if err != nil {
		return err
	}
	duplex, err := a.Session.Duplex(ready)
	if err != nil {
		return err
	}
	md, err := a.Globals.Metadata(ready)
	if err != nil {
		return err
	}
	s := a.Session.Settings()
	if !c.Flags().Changed("timeout") && s.Target.Network == invoke.NetworkResolver { // nobody has connected before
		o.timeout = flags.Seconds(ownLimit(a, o.timeout.Duration()))
	}
	d := &diagnosis{Target: s.Target.String(), Steps: []*diagnose.Step{}}
	var printed error
	done := func(p *diagnose.Step) {
		d.Steps = append(d.Steps, p)
		if o.output.Value == "text" && printed == nil {
			printed = a.Env.Print(func(w *bufio.Writer) error { return writeStep(w, p) })
		}
	}
	w := &diagnose.Walk{Settings: s, Dial: a.Env.Dial, Now: a.Env.Now, Done: done}
	reached := w.Run(ctx)
	q := &diagnose.Questions{
		Invoker: &invoke.Invoker{
			Transport: transport,
			Now:       a.Env.Now,
		}, Duplex: duplex, Metadata: md, ReflectMetadata: s.ReflectMetadata,
		Service: o.service, Timeout: o.timeout.Duration(), Done: done, Refused: a.Globals.Refused,
	}
	q.Run(ctx, reached)
	if ctx.Err() != nil {
		return context.Canceled
	}
	failed := slices.IndexFunc(d.Steps, func(p *diagnose.Step) bool { return p.Verdict == diagnose.Failed })
	d.OK = failed < 0
	if o.output.Value == "json" {
		printed = a.Env.PrintJSON(d)
	}
	if printed != nil || d.OK {
		return printed
	}
	return &DiagnosisError{Target: d.Target, Step: d.Steps[failed].Name}
}

// writeStep writes a step in a line, and its hint below.
func writeStep(w *bufio.Writer, p *diagnose.Step) error {
	took := ""
	if p.Millis != nil {
		took = fmt.Sprintf("%.1f ms", *p.Millis)
	}
	line := fmt.Sprintf("%-7s  %-10s  %9s  %s", p.Verdict, p.Name, took, formatters.Cut(p.Detail, formatters.MaxText))
	fmt.Fprintln(w, strings.TrimRight(formatters.CleanLine(line), " "))
	if p.Hint != "" {
		fmt.Fprintf(w, "%-7s  hint: %s\n", "", formatters.CleanLine(p.Hint))
	}
	return nil
}
