package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/health"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

// healthOptions are the flags of health.
type healthOptions struct {
	service string
	watch   bool
	timeout flags.Seconds
	asked   bool // somebody set the timeout
	output  flags.Choice
}

// healthTimeout is the limit of a check when nobody set one: a probe must end.
const healthTimeout = 10 * time.Second

func newHealth(a *app.App) *cobra.Command {
	o := &healthOptions{
		timeout: flags.Seconds(healthTimeout),
		output:  flags.Choice{Value: "text", Allowed: []string{"text", "json"}},
	}
	c := &cobra.Command{
		Use:   "health [SERVICE]",
		Short: "Ask whether a server, or one of its services, is up",
		Long: `Ask the gRPC health service of a server whether it is SERVING, and print the answer.

  rpcctl -a localhost:50051 health
  rpcctl -a localhost:50051 health shop.v1.Shop
  rpcctl -a localhost:50051 health --wait=1m
  rpcctl -a localhost:50051 health --watch

Exit codes: 0 SERVING, 1 not SERVING, 69 the server does not know the service, 76
it has no health service, 78 it cannot be reached. With --wait the answer is
waited for until it is SERVING. --watch prints each change until it is
interrupted or --timeout is over, which exits 68; with --wait too, until it is
SERVING.`,
		Args: usage.Words(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.service = args[0]
			}
			o.asked = c.Flags().Changed("timeout") || c.Flags().Changed("max-time")
			return askHealth(a, c, o)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.watch, "watch", false, "print each change of the answer")
	f.Var(&o.timeout, "timeout", "limit of one question")
	flags.AddAlias(f, "max-time", "timeout")
	f.VarP(&o.output, "output", "o", "format")
	return c
}

// ownLimit returns the limit of a call for which the user set none. It is longer than
// connecting may take, so that a server that cannot be reached is reported by why connecting
// failed.
func ownLimit(a *app.App, limit time.Duration) time.Duration {
	s := a.Session.Settings()
	return max(limit, s.ConnectLimit()+time.Second)
}

// askHealth asks, and asks again with --wait until the answer is good.
func askHealth(a *app.App, c *cobra.Command, o *healthOptions) error {
	ready, cancel := c.Context(), context.CancelFunc(func() {})
	if o.asked {
		ready, cancel = app.Limited(ready, o.timeout.Duration())
	}
	defer cancel()
	if err := a.Configure(ready, c.Flags()); err != nil {
		return err
	}
	md, err := a.Globals.Metadata(ready)
	if err != nil {
		return err
	}
	transport, err := a.Session.Transport(ready)
	if err != nil {
		return err
	}
	if !o.asked {
		o.timeout = flags.Seconds(ownLimit(a, o.timeout.Duration()))
	}
	invoker := &invoke.Invoker{Transport: transport, Now: a.Env.Now}
	if o.watch {
		return watchHealth(c.Context(), a, invoker, md, o)
	}
	return pollHealth(c.Context(), a, invoker, md, o)
}

// healthPoll is the time between two questions of --wait.
const healthPoll = 250 * time.Millisecond

// pollHealth asks once, or with --wait until the answer is SERVING or the time is
// over, and prints the last answer. The first question waits for the server itself.
func pollHealth(ctx context.Context, a *app.App, invoker *invoke.Invoker, md invoke.Metadata, o *healthOptions) error {
	wait := a.Globals.Wait()
	until := time.Now().Add(wait)
	interrupted := ctx
	state, err := health.Check(ctx, invoker, md, o.service, o.timeout.Duration()+wait)
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for waiting := wait > 0; waiting && comesUp(state, err); {
		select {
		case <-time.After(healthPoll):
		case <-ctx.Done():
			waiting = false
			continue
		}
		next, nextErr := health.Check(ctx, invoker, md, o.service, o.timeout.Duration())
		if ctx.Err() != nil {
			break // the status before it says more than the interrupt
		}
		state, err = next, nextErr
	}
	if wait > 0 && interrupted.Err() != nil {
		return interrupted.Err() // the user interrupted the wait
	}
	if err != nil {
		return err
	}
	if err := printHealth(a, o, state); err != nil {
		return err
	}
	return health.Verdict(o.service, state)
}

// comesUp reports whether an answer may still become SERVING.
func comesUp(state healthpb.HealthCheckResponse_ServingStatus, err error) bool {
	var se *invoke.StatusError
	if errors.As(err, &se) {
		return se.Status.Origin == invoke.OriginServer &&
			(se.Status.Code == codes.NotFound || se.Status.Code == codes.Unavailable)
	}
	return err == nil && state != healthpb.HealthCheckResponse_SERVING
}

// errServing ends a watch that has seen what it waited for.
var errServing = errors.New("serving")

// watchHealth prints each change.
func watchHealth(ctx context.Context, a *app.App, invoker *invoke.Invoker, md invoke.Metadata, o *healthOptions) error {
	wait := a.Globals.Wait()
	limit := time.Duration(0)
	if o.asked {
		limit = o.timeout.Duration()
	}
	call, err := health.Call("Watch", md, o.service, limit)
	if err != nil {
		return err
	}
	var over atomic.Bool
	if wait > 0 {
		// This is not the deadline of the call: the server would enforce that too, with a
		// message of its own.
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(wait, func() { over.Store(true); cancel() }).Stop()
	}
	last, answered := healthpb.HealthCheckResponse_UNKNOWN, false
	a.Env.InCall.Store(true)
	defer a.Env.InCall.Store(false)
	err = invoker.Do(ctx, call, invoke.SinkFunc(func(e *invoke.Event) error {
		if e.Kind != invoke.ResponseReceived {
			return nil
		}
		state, err := health.Answer(e.Message)
		if err != nil {
			return err
		}
		last, answered = state, true
		if err := printHealth(a, o, state); err != nil {
			return err
		}
		if wait > 0 && state == healthpb.HealthCheckResponse_SERVING {
			return errServing
		}
		return nil
	}))
	switch {
	case errors.Is(err, errServing):
		return nil
	case over.Load() && !answered:
		return (&invoke.Status{
			Code: codes.DeadlineExceeded, Message: "no answer within " +
				wait.String(), Origin: invoke.OriginClient, Cause: context.DeadlineExceeded,
		}).Err()
	case err != nil && !over.Load():
		return err
	}
	return health.Verdict(o.service, last)
}

// printHealth prints one answer.
func printHealth(a *app.App, o *healthOptions, state healthpb.HealthCheckResponse_ServingStatus) error {
	if o.output.Value == "text" {
		_, err := fmt.Fprintln(a.Env.Stdout, health.StateName(state))
		return err
	}
	line, err := json.Marshal(struct {
		Service string `json:"service"`
		Status  string `json:"status"`
	}{formatters.CleanLine(o.service), health.StateName(state)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "%s\n", line)
	return err
}
